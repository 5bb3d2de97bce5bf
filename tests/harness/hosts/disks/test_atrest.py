"""A file that is damaged at rest is a live one that the system names, never a lock, where it was written."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.hosts.disks import atrest
from harness.systems.base import LogRecords
from harness.systems.etcd import Etcd

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


def done(
    what: str, data: Path, draw: int, *patterns: str, records: LogRecords | None = None
) -> dict[str, Any]:
    framing = msgspec.json.encode(records).decode()
    return atrest.main(what, str(data), str(data.parent / "aside"), draw, framing, *patterns)


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


@pytest.mark.parametrize("size", [300, 9000])
def test_what_a_node_cut_off_behind_a_flipped_bit_is_counted_and_nothing_else(data: Path, size: int) -> None:
    path = data / "member/wal/2.wal"
    for draw in range(10):
        before = random.Random(draw).randbytes(size - 1) + b"."
        path.write_bytes(before + bytes(70_000))
        byte = done("rot", data, draw, WAL[0])["byte"]
        damaged = path.read_bytes()
        behind = size - byte - 1
        cut = damaged[: max(byte - 20, byte // 2)]
        left = {
            "as it is": damaged,
            "repaired": before + bytes(70_000),
            "grown": damaged[:size] + b"further entries" * 99,
            "cut a sector behind the bit": damaged[: byte + 513],
            "written again as a whole": bytes(255 - one for one in damaged),
        }
        dropped = {
            "cut": cut,
            "cut, and room taken again": cut + bytes(70_000),
            "cut, and gone on": cut + b"other entries" * 999,
        }
        for after, content in {**left, **dropped}.items():
            path.write_bytes(content)
            expected = {"dropped_bytes": behind if after in dropped else 0}
            assert done("dropped", data, draw) == expected, (draw, after)
        path.unlink()
        assert done("dropped", data, draw) == {"dropped_bytes": 0}, "its content may be in another file"


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


def framed(body: bytes) -> bytes:
    """A record as etcd's encoder writes it."""
    fill = -len(body) % 8
    length = len(body) | ((0x80 | fill) << 56 if fill else 0)
    return length.to_bytes(8, "little") + body + bytes(fill)


def records_of(content: bytes) -> list[bytes]:
    """The records of a log as etcd's decoder reads them: a length of 56 bits, filled up to 8 bytes."""
    found, at = [], 0
    while size := int.from_bytes(content[at : at + 8], "little") & ((1 << 56) - 1):
        found.append(content[at + 8 : at + 8 + size])
        at += 8 + size + -size % 8
    return found


@pytest.mark.parametrize("last", [b"\x08\x02" + b"x" * 300 + bytes(20), b"y" * 8, b"z" * 700])
def test_a_torn_record_begins_where_the_last_one_ends_and_lacks_a_whole_sector(
    tmp_path: Path, last: bytes
) -> None:
    log = tmp_path / "data/member/wal/1.wal"
    log.parent.mkdir(parents=True)
    for draw in range(20):
        bodies = [b"first" * 11, last]
        before = b"".join(framed(body) for body in bodies)
        log.write_bytes(before + bytes(20_000))
        found = done("torn", tmp_path / "data", draw, WAL[0], records=Etcd.log_records)
        after = log.read_bytes()
        assert (found["at"], len(after), after[: len(before)]) == (len(before), len(before) + 20_000, before)
        *kept, torn = records_of(after)
        assert kept == bodies
        start = found["at"] + 8
        sectors = [torn[max(0, at - start) : at - start + 512] for at in range(0, start + len(torn), 512)]
        assert any(len(sector) == 512 and not any(sector) for sector in sectors)
        assert last.startswith(torn.rstrip(b"\0")), "what is there of it is how a record begins"
        assert done("is-torn", tmp_path / "data", draw) == {"is_torn": True}
        log.write_bytes(before)
        assert done("is-torn", tmp_path / "data", draw) == {"is_torn": False}


def test_a_log_that_is_not_as_the_system_says_is_left_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "data/member/wal/1.wal"
    log.parent.mkdir(parents=True)
    for content, reason in (
        (b"text, which is no length" * 9 + bytes(9000), "ends within a record"),
        (bytes(8) + b"late" + bytes(9000), "has no records and then zeros"),
        ((8).to_bytes(8, "little") + b"12345678" + bytes(100), "has no room"),
    ):
        log.write_bytes(content)
        with pytest.raises(SystemExit, match=reason):
            done("torn", tmp_path / "data", 1, WAL[0], records=Etcd.log_records)
        assert log.read_bytes() == content


def test_what_was_cut_off_or_written_over_is_told_from_what_was_left(data: Path) -> None:
    log = data / "log"
    for draw in range(30):
        log.write_bytes(b"entries")
        added = done("torn", data, draw, "log")["added_bytes"]
        torn = log.read_bytes()
        assert done("is-torn", data, draw) == {"is_torn": True}
        left = {b"entries": False, b"entries and more" * 200: False, torn + b"x": added > 15}
        for then, is_torn in left.items():
            log.write_bytes(then)
            assert done("is-torn", data, draw) == {"is_torn": is_torn}
        log.unlink()
        assert done("is-torn", data, draw) == {"is_torn": False}


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
