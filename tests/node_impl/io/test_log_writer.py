"""Which thread writes the log, and what it reports. The disk is as fast as the test says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from node_impl.core.events import (
    BaseRecord,
    Configuration,
    HardState,
    Persist,
    Record,
    Snapshot,
    SnapshotRecord,
)
from node_impl.io import log_writer
from node_impl.io.log_writer import FAST_IN_A_ROW, SLOW_S, LogWriter

SNAPSHOT = Snapshot(1, 1, "", Configuration(("n1",)), b"", b"", "")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Log:
    """Notes which thread made what durable."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.takes_s = 0.0
        self.failure: Exception | None = None
        self.synced_in_place: list[bool] = []
        self.written: list[Record] = []
        self.may_sync = threading.Event()
        self.may_sync.set()

    def write(self, records: Sequence[Record]) -> None:
        self.written.extend(records)

    def sync(self) -> None:
        assert self.may_sync.wait(20)
        self._clock.now += self.takes_s
        if self.failure is not None:
            raise self.failure
        self.synced_in_place.append(threading.current_thread() is threading.main_thread())


class World:
    def __init__(self, log: Log) -> None:
        self.log = log
        self.reported: list[int | Exception] = []
        self._was_reported = asyncio.Event()
        self.writer = LogWriter(log, self._report, self._report)
        self._number = 0

    def _report(self, report: int | Exception) -> None:
        self.reported.append(report)
        self._was_reported.set()

    def put(self, *records: Record, may_wait: bool = True) -> int:
        self._number += 1
        self.writer.put([Persist(self._number, records or (HardState(1, None),))], may_wait)
        return self._number

    async def until_reported(self, number: int) -> None:
        while number not in self.reported:
            self._was_reported.clear()
            await self._was_reported.wait()

    async def settle(self) -> None:
        """So many fast fsyncs that the disk counts as fast."""
        for _ in range(FAST_IN_A_ROW):
            await self.until_reported(self.put(may_wait=False))
        self.log.synced_in_place.clear()


def drive(monkeypatch: pytest.MonkeyPatch, play: Callable[[World], Awaitable[None]]) -> World:
    clock = Clock()
    monkeypatch.setattr(log_writer, "time", clock)

    async def main() -> World:
        world = World(Log(clock))
        try:
            await play(world)
        finally:
            world.log.may_sync.set()
            world.writer.close(20)
        return world

    return asyncio.run(asyncio.wait_for(main(), 20))


def test_it_is_written_in_place_once_the_disk_was_fast_for_long_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play(world: World) -> None:
        for _ in range(FAST_IN_A_ROW + 2):
            await world.until_reported(world.put())

    world = drive(monkeypatch, play)
    assert world.log.synced_in_place == [False] * FAST_IN_A_ROW + [True, True]


def test_in_place_it_is_durable_and_reported_before_put_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: World) -> None:
        await world.settle()
        number = world.put(HardState(7, "n2"))
        assert world.log.synced_in_place == [True]
        assert world.log.written[-1] == HardState(7, "n2")
        assert world.reported[-1] == number

    drive(monkeypatch, play)


def test_one_slow_fsync_sends_the_next_ones_to_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: World) -> None:
        await world.settle()
        world.log.takes_s = SLOW_S
        await world.until_reported(world.put())
        world.log.takes_s = 0
        for _ in range(FAST_IN_A_ROW + 1):
            await world.until_reported(world.put())

    world = drive(monkeypatch, play)
    assert world.log.synced_in_place == [True] + [False] * FAST_IN_A_ROW + [True]


def test_a_node_for_which_somebody_waits_never_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: World) -> None:
        await world.settle()
        await world.until_reported(world.put(may_wait=False))

    assert drive(monkeypatch, play).log.synced_in_place == [False]


def test_a_snapshot_is_left_to_the_thread_however_fast_the_disk_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: World) -> None:
        await world.settle()
        await world.until_reported(world.put(SnapshotRecord(SNAPSHOT, BaseRecord(1, 1), ())))

    assert drive(monkeypatch, play).log.synced_in_place == [False]


def test_nothing_is_written_in_place_ahead_of_what_the_thread_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: World) -> None:
        await world.settle()
        world.log.may_sync.clear()
        world.put(HardState(2, None), may_wait=False)
        second = world.put(HardState(3, None))
        world.log.may_sync.set()
        await world.until_reported(second)
        world.put(HardState(4, None))

    world = drive(monkeypatch, play)
    assert world.log.written[-3:] == [HardState(2, None), HardState(3, None), HardState(4, None)]
    assert world.log.synced_in_place[-1] is True
    assert True not in world.log.synced_in_place[:-1]


def test_a_failure_in_place_is_reported_like_one_on_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(world: World) -> None:
        await world.settle()
        world.log.failure = OSError("gone")
        world.put()

    world = drive(monkeypatch, play)
    assert world.reported[-1] is world.log.failure
    assert world.log.synced_in_place == []


def test_queued_records_are_durable_and_reported_when_the_writer_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play(world: World) -> None:
        world.put(may_wait=False)
        world.writer.close(20)
        assert world.reported == [1]
        world.writer.close(20)

    drive(monkeypatch, play)
