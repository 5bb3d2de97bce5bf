"""A snapshot and the log after it, through crashes between any two disk operations, and through damage."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import AppendRecord, BaseRecord, Configuration, Entry, HardState, SnapshotRecord
from node_impl.core.raft.snapshot_bytes import make_snapshot
from node_impl.core.storage import CorruptLog, OsDisk, WriteAheadLog
from node_impl.core.storage.snapshot_file import SNAPSHOT_FILE
from node_impl.core.storage.wal import FILE
from tests.node_impl.core.storage.fake_disk import FakeDisk


class Crash(Exception):
    """The power is gone."""


class CrashingDisk(FakeDisk):
    """Dies before its n-th operation that changes anything."""

    def __init__(self, operations: int) -> None:
        super().__init__()
        self.left = operations

    def _count(self) -> None:
        if self.left == 0:
            raise Crash
        self.left -= 1

    def write_new(self, name: str, content: bytes) -> None:
        self._count()
        super().write_new(name, content)

    def rename(self, old: str, new: str) -> None:
        self._count()
        super().rename(old, new)

    def append(self, name: str, data: bytes) -> None:
        self._count()
        super().append(name, data)

    def sync(self, name: str) -> None:
        self._count()
        super().sync(name)

    def after_power_loss(self) -> FakeDisk:
        disk = FakeDisk()
        for name, content in self.synced.items():
            disk.create(name, content)
        return disk


def entry(index: int, term: int = 1) -> Entry:
    return Entry(index, term, "command", b"%d.%d" % (index, term))


def snapshot_of(index: int, base: int, last: int, term: int = 1) -> SnapshotRecord:
    snapshot = make_snapshot(index, term, "ab" * 8, Configuration(("n1",)), b"registry %d" % index, b"s")
    entries = tuple(entry(number, term) for number in range(base + 1, last + 1))
    return SnapshotRecord(snapshot, BaseRecord(base, term), entries)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.booleans(), st.integers(0, 4)), max_size=8), st.integers(0, 40)
)
def test_a_crash_between_any_two_disk_operations_loses_nothing_that_was_synced(
    steps: list[tuple[int, bool, int]], operations: int
) -> None:
    """Whatever the crash leaves, the snapshot and the log together hold every entry that was synced, none
    that was never written, and the last vote."""
    disk = CrashingDisk(operations)
    synced = written = voted = vote_synced = last_snapshot = 0
    try:
        log = WriteAheadLog(disk)
        log.recover()
        for count, takes_snapshot, trailing in steps:
            voted += 1
            log.write([HardState(voted, "n2")])
            log.write([AppendRecord(tuple(entry(written + n) for n in range(1, count + 1)))])
            written += count
            if takes_snapshot:
                index = written - count // 2
                base = max(last_snapshot, index - trailing)
                log.write([snapshot_of(index, base, written)])
                last_snapshot = index
            log.sync()
            synced, vote_synced = written, voted
    except Crash:
        pass
    rest = disk.after_power_loss()
    found = WriteAheadLog(rest).recover()
    covered = 0 if found.snapshot is None else found.snapshot.index
    assert found.base.index <= covered
    last = found.base.index + len(found.entries)
    assert synced <= last <= written
    assert found.entries == tuple(entry(index) for index in range(found.base.index + 1, last + 1))
    assert vote_synced <= found.hard_state.term <= voted
    again = WriteAheadLog(rest).recover()
    assert (again.entries, again.snapshot, again.base) == (found.entries, found.snapshot, found.base)


def test_an_installed_snapshot_supersedes_a_log_that_does_not_hold_its_last_entry() -> None:
    """The crash came between the snapshot and the log that goes with it (section 7)."""
    disk = FakeDisk()
    log = WriteAheadLog(disk)
    log.recover()
    log.write([HardState(3, "n2"), AppendRecord(tuple(entry(index) for index in range(1, 9)))])
    log.sync()
    old_log = disk.synced[FILE]
    log.write([snapshot_of(5, 5, 5, term=2)])
    log.sync()
    disk.create(FILE, old_log)
    found = WriteAheadLog(disk).recover()
    assert (found.base, found.entries) == (BaseRecord(5, 2), ())
    assert found.hard_state == HardState(3, "n2")
    assert "superseded by the snapshot up to entry 5" in found.notes[-1]
    assert WriteAheadLog(disk).recover().notes == ()


def test_the_log_goes_on_after_a_snapshot_and_recovers() -> None:
    disk = FakeDisk()
    log = WriteAheadLog(disk)
    log.recover()
    log.write([AppendRecord((entry(1), entry(2), entry(3)))])
    log.write([snapshot_of(2, 1, 3)])
    log.write([AppendRecord((entry(4),)), HardState(2, None)])
    log.sync()
    found = WriteAheadLog(disk).recover()
    assert found.base == BaseRecord(1, 1)
    assert [e.index for e in found.entries] == [2, 3, 4]
    assert found.hard_state == HardState(2, None)
    assert found.snapshot is not None
    assert found.snapshot.registry == b"registry 2"


def whole() -> FakeDisk:
    disk = FakeDisk()
    log = WriteAheadLog(disk)
    log.recover()
    log.write([AppendRecord((entry(1), entry(2)))])
    log.write([snapshot_of(2, 2, 2)])
    log.sync()
    return disk


def test_every_flipped_bit_of_a_snapshot_is_refused() -> None:
    content = whole().synced[SNAPSHOT_FILE]
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 1 << (position % 8)
        disk = whole()
        disk.create(SNAPSHOT_FILE, bytes(damaged))
        with pytest.raises(CorruptLog, match=r"snapshot, byte .*The node does not start"):
            WriteAheadLog(disk).recover()


@given(st.data())
def test_a_snapshot_cut_short_or_lengthened_is_refused(data: st.DataObject) -> None:
    disk = whole()
    content = disk.synced[SNAPSHOT_FILE]
    size = data.draw(st.integers(0, len(content) - 1))
    longer = data.draw(st.binary(min_size=1, max_size=9))
    for damaged in (content[:size], content + longer):
        disk.create(SNAPSHOT_FILE, damaged)
        with pytest.raises(CorruptLog):
            WriteAheadLog(disk).recover()


@given(st.binary(max_size=200))
def test_garbage_in_place_of_a_snapshot_is_refused(garbage: bytes) -> None:
    disk = whole()
    disk.create(SNAPSHOT_FILE, garbage)
    with pytest.raises(CorruptLog):
        WriteAheadLog(disk).recover()


def test_a_log_without_the_snapshot_it_goes_on_from_is_refused() -> None:
    disk = whole()
    del disk.files[SNAPSHOT_FILE]
    with pytest.raises(CorruptLog, match="goes on from a snapshot up to entry 2, but there is none"):
        WriteAheadLog(disk).recover()


def test_an_older_snapshot_than_the_log_goes_on_from_is_refused() -> None:
    disk, other = whole(), FakeDisk()
    log = WriteAheadLog(other)
    log.recover()
    log.write([AppendRecord((entry(1),)), snapshot_of(1, 1, 1)])
    log.sync()
    disk.create(SNAPSHOT_FILE, other.synced[SNAPSHOT_FILE])
    with pytest.raises(CorruptLog, match="the one here ends at entry 1"):
        WriteAheadLog(disk).recover()


def test_a_snapshot_without_a_log_is_refused() -> None:
    disk = whole()
    del disk.files[FILE]
    with pytest.raises(CorruptLog, match="it is missing, although there is a snapshot"):
        WriteAheadLog(disk).recover()


def test_snapshot_and_log_on_the_real_disk_are_there_after_reopening(tmp_path: Path) -> None:
    disk = OsDisk(tmp_path)
    log = WriteAheadLog(disk)
    log.recover()
    log.write([AppendRecord((entry(1), entry(2)))])
    log.sync()
    log.write([snapshot_of(2, 1, 2)])
    log.sync()
    log.write([AppendRecord((entry(3),))])
    log.sync()
    disk.close()
    found = WriteAheadLog(OsDisk(tmp_path)).recover()
    assert [e.index for e in found.entries] == [2, 3]
    assert found.snapshot is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "log.wal", "snapshot"]


def test_a_failed_fsync_of_a_snapshot_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = WriteAheadLog(OsDisk(tmp_path))
    log.recover()
    log.write([AppendRecord((entry(1),)), snapshot_of(1, 1, 1)])

    def broken(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="Input/output error"):
            log.sync()
    assert not (tmp_path / SNAPSHOT_FILE).exists()
    log.write([HardState(2, None)])
    with pytest.raises(OSError, match="failed before"):
        log.sync()
