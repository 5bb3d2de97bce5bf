"""The simulated disk: a kernel that outlives a process, and a disk that has only what was synced."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sim.plan.stream import Stream
from harness.sim.world.disk import SECTOR_BYTES, Interrupted, SimulatedDisk
from node_impl.core.events import AppendRecord, BaseRecord, Configuration, Entry, HardState, SnapshotRecord
from node_impl.core.raft.snapshot_bytes import make_snapshot
from node_impl.core.storage import WriteAheadLog, put_in_place

OLD, NEW = b"o" * 1500, b"n" * 2500
DRAWS = [Stream(number).bits() for number in range(300)]


def a_disk() -> SimulatedDisk:
    """One with the durable file `log`."""
    disk = SimulatedDisk()
    put_in_place(disk, "log", OLD)
    return disk


def left(act: Callable[[SimulatedDisk], None]) -> list[dict[str, bytes]]:
    """What each of many losses of power leaves after an act."""
    found = []
    for draw in DRAWS:
        disk = a_disk()
        act(disk)
        disk.lose_power(draw)
        found.append(disk.files())
    return found


def test_a_process_that_is_killed_loses_nothing_that_it_wrote() -> None:
    disk = a_disk()
    disk.append("log", NEW)
    disk.write_new("b", NEW)
    disk.rename("b", "c")
    assert disk.files() == {"log": OLD + NEW, "c": NEW}


def test_a_loss_of_power_leaves_none_all_or_any_sectors_of_what_was_not_synced() -> None:
    found = {files["log"] for files in left(lambda disk: disk.append("log", NEW))}
    assert {OLD, OLD + NEW} <= found
    torn = found - {OLD, OLD + NEW}
    assert all(content.startswith(OLD) and not content.strip(b"on\0") for content in torn)
    last_only = [
        content
        for content in torn
        if not any(content[len(OLD) : 4 * SECTOR_BYTES]) and content.endswith(b"n")
    ]
    assert last_only, "a later sector is there and an earlier one is not"


def test_a_cut_that_was_not_synced_may_be_undone_also_in_part() -> None:
    def cut_and_append(disk: SimulatedDisk) -> None:
        disk.truncate("log", 100)
        disk.append("log", NEW)

    found = {files["log"] for files in left(cut_and_append)}
    assert {OLD, OLD[:100] + NEW} <= found
    assert any(b"on" in content[100:] and b"no" in content[100:] for content in found), "a mixture"


def test_a_rename_without_an_fsync_of_the_folder_may_be_undone() -> None:
    def replace(disk: SimulatedDisk) -> None:
        disk.write_new("log.new", NEW)
        disk.sync("log.new")
        disk.rename("log.new", "log")

    found = left(replace)
    assert {files["log"] for files in found} == {OLD, NEW}
    assert {tuple(files) for files in found} == {("log",), ("log", "log.new")}


def test_an_fsync_of_the_folder_makes_names_durable_and_no_bytes() -> None:
    def replace(disk: SimulatedDisk) -> None:
        disk.write_new("log.new", NEW)
        disk.rename("log.new", "log")
        disk.sync_folder()

    found = {files["log"] for files in left(replace)}
    assert {b"", NEW} <= found
    assert OLD not in found


def test_what_was_synced_stays() -> None:
    def write(disk: SimulatedDisk) -> None:
        put_in_place(disk, "log", NEW)
        disk.append("log", OLD)
        disk.truncate("log", len(NEW) + 100)
        disk.sync("log")

    assert {files["log"] for files in left(write)} == {NEW + OLD[:100]}


def test_a_crash_comes_between_any_two_calls_of_files_that_belong_together() -> None:
    found = []
    for draw in DRAWS[:64]:
        disk = SimulatedDisk()
        disk.interrupt(draw, call=1 + draw % 12)
        with contextlib.suppress(Interrupted):
            for name in ("first", "second", "third"):
                put_in_place(disk, name, name.encode())
        found.append(tuple(name for name in disk.files() if not name.endswith(".new")))
    for expected in ((), ("first",), ("first", "second"), ("first", "second", "third")):
        assert expected in found


def test_a_read_that_fails_is_an_error_once_and_says_by_which_fault() -> None:
    disk = a_disk()
    disk.fail_read(2, "read-error")
    assert disk.read("log") == OLD
    with pytest.raises(OSError, match="Input/output") as caught:
        disk.read("log")
    assert caught.value.errno == errno.EIO
    assert disk.refused_by == "read-error"
    assert disk.read("log") == OLD


class Model:
    """What a node has promised of its log, and what it may have."""

    def __init__(self) -> None:
        self.synced = self.written = self.voted = self.vote_synced = self.snapshot = 0

    def records(self, count: int, takes_snapshot: bool) -> list[HardState | AppendRecord | SnapshotRecord]:
        self.voted += 1
        added = tuple(entry(self.written + n) for n in range(1, count + 1))
        self.written += count
        records: list[HardState | AppendRecord | SnapshotRecord] = [
            HardState(self.voted, "n2"),
            AppendRecord(added),
        ]
        if takes_snapshot:
            index = self.written - count // 2
            base = max(self.snapshot, index - 2)
            snapshot = make_snapshot(index, 1, "ab" * 8, Configuration(("n1",)), b"registry", b"s")
            rest = tuple(entry(number) for number in range(base + 1, self.written + 1))
            records.append(SnapshotRecord(snapshot, BaseRecord(base, 1), rest))
            self.snapshot = index
        return records


def entry(index: int) -> Entry:
    return Entry(index, 1, "command", b"%d" % index * 200)


def recovered(storage: type[WriteAheadLog], disk: SimulatedDisk, model: Model) -> WriteAheadLog:
    """Recover, and hold the log to what was promised: from then on the node relies on all of it."""
    log = storage(disk)
    found = log.recover()
    last = found.base.index + len(found.entries)
    assert model.synced <= last <= model.written
    assert found.entries == tuple(entry(index) for index in range(found.base.index + 1, last + 1))
    assert model.vote_synced <= found.hard_state.term <= model.voted
    model.synced = model.written = last
    model.vote_synced = model.voted = found.hard_state.term
    model.snapshot = 0 if found.snapshot is None else found.snapshot.index
    return log


LIVES = st.lists(
    st.tuples(
        st.integers(1, 12),  # the call in which the life ends, counted from its recovery on
        st.booleans(),  # whether the power is lost
        st.integers(0, 2**64 - 1),
        st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=3),
    ),
    max_size=5,
)


def live(storage: type[WriteAheadLog], lives: list[tuple[int, bool, int, list[tuple[int, bool]]]]) -> None:
    disk, model = SimulatedDisk(), Model()
    for call, power_lost, draw, writes in lives:
        disk.interrupt(draw, call)
        try:
            log = recovered(storage, disk, model)
            for count, takes_snapshot in writes:
                log.write(model.records(count, takes_snapshot))
                log.sync()
                model.synced, model.vote_synced = model.written, model.voted
        except Interrupted:
            pass
        disk.end_interruption()
        if power_lost:
            disk.lose_power(draw)
    recovered(storage, disk, model)


@given(LIVES)
def test_kills_and_losses_of_power_in_any_calls_of_any_lives_cost_nothing_that_was_promised(
    lives: list[tuple[int, bool, int, list[tuple[int, bool]]]],
) -> None:
    live(WriteAheadLog, lives)


class _SyncsNoNames(WriteAheadLog):
    """As this node once was: it made durable the log that it found, and not the log's name."""

    def make_durable_what_was_found(self) -> None:
        self._disk.sync("log.wal")


def test_a_log_whose_new_name_a_killed_life_did_not_sync_is_lost_with_what_is_added_to_it() -> None:
    """The kill comes when the log that goes on from a snapshot has its new name in the kernel alone."""
    lives = [
        [(99, False, 0, [(3, False)]), (rename, False, 2, [(2, True)]), (99, True, draw, [(3, False)])]
        for rename in (8, 9)
        for draw in DRAWS[:20]
    ]
    for one in lives:
        live(WriteAheadLog, one)
    lost = 0
    for one in lives:
        try:
            live(_SyncsNoNames, one)
        except AssertionError:
            lost += 1
    assert lost
