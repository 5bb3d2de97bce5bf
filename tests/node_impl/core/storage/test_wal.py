from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import AppendRecord, Entry, HardState, Record, Recovered, TruncateRecord
from node_impl.core.storage import CorruptLog, WriteAheadLog
from node_impl.core.storage.format import END, HEADER_BYTES, MARK, SECTOR_BYTES, encode_frame
from node_impl.core.storage.wal import FILE, replay
from tests.node_impl.core.storage.fake_disk import FakeDisk

Commit = tuple[Record, ...]
"""What one fsync covers."""


ops = st.none() | st.text(max_size=5)


@st.composite
def commits(draw: st.DrawFn, min_size: int = 0) -> list[Commit]:
    """Group commits that a node could write: entries follow each other, truncations hit existing ones."""
    last = 0
    written: list[Commit] = []
    for _ in range(draw(st.integers(min_size, 6))):
        records: list[Record] = []
        for _ in range(draw(st.integers(1, 3))):
            kind = draw(st.sampled_from("hat" if last else "ha"))
            if kind == "h":
                vote = draw(st.none() | st.sampled_from(["n1", "n2"]))
                records.append(HardState(draw(st.integers(0, 2**40)), vote))
            elif kind == "a":
                entries = tuple(
                    Entry(
                        last + n, draw(st.integers(1, 9)), "command", draw(st.binary(max_size=40)), draw(ops)
                    )
                    for n in range(1, 1 + draw(st.integers(0, 3)))
                )
                last += len(entries)
                records.append(AppendRecord(entries))
            else:
                index = draw(st.integers(1, last))
                last = index - 1
                records.append(TruncateRecord(index))
        written.append(tuple(records))
    return written


def written(groups: list[Commit]) -> FakeDisk:
    disk = FakeDisk()
    log = WriteAheadLog(disk)
    log.recover()
    for group in groups:
        log.write(group)
        log.sync()
    return disk


def state(groups: list[Commit]) -> tuple[HardState, tuple[Entry, ...]]:
    found = replay([record for group in groups for record in group], 0)
    return found.hard_state, found.entries


def recover(content: bytes) -> Recovered:
    return WriteAheadLog(FakeDisk.holding(FILE, content)).recover()


def prefixes(groups: list[Commit]) -> list[tuple[HardState, tuple[Entry, ...]]]:
    return [state(groups[:n]) for n in range(len(groups) + 1)]


def an_entry(index: int, payload: bytes = b"payload") -> AppendRecord:
    return AppendRecord((Entry(index, 1, "command", payload),))


@given(commits())
def test_what_was_synced_is_recovered(groups: list[Commit]) -> None:
    disk = written(groups)
    found = recover(disk.synced[FILE])
    assert (found.hard_state, found.entries) == state(groups)
    assert found.notes == ()


@given(commits(), commits())
def test_a_recovered_log_goes_on_where_it_ended(before: list[Commit], after: list[Commit]) -> None:
    disk = written(before)
    log = WriteAheadLog(disk)
    last = len(log.recover().entries)
    moved = [tuple(_moved(record, last) for record in group) for group in after]
    for group in moved:
        log.write(group)
        log.sync()
    found = recover(disk.synced[FILE])
    assert (found.hard_state, found.entries) == state(before + moved)


def _moved(record: Record, by: int) -> Record:
    match record:
        case AppendRecord(entries):
            return AppendRecord(tuple(Entry(e.index + by, e.term, e.kind, e.payload, e.op) for e in entries))
        case TruncateRecord(index):
            return TruncateRecord(index + by)
    return record


@given(commits())
def test_every_truncation_recovers_a_prefix_and_says_what_it_cut(groups: list[Commit]) -> None:
    content = written(groups).synced[FILE]
    expected = prefixes(groups)
    for size in range(HEADER_BYTES, len(content)):
        disk = FakeDisk.holding(FILE, content[:size])
        found = WriteAheadLog(disk).recover()
        assert (found.hard_state, found.entries) in expected
        cut = size - len(disk.files[FILE])
        assert bool(cut) == bool(found.notes)
        if cut:
            assert f"cut a torn end of {cut} bytes" in found.notes[0]
        assert recover(disk.synced[FILE]).notes == (), "what was cut is gone for good"


def test_a_file_shorter_than_its_header_is_refused_since_it_is_created_whole() -> None:
    content = written([]).synced[FILE]
    for size in range(HEADER_BYTES):
        with pytest.raises(CorruptLog, match="ends within its 16 byte header"):
            recover(content[:size])


@given(commits(min_size=1))
def test_every_flipped_bit_is_refused(groups: list[Commit]) -> None:
    content = written(groups).synced[FILE]
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        with pytest.raises(CorruptLog):
            recover(bytes(damaged))


@given(st.lists(st.binary(min_size=1, max_size=700), min_size=1, max_size=4), st.data())
def test_a_flipped_bit_never_gives_another_log(payloads: list[bytes], data: st.DataObject) -> None:
    """Payloads of zeros, whole sectors long, included: there a cut is allowed, but only of the last frame."""
    groups: list[Commit] = [
        (an_entry(index, payload if data.draw(st.booleans()) else bytes(1500)),)
        for index, payload in enumerate(payloads, start=1)
    ]
    content = bytearray(written(groups).synced[FILE])
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << (bit % 8)
    try:
        found = recover(bytes(content))
    except CorruptLog:
        return
    assert (found.hard_state, found.entries) == state(groups[:-1])
    assert found.notes


