"""What no fsync has covered is lost at a loss of power, or torn; what one has covered is not."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.hosts.disks.tearing import SECTOR_BYTES
from harness.hosts.disks.unsynced import KEPT, UnsyncedFolder

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
        return {path.name: path.read_bytes() for path in self.root.iterdir() if path.name != KEPT}

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
    assert files.folder.lose_power(1, tear=True).names == 1, "a; a.new was never there for sure, and is not"
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
    files.folder.drop_unsynced(files.folder.number("a"), files.opened["a"])
    assert files.contents() == {"a": b"", "b": b"two"}
    files.close()


# ---- trees: folders, renames and links ---------------------------------------------------------------------

PATHS = ("a", "b", "d", "e", "d/a", "d/b", "e/a", "d/d", "d/d/a")
paths = st.sampled_from(PATHS)
acts = st.one_of(
    st.tuples(st.just("write"), paths, st.integers(0, 30), st.binary(min_size=1, max_size=20)),
    st.tuples(st.just("cut"), paths, st.integers(0, 30)),
    st.tuples(st.just("allocate"), paths, st.integers(1, 30)),
    st.tuples(st.sampled_from(["mkdir", "unlink", "rmdir", "symlink", "sync", "sync folder"]), paths),
    st.tuples(st.sampled_from(["rename", "link"]), paths, paths),
)


class Tree:
    """A folder below which programs do anything; what the file system refuses is not done."""

    def __init__(self, root: Path, *, names_by_fsync: bool = False) -> None:
        self.root = root
        self.folder = UnsyncedFolder(str(root), names_by_fsync=names_by_fsync)

    def do(self, act: tuple[object, ...]) -> None:
        with contextlib.suppress(OSError):
            self._do(act)

    def _do(self, act: tuple[object, ...]) -> None:
        folder = self.folder
        match act:
            case ("write", str(name), int(offset), bytes(data)):
                self._with(name, lambda opened: folder.write(folder.number(name), opened, data, offset))
            case ("cut", str(name), int(size)):
                folder.truncate(name, size)
            case ("allocate", str(name), int(size)):
                self._with(name, lambda opened: folder.allocate(opened, 0, size))
            case ("sync", str(name)):
                folder.sync(folder.number(name))
            case ("sync folder", str(name)):
                folder.sync_folder(name if (self.root / name).is_dir() else "")
            case ("mkdir", str(name)):
                folder.mkdir(name, 0o755)
            case ("symlink", str(name)):
                folder.symlink("anywhere", name)
            case ("rename", str(old), str(new)):
                folder.rename(old, new)
            case ("link", str(old), str(new)):
                folder.link(old, new)
            case ("unlink", str(name)):
                folder.unlink(name)
            case ("rmdir", str(name)):
                folder.rmdir(name)

    def _with(self, name: str, act: Callable[[int], object]) -> None:
        if (self.root / name).is_symlink() or (self.root / name).is_dir():
            return
        opened = self.folder.create(name, os.O_RDWR, 0o644)
        try:
            act(opened)
        finally:
            os.close(opened)

    def sync_all(self) -> None:
        for path in [self.root, *self.root.rglob("*")]:
            name = "" if path == self.root else str(path.relative_to(self.root))
            if not name.startswith(KEPT):
                self.folder.sync(self.folder.number(name))
                if path.is_dir() and not path.is_symlink():
                    self.folder.sync_folder(name)

    def all(self) -> dict[str, object]:
        """By path: a folder, where a link leads, or a file's content; and which files are one."""
        found: dict[str, object] = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if name.startswith(KEPT):
                continue
            if path.is_symlink():
                found[name] = ("link", os.readlink(path))
            elif path.is_dir():
                found[name] = "folder"
            else:
                found[name] = (path.read_bytes(), path.stat().st_ino)
        return found


@given(before=st.lists(acts, max_size=12), after=st.lists(acts, max_size=15), draw=st.integers(0, 1000))
def test_a_loss_of_power_leaves_a_tree_as_it_was_when_all_of_it_was_synced(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]], draw: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        tree = Tree(Path(root))
        for act in before:
            tree.do(act)
        tree.sync_all()
        durable = tree.all()
        for act in after:
            if act[0] not in ("sync", "sync folder"):
                tree.do(act)
        tree.folder.lose_power(draw, tear=False)
        assert tree.all() == durable
        assert os.listdir(tree.root / KEPT) == [], "nothing is kept for longer than it is needed"
        tree.folder.close()
        assert not (tree.root / KEPT).exists()


@given(before=st.lists(acts, max_size=25), draw=st.integers(0, 1000), fails_at=st.integers(0, 6))
def test_a_loss_of_power_that_the_disk_refuses_changes_nothing(
    before: list[tuple[object, ...]], draw: int, fails_at: int
) -> None:
    """Whatever was synced in between, and whichever call it is that fails."""
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        tree = Tree(Path(root))
        for act in before:
            tree.do(act)
        seen, calls = tree.all(), 0

        def failing(name: str) -> None:
            real = getattr(os, name)

            def call(*given: object, **named: object) -> object:
                nonlocal calls
                calls += 1
                if calls == fails_at + 1:
                    raise OSError(errno.EIO, "refused")
                return real(*given, **named)

            patch.setattr(os, name, call)

        for name in ("rename", "link", "ftruncate"):
            failing(name)
        refused = None
        try:
            tree.folder.lose_power(draw, tear=True)
        except OSError as error:
            refused = error.errno
        assert refused is None or (refused, tree.all()) == (errno.EIO, seen)
        patch.undo()
        tree.folder.lose_power(draw, tear=True)
        assert tree.folder.unsynced_bytes == 0
        tree.folder.close()


