"""A file that is damaged at rest is a live one that the system names, never a lock, where it was written."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from harness.hosts.disks import atrest

WAL = ("member/wal/*.wal", "member/snap/db")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder as etcd's: logs with room taken beforehand, a store, locks; the newest file is a lock."""
    data = tmp_path / "data"
    for number, name in enumerate(
        ["member/wal/1.wal", "member/wal/2.wal", "member/wal/0.tmp", "member/snap/db", "member/snap/db.lock"]
    ):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 100 + bytes(100_000 - 1000 * number))
        os.utime(path, ns=(number * 10**9, number * 10**9))
    (data / "LOCK").write_bytes(b"12345" * 100_000)
    return data


def done(what: str, data: Path, draw: int, *patterns: str) -> dict[str, Any]:
    return atrest.main(what, str(data), str(data.parent / "aside"), draw, *patterns)


def test_what_is_damaged_is_the_file_written_last_of_those_that_the_system_names(data: Path) -> None:
    hit = {done("rot", data, draw, *WAL)["file"] for draw in range(20)}
    assert hit == {"member/wal/2.wal", "member/snap/db"}, "each pattern sooner or later"
    assert {done("rot", data, draw, WAL[0])["file"] for draw in range(5)} == {"member/wal/2.wal"}


def test_of_a_system_that_names_none_it_is_the_largest_and_never_a_lock(data: Path) -> None:
    assert done("rot", data, 1)["file"] == "member/wal/1.wal"
    for name in ("a.lock", "B.LCK", ".lock", "server.pid"):
        (data / name).write_bytes(b"x")
        with pytest.raises(SystemExit, match="holds no file with anything in it that matches"):
            done("rot", data, 1, name)


def test_a_bit_flips_only_where_something_was_written_and_is_put_back(data: Path) -> None:
    path = data / "member/wal/2.wal"
    for draw in range(30):
        before = path.read_bytes()
        found = done("rot", data, draw, WAL[0])
        after = path.read_bytes()
        (differs,) = [index for index, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        assert differs == found["byte"] < len(before.rstrip(b"\0"))
        done("repair", data, draw)
        assert path.read_bytes() == before


def test_what_is_cut_off_was_written(data: Path) -> None:
    path = data / "member/wal/2.wal"
    written = len(path.read_bytes().rstrip(b"\0"))
    found = done("truncate", data, 1, WAL[0])
    assert len(path.read_bytes()) == written - found["cut_bytes"] < written


def test_room_taken_beforehand_cannot_end_in_a_torn_write(data: Path) -> None:
    before = (data / "member/wal/2.wal").read_bytes()
    with pytest.raises(SystemExit, match="has room taken beforehand"):
        done("torn", data, 1, WAL[0])
    assert (data / "member/wal/2.wal").read_bytes() == before
    (data / "log").write_bytes(b"entries")
    assert done("torn", data, 1, "log")["added_bytes"] > 0


def test_a_file_of_zeros_alone_holds_nothing_to_be_damaged(data: Path) -> None:
    (data / "empty").write_bytes(bytes(5000))
    with pytest.raises(SystemExit, match="that matches empty"):
        done("truncate", data, 1, "empty")


def test_a_copy_of_a_folder_has_its_links_and_no_sockets(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    (data / "link").symlink_to("member/wal/1.wal")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        done("backup", data, 1)
    (data / "later").write_bytes(b"gone")
    done("restore", data, 1)
    assert os.readlink(data / "link") == "member/wal/1.wal"
    assert not (data / "later").exists()
    assert not (data / "socket").exists()