@given(commits(min_size=1), st.sets(st.integers(0, 3)), st.integers(0, 2000))
def test_power_loss_amid_a_write_cuts_just_that_write(
    groups: list[Commit], lost: set[int], payload_bytes: int
) -> None:
    """Any subset of the in-flight frame's sectors may be missing, while the file's length already grew."""
    before = written(groups).synced[FILE]
    last = len(state(groups)[1])
    frame = encode_frame([an_entry(last + 1, b"\x01" * payload_bytes)], len(before))
    content = bytearray(before + frame)
    first_sector = len(before) // SECTOR_BYTES
    for sector in (first_sector + n for n in lost):
        start = max(sector * SECTOR_BYTES, len(before))
        stop = min((sector + 1) * SECTOR_BYTES, len(content))
        if start < stop:
            content[start:stop] = bytes(stop - start)
    found = recover(bytes(content))
    if content == before + frame:
        assert len(found.entries) == last + 1
    else:
        assert (found.hard_state, found.entries) == state(groups)
        assert found.notes


def test_a_hole_in_an_earlier_frame_is_no_torn_write() -> None:
    """It had been synced before the next frame was begun, so what it held may have been acknowledged."""
    content = bytearray(written([(an_entry(1, b"x" * 3000),), (an_entry(2),)]).synced[FILE])
    content[1024:1536] = bytes(512)
    with pytest.raises(CorruptLog, match=r"log.wal, byte 16: .*more follows at byte"):
        recover(bytes(content))


def test_a_hole_over_an_earlier_frames_header_is_no_torn_write() -> None:
    content = bytearray(
        written([(an_entry(1, b"x" * 480),), (an_entry(2, b"y" * 600),), (an_entry(3),)]).synced[FILE]
    )
    second = content.index(MARK, HEADER_BYTES + 1)
    hole_end = (second // SECTOR_BYTES + 1) * SECTOR_BYTES
    content[second:hole_end] = bytes(hole_end - second)
    with pytest.raises(CorruptLog, match="although a good one follows"):
        recover(bytes(content))


def test_the_image_of_a_frame_inside_a_payload_is_no_frame() -> None:
    """A client may store any bytes; they must not make a torn write look like damage, nor like a log."""
    image = encode_frame([an_entry(7)], HEADER_BYTES)
    content = written([(an_entry(1, image * 3),)]).synced[FILE]
    assert recover(content[:-1]).entries == ()


def test_recovery_makes_durable_what_a_killed_life_left_in_the_kernel() -> None:
    disk = FakeDisk()
    WriteAheadLog(disk).recover()
    disk.append(FILE, encode_frame([an_entry(1)], HEADER_BYTES))
    assert disk.synced[FILE] != disk.files[FILE]
    WriteAheadLog(disk).recover()
    assert disk.synced[FILE] == disk.files[FILE]


def test_one_sync_covers_many_writes_and_an_idle_one_costs_nothing() -> None:
    disk = FakeDisk()
    log = WriteAheadLog(disk)
    log.recover()
    before = disk.syncs
    for index in range(1, 101):
        log.write([an_entry(index)])
    log.sync()
    log.sync()
    assert disk.syncs == before + 1
    assert len(recover(disk.synced[FILE]).entries) == 100


def test_nothing_is_on_disk_before_sync() -> None:
    disk = FakeDisk()
    log = WriteAheadLog(disk)
    log.recover()
    log.write([an_entry(1)])
    assert recover(bytes(disk.files[FILE])).entries == ()


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([an_entry(2)], "entry 2 is to follow entry 0"),
        ([an_entry(1), an_entry(1)], "entry 1 is to follow entry 1"),
        ([TruncateRecord(1)], "cut from entry 1, but it ends at entry 0"),
        ([an_entry(1), TruncateRecord(0)], "cut from entry 0"),
    ],
)
def test_records_that_do_not_follow_are_neither_written_nor_read(records: list[Record], message: str) -> None:
    log = WriteAheadLog(FakeDisk())
    log.recover()
    with pytest.raises(ValueError, match=message):
        log.write(records)
    content = written([]).synced[FILE]
    with pytest.raises(CorruptLog, match=message):
        recover(content + encode_frame(records, len(content)))


def _other_version(content: bytearray) -> None:
    content[8:12] = struct.pack("<I", 2)
    content[12:16] = struct.pack("<I", zlib.crc32(content[:12]))


def _other_magic(content: bytearray) -> None:
    content[:4] = b"SQLi"


def _other_records(content: bytearray) -> None:
    payload = b"\x91\xc3"
    start = struct.pack("<4sII", MARK, len(payload), zlib.crc32(payload))
    content += start + struct.pack("<I", zlib.crc32(start, len(content))) + payload + END


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_other_version, "format version 2; this program reads version 1"),
        (_other_magic, "not a write-ahead log of this node"),
        (_other_records, "an intact frame holds no records of this version"),
    ],
)
def test_another_format_is_refused_with_advice(change: Callable[[bytearray], None], message: str) -> None:
    content = bytearray(written([]).synced[FILE])
    change(content)
    with pytest.raises(CorruptLog, match=message) as caught:
        recover(bytes(content))
    assert "never empty the folder" in str(caught.value)


@given(commits(), st.binary(min_size=1, max_size=60))
def test_garbage_after_the_end_is_cut_or_refused_but_never_read(groups: list[Commit], garbage: bytes) -> None:
    content = written(groups).synced[FILE]
    try:
        found = recover(content + garbage)
    except CorruptLog:
        return
    assert (found.hard_state, found.entries) == state(groups)
    assert found.notes