def test_a_name_made_in_a_folder_outlives_the_folders_new_name(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    for act in (("mkdir", "d"), ("sync folder", ""), ("write", "d/a", 0, b"x"), ("sync", "d/a")):
        tree.do(act)
    tree.do(("sync folder", "d"))
    tree.do(("write", "d/b", 0, b"y"))
    tree.do(("rename", "d", "e"))
    tree.folder.sync_folder("")
    tree.folder.lose_power(1, tear=False)
    assert set(tree.all()) == {"e", "e/a"}, "e/b was made as d/b, and never synced"


@pytest.mark.parametrize(("names_by_fsync", "left"), [(True, {"b", "d", "d/d", "d/d/a"}), (False, set())])
def test_an_fsync_of_a_file_keeps_the_names_that_lead_to_it_where_the_disk_does_so(
    tmp_path: Path, names_by_fsync: bool, left: set[str]
) -> None:
    tree = Tree(tmp_path, names_by_fsync=names_by_fsync)
    for act in (("mkdir", "e"), ("mkdir", "e/d"), ("write", "e/d/x", 0, b"x"), ("mkdir", "b")):
        tree.do(act)
    tree.do(("rename", "e/d/x", "e/d/a"))
    tree.do(("rename", "e", "d"))
    tree.do(("sync", "d/d/a"))
    tree.do(("write", "d/d/b", 0, b"not synced"))
    tree.do(("write", "d/a", 0, b"not synced"))
    tree.folder.lose_power(1, tear=False)
    assert set(tree.all()) == left


@pytest.mark.parametrize(("names_by_fsync", "left"), [(True, {"e", "log"}), (False, {"e", "e.tmp"})])
def test_where_names_are_kept_in_order_a_log_is_not_there_without_the_rename_before_it(
    tmp_path: Path, names_by_fsync: bool, left: set[str]
) -> None:
    tree = Tree(tmp_path, names_by_fsync=names_by_fsync)
    for act in (("write", "e", 0, b"1"), ("write", "e.tmp", 0, b"2"), ("sync", "e"), ("sync", "e.tmp")):
        tree.do(act)
    tree.do(("sync folder", ""))
    tree.do(("rename", "e.tmp", "e"))
    tree.do(("write", "log", 0, b"x"))
    tree.do(("write", "later", 0, b"y"))
    tree.folder.sync(tree.folder.number("log"), data_only=True)
    tree.folder.lose_power(1, tear=False)
    assert set(tree.all()) == left
    assert (tmp_path / "e").read_bytes() == (b"2" if names_by_fsync else b"1")


few = st.sampled_from(("a", "b", "c"))
few_acts = st.one_of(
    st.tuples(st.just("write"), few, st.just(0), st.just(b"x")),
    st.tuples(st.sampled_from(["sync", "unlink"]), few),
    st.tuples(st.just("rename"), few, few),
)


@given(before=st.lists(few_acts, min_size=3, max_size=12))
def test_where_names_are_kept_in_order_a_loss_of_power_leaves_them_as_they_were_at_one_moment(
    before: list[tuple[object, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as root:
        tree = Tree(Path(root), names_by_fsync=True)

        def names() -> dict[str, int]:
            return {name: os.lstat(tree.root / name).st_ino for name in tree.all()}

        seen = [names()]
        for act in before:
            tree.do(act)
            seen.append(names())
        tree.folder.lose_power(0, tear=False)
        assert names() in seen
        tree.folder.close()


@pytest.mark.parametrize(("data_only", "kept"), [(True, b"1"), (False, b"2")])
def test_a_fdatasync_that_finds_the_length_unchanged_makes_no_name_durable(
    tmp_path: Path, data_only: bool, kept: bytes
) -> None:
    tree = Tree(tmp_path, names_by_fsync=True)
    for name, data in (("e", b"1"), ("e.tmp", b"2"), ("log", bytes(100))):
        tree.do(("write", name, 0, data))
    tree.sync_all()
    tree.do(("rename", "e.tmp", "e"))
    tree.do(("write", "log", 50, b"x"))
    tree.folder.sync(tree.folder.number("log"), data_only=data_only)
    tree.folder.lose_power(1, tear=False)
    assert (tmp_path / "e").read_bytes() == kept
    assert (tmp_path / "log").read_bytes()[50:51] == b"x"


def test_what_a_synced_rename_presumes_is_durable_with_it(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.do(("mkdir", "d"))
    tree.do(("sync folder", ""))
    tree.do(("write", "a", 0, b"x"))
    tree.do(("sync", "a"))
    tree.do(("rename", "a", "d/a"))
    tree.folder.sync_folder("d")
    tree.folder.lose_power(1, tear=False)
    assert set(tree.all()) == {"d", "d/a"}


def test_a_large_file_of_which_little_was_changed_is_torn_within_moments(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    opened = tree.folder.create("log", os.O_RDWR, 0o644)
    tree.folder.allocate(opened, 0, 64_000_000)
    number = tree.folder.number("log")
    tree.folder.sync(number)
    tree.folder.sync_folder("")
    tree.folder.write(number, opened, b"z" * 3000, 40_000_000)
    lost = max(tree.folder.lose_power(draw, tear=True).bytes for draw in range(1))
    assert lost <= 3000
    assert os.fstat(opened).st_size == 64_000_000
    os.close(opened)
