"""What no fsync has covered is lost at a loss of power, or torn; what one has covered is not."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.hosts.disks.unsynced import SECTOR_BYTES, UnsyncedFolder

NAMES = ("a", "b")
offsets = st.integers(0, 40)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES), offsets, st.binary(min_size=1, max_size=20)),
        st.tuples(st.just("truncate"), st.sampled_from(NAMES), offsets),
        st.tuples(st.just("sync"), st.sampled_from(NAMES)),
    ),
    max_size=25,
)


class Files:
    """A folder with two durable, empty files, and what programs do to them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = UnsyncedFolder(str(root))
        self.opened = {name: self.folder.create(name, os.O_WRONLY, 0o644) for name in NAMES}
        self.folder.sync_folder("")

    def do(self, step: tuple[object, ...]) -> None:
        match step:
            case ("write", str(name), int(offset), bytes(data)):
                number = self.folder.number(name)
                assert self.folder.write(number, self.opened[name], data, offset) == len(data)
            case ("truncate", str(name), int(size)):
                self.folder.truncate(name, size)
            case ("sync", str(name)):
                self.folder.sync(self.folder.number(name))

    def contents(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.root.iterdir()}

    def close(self) -> None:
        for opened in self.opened.values():
            os.close(opened)


@given(steps=steps, draw=st.integers(0, 2**64 - 1))
def test_a_loss_of_power_leaves_each_file_as_its_last_fsync_left_it(
    steps: list[tuple[object, ...]], draw: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        files = Files(Path(root))
        durable = dict.fromkeys(NAMES, b"")
        for step in steps:
            files.do(step)
            if step[0] == "sync":
                durable[str(step[1])] = files.contents()[str(step[1])]
        files.folder.lose_power(draw, tear=False)
        assert files.contents() == durable
        assert files.folder.unsynced_bytes == 0
        assert files.folder.lose_power(draw, tear=True).bytes == 0, "it is lost once"
        files.close()


@given(
    durable=st.binary(max_size=1500),
    more=st.binary(min_size=1, max_size=3000),
    draw=st.integers(0, 2**64 - 1),
)
def test_a_torn_append_keeps_what_was_synced_and_of_the_rest_whole_sectors_or_zeros(
    durable: bytes, more: bytes, draw: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        files = Files(Path(root))
        if durable:
            files.do(("write", "a", 0, durable))
        files.do(("sync", "a"))
        files.do(("write", "a", len(durable), more))
        files.folder.lose_power(draw, tear=True)
        kept = files.contents()["a"]
        assert kept[: len(durable)] == durable
        assert len(durable) <= len(kept) <= len(durable + more)
        for start in range(0, len(kept), SECTOR_BYTES):
            begin, end = max(start, len(durable)), min(start + SECTOR_BYTES, len(kept))
            piece = kept[begin:end]
            assert piece in ((durable + more)[begin:end], bytes(len(piece)))
        files.close()


def test_every_fate_of_a_torn_write_is_drawn_sooner_or_later(tmp_path: Path) -> None:
    seen = set()
    for draw in range(60):
        root = tmp_path / str(draw)
        root.mkdir()
        files = Files(root)
        files.do(("write", "a", 0, b"x" * 1000))
        lost = files.folder.lose_power(draw, tear=True)
        kept = files.contents()["a"]
        assert lost.bytes == sum(byte == 0 for byte in kept) + 1000 - len(kept)
        assert lost.torn_files == bool(kept)
        seen.add("nothing" if not kept else "all" if kept == b"x" * 1000 else "some")
        files.close()
    assert seen == {"nothing", "all", "some"}


def test_a_file_put_in_place_by_a_rename_is_there_only_once_its_folder_is_synced(tmp_path: Path) -> None:
    def replace(folder: UnsyncedFolder) -> None:
        opened = folder.create("a.new", os.O_WRONLY, 0o600)
        folder.write(folder.number("a.new"), opened, b"new", 0)
        folder.sync(folder.number("a.new"))
        os.close(opened)
        folder.rename("a.new", "a")

    files = Files(tmp_path)
    files.do(("write", "a", 0, b"old"))
    files.do(("sync", "a"))
    replace(files.folder)
    assert files.contents()["a"] == b"new"
    assert files.folder.lose_power(1, tear=True).names == 3, "made, the old one removed, renamed"
    assert files.contents() == {"a": b"old", "b": b""}
    replace(files.folder)
    files.folder.sync_folder("")
    files.folder.lose_power(1, tear=True)
    assert files.contents() == {"a": b"new", "b": b""}
    files.close()


def test_what_is_written_to_a_new_file_is_lost_with_its_name_although_it_was_synced(tmp_path: Path) -> None:
    files = Files(tmp_path)
    opened = files.folder.create("c", os.O_WRONLY, 0o600)
    files.folder.write(files.folder.number("c"), opened, b"kept?", 0)
    files.folder.sync(files.folder.number("c"))
    files.folder.lose_power(1, tear=False)
    assert sorted(files.contents()) == ["a", "b"]
    os.close(opened)
    files.close()


def test_a_removed_file_comes_back_unless_its_folder_was_synced(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.do(("write", "a", 0, b"content"))
    files.do(("sync", "a"))
    files.folder.unlink("a")
    files.folder.lose_power(1, tear=False)
    assert files.contents()["a"] == b"content"
    files.folder.unlink("a")
    files.folder.sync_folder("")
    files.folder.lose_power(1, tear=False)
    assert sorted(files.contents()) == ["b"]
    files.close()


def test_a_failed_fsync_loses_that_file_alone(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.do(("write", "a", 0, b"one"))
    files.do(("write", "b", 0, b"two"))
    files.folder.drop_unsynced(files.folder.number("a"))
    assert files.contents() == {"a": b"", "b": b"two"}
    files.close()


def test_a_folder_is_not_renamed(tmp_path: Path) -> None:
    folder = UnsyncedFolder(str(tmp_path))
    folder.mkdir("inner", 0o700)
    with pytest.raises(OSError, match="folders are not renamed here"):
        folder.rename("inner", "other")
    folder.lose_power(1, tear=False)
    assert not (tmp_path / "inner").exists()
