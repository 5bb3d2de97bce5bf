"""The world's parts by themselves: clocks, disks, lines, chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.nemesis.mechanisms.disks import DiskCounts, DiskTrouble
from harness.sim.plan.decisions import DrawnDecisions
from harness.sim.plan.fault_rates import FaultRates
from harness.sim.plan.stream import Stream
from harness.sim.world.clock import NodeClock
from harness.sim.world.disk import Interrupted, SimulatedDisk
from harness.sim.world.network import Network
from node_impl.core.events import AppendRecord, Entry, HardState
from node_impl.core.raft.messages import Envelope, ReadIndex
from node_impl.core.storage import CorruptLog, WriteAheadLog

TIMES = st.integers(0, 10**15)


@given(st.integers(-500_000, 500_000), st.lists(st.integers(-500_000, 500_000), max_size=3), TIMES)
def test_a_clock_shows_a_time_when_it_says_it_will_and_not_before(
    drift: int, changes: list[int], shows: int
) -> None:
    clock = NodeClock(drift)
    for number, ppm in enumerate(changes):
        clock.drift(ppm, number * 10**12)
    when = clock.when(shows)
    assert clock.read(when) >= shows
    assert clock.read(when - 1) < shows


@given(st.integers(-500_000, 500_000), TIMES, TIMES)
def test_a_clock_never_goes_back(drift: int, one: int, other: int) -> None:
    clock = NodeClock(drift)
    assert clock.read(min(one, other)) <= clock.read(max(one, other))


def test_a_clock_cannot_be_turned_back() -> None:
    with pytest.raises(ValueError, match="turn the clock back"):
        NodeClock(-1_000_000)
    with pytest.raises(ValueError, match="turn the clock back"):
        NodeClock().drift(-1_000_000, 0)


def entries(first: int, count: int) -> AppendRecord:
    return AppendRecord(tuple(Entry(first + n, 1, "command", b"x" * 100) for n in range(count)))


def a_log(disk: SimulatedDisk) -> WriteAheadLog:
    log = WriteAheadLog(disk)
    log.recover()
    log.write([HardState(1, "n1"), entries(1, 3)])
    log.sync()
    return log


def interrupted(disk: SimulatedDisk, log: WriteAheadLog, draw: int, count: int) -> None:
    """End the process while it writes so many entries."""
    disk.interrupt(draw, call=1)
    log.write([entries(4, count)])
    with pytest.raises(Interrupted):
        log.sync()
    disk.end_interruption()


@given(power_lost=st.booleans(), draw=st.integers(0, 2**64 - 1), count=st.integers(1, 30))
def test_a_torn_or_short_write_never_costs_what_was_synced(power_lost: bool, draw: int, count: int) -> None:
    disk = SimulatedDisk()
    log = a_log(disk)
    interrupted(disk, log, draw, count)
    if power_lost:
        disk.lose_power(draw)
    recovered = WriteAheadLog(disk).recover()
    assert recovered.hard_state == HardState(1, "n1")
    assert len(recovered.entries) in (3, 3 + count)


def test_torn_writes_come_out_in_every_way() -> None:
    found = []
    for draw in range(200):
        disk = SimulatedDisk()
        log = a_log(disk)
        interrupted(disk, log, draw * 0x9E3779B97F4A7C15 % 2**64, 20)
        lost = disk.lose_power((draw + 1000) * 0x9E3779B97F4A7C15 % 2**64)
        assert lost["lost_bytes"] >= 0
        recovered = WriteAheadLog(disk).recover()
        found.append("all" if len(recovered.entries) > 3 else "torn" if recovered.notes else "nothing")
    assert [kind for kind in ("all", "torn", "nothing") if found.count(kind) < 20] == []


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (DiskTrouble("full", room_bytes=0), "space"),
        (DiskTrouble("full", room_bytes=100), "space"),
        (DiskTrouble("disk-error", failing="fsync"), "Input/output"),
        (DiskTrouble("disk-error", failing="write"), "Input/output"),
    ],
)
def test_a_failed_write_is_an_error_and_what_was_synced_before_stays(
    trouble: DiskTrouble, error: str
) -> None:
    disk = SimulatedDisk()
    log = a_log(disk)
    assert disk.begin_trouble(trouble) == DiskCounts(0, 0)
    assert disk.begin_trouble(trouble) is None, "it is on already"
    log.write([entries(4, 1)])
    with pytest.raises(OSError, match=error):
        log.sync()
    assert disk.counts() == DiskCounts(refused=1, delayed=0)
    assert disk.refused_by == trouble.by
    assert disk.end_trouble(trouble.by)
    assert len(WriteAheadLog(disk).recover().entries) == 3


def test_what_fits_on_a_disk_that_fills_up_is_taken() -> None:
    disk = SimulatedDisk()
    log = a_log(disk)
    disk.begin_trouble(DiskTrouble("full", room_bytes=1000))
    log.write([entries(4, 1)])
    log.sync()
    assert len(WriteAheadLog(disk).recover().entries) == 4
    log.write([entries(5, 20)])
    with pytest.raises(OSError, match="space"):
        log.sync()


def test_a_slow_disk_says_how_much_later_a_write_ends_and_counts_it() -> None:
    disk = SimulatedDisk()
    assert disk.delay_ns() == 0
    disk.begin_trouble(DiskTrouble("slow-disk", delay_ms=5))
    assert disk.delay_ns() == 10_000_000  # the write and its fsync
    assert disk.counts() == DiskCounts(refused=0, delayed=2)
    disk.end_trouble("slow-disk")
    assert disk.delay_ns() == 0


def test_a_kill_leaves_in_the_kernel_what_a_loss_of_power_then_takes() -> None:
    found = set()
    for draw in range(200):
        disk = SimulatedDisk()
        log = a_log(disk)
        durable = len(disk.files()["log.wal"])
        interrupted(disk, log, draw * 0x9E3779B97F4A7C15 % 2**64, 20)
        kept = len(disk.files()["log.wal"])
        disk.lose_power(draw * 0x9E3779B97F4A7C15 % 2**64)
        found.add((kept > durable, len(disk.files()["log.wal"]) == durable))
    assert (True, True) in found


@given(st.integers(1, 2000))
def test_a_torn_write_in_place_of_what_was_not_synced_is_cut_off(by: int) -> None:
    disk = SimulatedDisk()
    log = a_log(disk)
    interrupted(disk, log, 1, 2)
    disk.tear("log.wal", by)
    assert len(WriteAheadLog(disk).recover().entries) == 3


def test_files_are_put_back_as_they_were() -> None:
    disk = SimulatedDisk()
    a_log(disk)
    before = disk.files()
    assert disk.largest() == "log.wal"
    disk.cut("log.wal", 10)
    disk.rot("log.wal", 77)
    assert disk.files() != before
    disk.put(before)
    assert disk.files() == before


@given(st.integers(0, 2**64 - 1))
def test_rot_in_a_synced_log_is_refused(draw: int) -> None:
    disk = SimulatedDisk()
    a_log(disk)
    assert disk.rot("log.wal", draw) is not None
    with pytest.raises(CorruptLog):
        WriteAheadLog(disk).recover()


MESSAGE = Envelope("n1:1:1", "n1", ReadIndex())


def network_of(fault_rates: FaultRates, *, in_order: bool) -> Network:
    return Network(("n1", "n2"), DrawnDecisions(1, fault_rates), in_order=in_order)


def test_messages_on_one_line_keep_their_order_only_where_the_plan_says_so() -> None:
    fault_rates = FaultRates(delays=("wide",), packet_delay_per_mille=300, packet_replay_per_mille=300)
    for in_order in (True, False):
        network = network_of(fault_rates, in_order=in_order)
        line = network.links["n1", "n2"]
        arrivals = [network.arrivals(line, MESSAGE, now) for now in range(0, 10**9, 10**6)]
        firsts = [arrival[0] for arrival in arrivals]
        assert (firsts == sorted(firsts)) is in_order
        assert any(len(arrival) > 1 for arrival in arrivals) is not in_order


def test_a_cut_line_swallows_and_counts_what_is_sent_and_what_is_under_way() -> None:
    network = network_of(FaultRates(), in_order=True)
    line, back = network.links["n1", "n2"], network.links["n2", "n1"]
    assert network.arrivals(line, MESSAGE, 0)
    assert network.cut([("n1", "n2")]) == [("n1", "n2")]
    assert network.arrivals(line, MESSAGE, 0) == ()
    assert network.is_lost(line, line.connection)
    assert network.arrivals(back, MESSAGE, 0)
    assert network.heal() == ([("n1", "n2")], 2)
    assert network.arrivals(line, MESSAGE, 0)
    assert not network.is_lost(line, line.connection)


def test_a_reset_loses_what_is_under_way_and_nothing_else() -> None:
    network = network_of(FaultRates(), in_order=True)
    line = network.links["n1", "n2"]
    before = line.connection
    network.reset(line)
    assert network.is_lost(line, before)
    assert not network.is_lost(line, line.connection)


def test_one_streams_numbers_do_not_depend_on_anothers() -> None:
    alone = [Stream(7, "a").bits()]
    stream, other = Stream(7, "a"), Stream(7, "b")
    other.bits()
    assert [stream.bits()] == alone
    assert other.bits() != stream.bits()


@given(st.integers(0, 2**64 - 1), st.integers(1, 10**9))
def test_a_number_below_a_bound_is(seed: int, bound: int) -> None:
    assert 0 <= Stream(seed).below(bound) < bound
