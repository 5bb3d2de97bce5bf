"""The driver with a scripted node, a disk that syncs on demand, and a network that keeps what it gets."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import cast

import msgspec
import pytest

from history import read_trace
from node_impl.core.events import (
    CancelTimer,
    ClientRequest,
    Done,
    Effect,
    Event,
    Fatal,
    GetStatus,
    HardState,
    Persist,
    Received,
    Record,
    Refused,
    Reply,
    Request,
    Respond,
    Send,
    SetTimer,
    Shutdown,
    Synced,
    TimerFired,
    Trace,
    Undecodable,
)
from node_impl.core.raft.messages import Envelope, ReadIndex
from node_impl.io.driver import MOST_WAITING_LINES, DiskFailed, Driver, Ended
from node_impl.io.log_writer import FAST_IN_A_ROW
from node_impl.io.trace import TraceWriter
from node_impl.io.transport import PeerSenders, WireError
from node_impl.io.turns import Turns

ASK = Request(GetStatus())
MESSAGE = Envelope("n1:1:1", "n1", ReadIndex())


def trace(event: str) -> Trace:
    return Trace(0, 0, event, 1, "follower", 0, 0, 0)


class ScriptedNode:
    def __init__(self, script: Callable[[Event], list[Effect]], start: Sequence[Effect] = ()) -> None:
        self.events: list[Event] = []
        self._script = script
        self._start = list(start)
        self.is_alone = False

    def start(self, now: int) -> list[Effect]:
        return self._start

    def step(self, now: int, *events: Event) -> list[Effect]:
        effects: list[Effect] = []
        for event in events:
            self.events.append(event)
            effects += self._script(event)
        return effects

    def nobody_waits(self) -> bool:
        return self.is_alone


class SlowLog:
    """Each sync waits for a permit; `synced` has what each one covered."""

    def __init__(self, permits: int = 0) -> None:
        self.permits = threading.Semaphore(permits)
        self.is_syncing = threading.Event()
        self.synced: list[list[Record]] = []
        self._pending: list[Record] = []
        self.failure: Exception | None = None

    def write(self, records: Sequence[Record]) -> None:
        self._pending.extend(records)

    def sync(self) -> None:
        self.is_syncing.set()
        self.permits.acquire()
        if self.failure is not None:
            raise self.failure
        self.synced.append(list(self._pending))
        self._pending.clear()


class Network:
    """Notes, for each message, which trace lines were in the file when it left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sent: list[tuple[str, list[str]]] = []

    def send(self, peer: str, payload: bytes) -> None:
        self.sent.append((peer, [event.event for event in read_trace(self._folder, "n1").events]))

    def flush(self) -> None:
        pass


class World:
    def __init__(self, folder: Path, node: ScriptedNode, log: SlowLog, turns: Turns | None) -> None:
        self.node, self.log, self.network = node, log, Network(folder)
        self.trace = TraceWriter(folder)
        senders = cast(PeerSenders, self.network)
        self.driver = Driver(node, log, self.trace, senders, logging.getLogger("test"), turns)


def drive(
    folder: Path,
    script: Callable[[Event], list[Effect]],
    play: Callable[[World], Awaitable[None]],
    start: Sequence[Effect] = (),
    permits: int = 0,
    turns: Turns | None = None,
) -> World:
    async def main() -> World:
        world = World(folder, ScriptedNode(script, start), SlowLog(permits), turns)
        world.driver.start()
        await play(world)
        world.log.permits.release(100)
        await world.driver.stop()
        world.trace.close()
        return world

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(turns)) as runner:
        return runner.run(asyncio.wait_for(main(), 20))


def ask(world: World) -> asyncio.Future[Reply]:
    answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
    world.driver.ask(ASK, answered.set_result)
    return answered


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "not within 5 s"
        await asyncio.sleep(0.001)


def test_a_held_message_leaves_only_after_synced_is_traced(tmp_path: Path) -> None:
    def script(event: Event) -> list[Effect]:
        return [trace("synced"), Send("now", MESSAGE)] if isinstance(event, Synced) else []

    async def play(world: World) -> None:
        await until(world.log.is_syncing.is_set)
        assert [peer for peer, _ in world.network.sent] == ["at-once"]
        world.log.permits.release()
        await until(lambda: len(world.network.sent) == 4)

    start: list[Effect] = [
        trace("append"),
        Persist(1, (HardState(1, None),)),
        Send("held", MESSAGE, after=1),
        Send("at-once", MESSAGE),
        Send("held-too", MESSAGE, after=1),
    ]
    world = drive(tmp_path, script, play, start)
    assert world.network.sent == [
        ("at-once", ["append"]),
        ("held", ["append", "synced"]),
        ("held-too", ["append", "synced"]),
        ("now", ["append", "synced"]),
    ]


def test_what_waits_for_a_later_write_is_not_released_by_an_earlier_one(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.driver._post(TimerFired("second"))
        await until(world.log.is_syncing.is_set)
        world.log.is_syncing.clear()
        world.log.permits.release()
        await until(lambda: Synced(1) in world.node.events and world.log.is_syncing.is_set())
        assert [peer for peer, _ in world.network.sent] == ["first"]
        world.log.permits.release()
        await until(lambda: len(world.network.sent) == 2)

    def script(event: Event) -> list[Effect]:
        if event == TimerFired("second"):
            return [Persist(2, (HardState(2, None),)), Send("second", MESSAGE, after=2)]
        return []

    async def first_alone(world: World) -> None:
        await until(world.log.is_syncing.is_set)
        await play(world)

    start: list[Effect] = [Persist(1, (HardState(1, None),)), Send("first", MESSAGE, after=1)]
    world = drive(tmp_path, script, first_alone, start)
    assert [peer for peer, _ in world.network.sent] == ["first", "second"]


def test_all_that_comes_during_one_fsync_shares_the_next(tmp_path: Path) -> None:
    numbers = iter(range(2, 100))

    def script(event: Event) -> list[Effect]:
        if isinstance(event, ClientRequest):
            number = next(numbers)
            return [
                Persist(number, (HardState(number, None),)),
                Respond(event.request_id, Done(number), after=number),
            ]
        return []

    async def play(world: World) -> None:
        await until(world.log.is_syncing.is_set)
        asked = [ask(world) for _ in range(50)]
        await until(lambda: world.driver._persisted == 51)
        world.log.permits.release(100)
        replies = await asyncio.gather(*asked)
        assert sorted(reply.raft_index or 0 for reply in replies) == list(range(2, 52))

    world = drive(tmp_path, script, play, [Persist(1, (HardState(1, None),))])
    assert [len(records) for records in world.log.synced] == [1, 50]
    assert [event for event in world.node.events if isinstance(event, Synced)] == [Synced(1), Synced(51)]


def test_what_is_at_hand_together_is_stepped_together(tmp_path: Path) -> None:
    batches: list[tuple[Event, ...]] = []

    async def play(world: World) -> None:
        step = world.node.step

        def noting(now: int, *events: Event) -> list[Effect]:
            batches.append(events)
            return step(now, *events)

        world.node.step = noting  # type: ignore[method-assign]
        for event in (TimerFired("a"), Shutdown(), TimerFired("b")):
            world.driver._post(event)
        await until(lambda: bool(batches))

    drive(tmp_path, lambda event: [], play)
    assert batches[0] == (TimerFired("a"), Shutdown(), TimerFired("b"))


def test_lines_that_nothing_follows_wait_for_the_next_that_something_does_but_for_a_lifes_first(
    tmp_path: Path,
) -> None:
    def script(event: Event) -> list[Effect]:
        line = trace("receive" if event == TimerFired("quiet") else "commit")
        return [line] if event == TimerFired("quiet") else [line, Send("n2", MESSAGE)]

    async def play(world: World) -> None:
        assert [line.event for line in read_trace(tmp_path, "n1").events] == ["restart"]
        world.driver._post(TimerFired("quiet"))
        await until(lambda: len(world.node.events) == 1)
        assert [line.event for line in read_trace(tmp_path, "n1").events] == ["restart"]
        world.driver._post(TimerFired("loud"))
        await until(lambda: len(world.node.events) == 2)

    world = drive(tmp_path, script, play, start=[trace("restart")])
    assert world.network.sent[0] == ("n2", ["restart", "receive", "commit"])


def test_no_more_lines_wait_than_a_bound_though_nothing_ever_follows(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        for _ in range(MOST_WAITING_LINES):
            world.driver._post(TimerFired("quiet"))
        await until(lambda: len(world.node.events) == MOST_WAITING_LINES)
        assert len(read_trace(tmp_path, "n1").events) == MOST_WAITING_LINES

    drive(tmp_path, lambda event: [trace("receive")], play)


def test_what_was_read_in_one_turn_of_the_loop_is_stepped_together_at_its_end(tmp_path: Path) -> None:
    batches: list[tuple[Event, ...]] = []
    turns = Turns()

    async def play(world: World) -> None:
        step = world.node.step

        def noting(now: int, *events: Event) -> list[Effect]:
            batches.append(events)
            return step(now, *events)

        world.node.step = noting  # type: ignore[method-assign]
        loop, pairs = asyncio.get_running_loop(), [socket.socketpair() for _ in range(2)]

        def read(here: socket.socket, name: str) -> None:
            here.recv(1)
            world.driver._post(TimerFired(name))
            assert not batches

        for name, (here, there) in zip("ab", pairs, strict=True):
            there.send(b"x")
            loop.add_reader(here, read, here, name)
        await until(lambda: bool(batches))
        for here, there in pairs:
            loop.remove_reader(here)
            here.close()
            there.close()
        world.driver._post(TimerFired("in no turn"))
        await until(lambda: len(batches) == 2)

    drive(tmp_path, lambda event: [], play, turns=turns)
    assert {event.name for event in batches[0] if isinstance(event, TimerFired)} == {"a", "b"}
    assert batches[1] == (TimerFired("in no turn"),)


def test_records_are_written_in_place_where_no_client_waits_and_the_disk_is_fast(tmp_path: Path) -> None:
    """And still the order holds: written, synced, traced, sent."""
    count = FAST_IN_A_ROW + 3

    def script(event: Event) -> list[Effect]:
        match event:
            case TimerFired("write"):
                number = len([1 for seen in world_of[0].node.events if seen == event])
                return [
                    trace("append"),
                    Persist(number, (HardState(number, None),)),
                    Send("n2", MESSAGE, after=number),
                ]
            case Synced():
                return [trace("synced")]
            case _:
                return []

    world_of: list[World] = []

    async def play(world: World) -> None:
        world_of.append(world)
        world.node.is_alone = True
        for number in range(1, count + 1):
            world.driver._post(TimerFired("write"))
            await until(lambda number=number: len(world.network.sent) == number)  # type: ignore[misc]

    world = drive(tmp_path, script, play, permits=1000)
    assert [lines for _, lines in world.network.sent] == [
        ["append", "synced"] * number for number in range(1, count + 1)
    ]
    assert [len(records) for records in world.log.synced] == [1] * count


def test_a_timer_that_was_set_again_or_cancelled_never_fires_for_its_old_time(tmp_path: Path) -> None:
    """Also not if it was due already while the event that put it off still waited in the queue."""
    begun = time.monotonic_ns()
    late = begun + 120_000_000

    def script(event: Event) -> list[Effect]:
        if event == TimerFired("trigger"):
            return [SetTimer("moved", late), CancelTimer("cancelled"), SetTimer("sooner", begun)]
        return []

    async def play(world: World) -> None:
        for name in ("moved", "cancelled"):
            world.driver._set_timer(name, begun)
        time.sleep(0.005)  # noqa: ASYNC251 - blocks the loop on purpose: both are due, neither has fired
        world.driver._post(TimerFired("trigger"))
        world.driver._ring("moved")
        world.driver._ring("cancelled")
        await until(lambda: TimerFired("moved") in world.node.events)
        assert time.monotonic_ns() >= late

    world = drive(tmp_path, script, play, [SetTimer("sooner", late * 2)])
    assert world.node.events[:3] == [TimerFired("trigger"), TimerFired("sooner"), TimerFired("moved")]
    assert world.node.events[3:] == [Shutdown()]


def test_a_defect_in_a_step_ends_the_node_and_nothing_of_it_leaves(tmp_path: Path) -> None:
    def script(event: Event) -> list[Effect]:
        if event == TimerFired("bad"):
            raise ZeroDivisionError("a defect")
        return [Send("n2", MESSAGE)]

    async def play(world: World) -> None:
        world.driver._post(TimerFired("good"))
        world.driver._post(TimerFired("bad"))
        await until(world.driver.failure.done)
        world.driver._post(TimerFired("after"))
        await asyncio.sleep(0.01)

    world = drive(tmp_path, script, play)
    assert isinstance(world.driver.failure.exception(), ZeroDivisionError)
    assert world.node.events == [TimerFired("good"), TimerFired("bad")]
    assert world.network.sent == []


def test_fatal_ends_the_node_after_what_came_before_it(tmp_path: Path) -> None:
    def script(event: Event) -> list[Effect]:
        return [trace("commit"), Send("n2", MESSAGE), Fatal("an entry cannot be read"), Send("n3", MESSAGE)]

    async def play(world: World) -> None:
        world.driver._post(TimerFired("any"))
        await until(world.driver.failure.done)

    world = drive(tmp_path, script, play)
    assert isinstance(world.driver.failure.exception(), Ended)
    assert str(world.driver.failure.exception()) == "an entry cannot be read"
    assert world.network.sent == [("n2", ["commit"])]


@pytest.mark.parametrize(
    ("failure", "kind", "text"),
    [
        (OSError(errno.EIO, "Input/output error"), DiskFailed, "cannot write the log: .*Input/output error"),
        (ValueError("entry 3 is to follow entry 1"), ValueError, "entry 3 is to follow entry 1"),
    ],
)
def test_a_failed_write_of_the_log_ends_the_node_and_is_never_synced(
    tmp_path: Path, failure: Exception, kind: type[Exception], text: str
) -> None:
    async def play(world: World) -> None:
        world.log.failure = failure
        world.log.permits.release()
        with pytest.raises(kind, match=text):
            await world.driver.failure

    start: list[Effect] = [Persist(1, (HardState(1, None),)), Send("n2", MESSAGE, after=1)]
    world = drive(tmp_path, lambda event: [], play, start)
    assert world.node.events == []
    assert world.network.sent == []


def test_an_orderly_end_waits_for_the_disk_and_answers_waiting_clients(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await until(world.log.is_syncing.is_set)
        asked = ask(world)
        await asyncio.sleep(0)
        stopping = asyncio.create_task(world.driver.stop())
        await asyncio.sleep(0.02)
        assert Shutdown() not in world.node.events
        world.log.permits.release()
        await stopping
        assert await asked == Refused("lost-leadership", "the node is stopping", proposed=True)
        assert world.node.events[-2:] == [Synced(1), Shutdown()]

    drive(tmp_path, lambda event: [], play, [Persist(1, (HardState(1, None),))])


def test_only_readable_messages_in_the_senders_own_name_are_taken(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        with pytest.raises(WireError, match="a message of 1 bytes that cannot be read"):
            world.driver.receive("n2", b"\xc0")
        longer = b"\x94" + msgspec.msgpack.encode(MESSAGE)[1:]  # of four parts in place of three
        with pytest.raises(WireError, match="bytes that cannot be read: maximum recursion depth"):
            world.driver.receive("n2", longer + b"\x91" * 3000 + b"\xc0")
        with pytest.raises(WireError, match="a message in the name of 'n1'"):
            world.driver.receive("n2", msgspec.msgpack.encode(MESSAGE))
        world.driver.receive("n1", msgspec.msgpack.encode(MESSAGE))
        await until(lambda: Received(MESSAGE) in world.node.events)

    world = drive(tmp_path, lambda event: [], play)
    unread = "a message of 1 bytes that cannot be read: Expected `array`, got `None`"
    first, nested, *rest = world.node.events
    assert (first, rest) == (Undecodable("n2", unread), [Received(MESSAGE), Shutdown()])
    assert isinstance(nested, Undecodable)
