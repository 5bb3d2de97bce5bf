"""Drives the sans-I/O node on asyncio: events in, effects out, in the order that events.py demands.

One queue holds all events, and one `_drain` takes them, so steps never nest. A drain steps all events
that are at hand together and then lets the effects out in one go: first the trace lines (one write(2)),
then messages and replies, then records to the log writer. Nothing leaves before the trace of what
led to it, and many events share one write, one fsync and one packet. At hand together is what the loop
read in one turn (`turns.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from node_impl.core.events import (
    CancelTimer,
    ClientRequest,
    Effect,
    Event,
    Fatal,
    PeerLost,
    Persist,
    Received,
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
from node_impl.core.raft.messages import Envelope
from node_impl.io.log_writer import LogWriter, Storage
from node_impl.io.trace import TraceWriter
from node_impl.io.transport import PeerSenders, WireError
from node_impl.io.turns import Turns

MOST_WAITING_LINES: Final = 256
"""The most lines of the trace that wait while nothing leaves the node."""
DISK_PATIENCE_S: Final = 5.0
"""How long an orderly end waits for the disk."""


class SteppedNode(Protocol):
    """What the driver needs of the node (`node_impl/core/node.py`)."""

    def start(self, now: int) -> list[Effect]:
        """Begin a life of the node; returns the effects of coming up."""
        ...

    def step(self, now: int, *events: Event) -> list[Effect]:
        """The effects of events that are at hand together."""
        ...

    def nobody_waits(self) -> bool:
        """Whether neither a client nor another node would notice if this one stood still for a moment."""
        ...


class Ended(Exception):
    """The node cannot go on; raised out of `Driver.failure`."""


class DiskFailed(Ended):
    """Writing the log or the trace failed. It is never tried again: the process ends."""


class _Due(msgspec.Struct, frozen=True):
    """A timer rang; it means nothing if it was set again or cancelled since."""

    name: str
    at: int


class Driver:
    """One node's life between `start` and `stop`.

    `failure` gets an exception once the node cannot go on; from then on nothing is stepped or sent.
    turns: the turns of the loop that this runs on, if its selector is a `Turns`; else steps are taken in the
    turn after.
    """

    def __init__(
        self,
        node: SteppedNode,
        storage: Storage,
        trace: TraceWriter,
        senders: PeerSenders,
        logger: logging.Logger,
        turns: Turns | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.failure: asyncio.Future[None] = self._loop.create_future()
        self._node = node
        self._trace = trace
        self._senders = senders
        self._logger = logger
        self._writer = LogWriter(storage, self._on_synced, self._on_writer_failed)
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Envelope).decode

        self._events: list[Event | _Due] = []
        self._is_draining = self._is_draining_soon = False
        self._turns = turns
        if turns is not None:
            turns.at_end(self._loop, self._drain)
        self._deadlines: dict[str, int] = {}
        self._alarms: dict[str, asyncio.TimerHandle] = {}
        self._requests: dict[int, Callable[[Reply], None]] = {}
        self._last_request_id = 0

        self._persisted = 0
        self._synced = 0
        self._all_synced = asyncio.Event()
        self._all_synced.set()
        self._held: dict[int, list[Send | Respond]] = {}
        self._to_persist: list[Persist] = []
        self._to_leave: list[Send | Respond] = []

    # ---- what drives it ------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the node, and carry out the effects of coming up."""
        now = time.monotonic_ns()
        self._collect(self._node.start(now), now)
        self._write_trace()  # at once: a life without its first line could not be judged
        self._let_out()

    def receive(self, sender: str, payload: bytes) -> None:
        """Take a message from the peer port.

        Raises:
            WireError: the payload is no message, or names another sender.
        """
        try:
            envelope = self._decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            why = f"a message of {len(payload)} bytes that cannot be read: {error}"
            self._post(Undecodable(sender, why))
            raise WireError(why) from error
        if envelope.sender != sender:
            raise WireError(f"a message in the name of {envelope.sender!r}")
        self._post(Received(envelope))

    def lost(self, peer: str) -> None:
        """Take note that a peer's connection to this node was closed."""
        self._post(PeerLost(peer))

    def ask(self, request: Request, answer: Callable[[Reply], None]) -> None:
        """Put a client's request to the node, which calls back once with its reply; later, never at once."""
        self._last_request_id += 1
        self._requests[self._last_request_id] = answer
        self._post(ClientRequest(self._last_request_id, request))

    def counters(self) -> dict[str, float]:
        """Count what this driver has done since it began, for `/metrics`."""
        return {"fsyncs_total": self._writer.syncs, "fsync_seconds_total": self._writer.sync_seconds}

    async def stop(self) -> None:
        """An orderly end: the disk catches up, the node says its last, waiting clients are refused."""
        self._drain()
        if not self.failure.done():
            try:
                async with asyncio.timeout(DISK_PATIENCE_S):
                    await self._all_synced.wait()
            except TimeoutError:
                self._logger.warning("the disk did not catch up within %s s", DISK_PATIENCE_S)
            self._post(Shutdown())
            self._drain()
        self._forget_alarms()
        refusal = Refused("lost-leadership", "the node is stopping", proposed=True)
        requests, self._requests = self._requests, {}
        for answer in requests.values():
            answer(refusal)
        self._writer.close(DISK_PATIENCE_S)

    def fail(self, error: BaseException) -> None:
        """End the node: it does nothing any more, and `failure` says why."""
        if not self.failure.done():
            self._forget_alarms()
            self.failure.set_exception(error)

    # ---- events ----------------------------------------------------------------------------------------

    def _post(self, event: Event | _Due) -> None:
        self._events.append(event)
        if not self._is_draining_soon and (self._turns is None or not self._turns.is_reading):
            self._is_draining_soon = True
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        self._is_draining_soon = False
        if self._is_draining:
            return  # what was posted meanwhile is taken below
        self._is_draining = True
        try:
            while self._events and not self.failure.done():
                self._step_all()
                self._let_out()
        except Exception as error:  # noqa: BLE001 - a defect in a step must end the node, not one callback
            self.fail(error)
        self._is_draining = False

    def _step_all(self) -> None:
        """Step what is at hand; a timer is stepped alone, since an event before it may have set it again."""
        now = time.monotonic_ns()
        together: list[Event] = []
        for event in self._take_events():
            match event:
                case _Due(name, at):
                    self._step(now, together)
                    together = []
                    if self._deadlines.get(name) == at:
                        del self._deadlines[name]
                        self._step(now, [TimerFired(name)])
                case _:
                    together.append(event)
        self._step(now, together)

    def _take_events(self) -> list[Event | _Due]:
        events, self._events = self._events, []
        return events

    def _step(self, now: int, events: list[Event]) -> None:
        if not events:
            return
        effects = self._node.step(now, *events)
        for event in events:
            if isinstance(event, Synced):
                self._release(event.number)
        self._collect(effects, now)

    # ---- effects ---------------------------------------------------------------------------------------

    def _collect(self, effects: list[Effect], now: int) -> None:
        for effect in effects:
            match effect:
                case Trace():
                    self._trace.add(effect, now)
                    if effect.event == "role":
                        self._logger.info("%s in term %s", effect.role, effect.term)
                    elif effect.event == "refuse":
                        self._logger.warning("refused what %s sent: %s", effect.peer, effect.why)
                case Send() | Respond():
                    if effect.after <= self._synced:
                        self._to_leave.append(effect)
                    else:
                        self._held.setdefault(effect.after, []).append(effect)
                case Persist():
                    self._to_persist.append(effect)
                case SetTimer(name, at):
                    self._set_timer(name, at)
                case CancelTimer(name):
                    self._deadlines.pop(name, None)
                case Fatal(reason):
                    self._let_out()
                    raise Ended(reason)

    def _release(self, number: int) -> None:
        for after in range(self._synced + 1, number + 1):
            self._to_leave.extend(self._held.pop(after, ()))
        self._synced = number
        if number == self._persisted:
            self._all_synced.set()

    def _let_out(self) -> None:
        """Trace, then network, then disk: see the module's docstring.

        Lines after which nothing leaves wait for the next ones after which something does: if a kill takes
        them, it hides what no other process could see. A heartbeat, or its answer, soon follows.
        """
        if self._to_leave or self._to_persist or self._trace.waiting >= MOST_WAITING_LINES:
            self._write_trace()
        for effect in self._to_leave:
            match effect:
                case Send(to, message):
                    self._send(to, message)
                case Respond(request_id, reply):
                    self._requests.pop(request_id)(reply)
        self._to_leave.clear()
        self._senders.flush()
        if self._to_persist:  # last, since the thread wants the interpreter from now on
            records, self._to_persist = self._to_persist, []
            self._persisted = records[-1].number
            self._all_synced.clear()
            self._writer.put(records, may_wait=self._node.nobody_waits())

    def _write_trace(self) -> None:
        try:
            self._trace.flush()
        except OSError as error:
            raise DiskFailed(f"cannot write the trace: {error}") from error

    def _send(self, to: str, message: Any) -> None:
        try:
            self._senders.send(to, self._encode(message))
        except ValueError as error:
            self._logger.warning("a message to %s was not sent: %s", to, error)

    def _on_synced(self, number: int) -> None:
        """Drained in this turn, not with what the next one brings: a commit may wait for it alone."""
        self._events.append(Synced(number))
        if self._turns is None or not self._turns.is_reading:
            self._drain()

    def _on_writer_failed(self, error: Exception) -> None:
        if isinstance(error, OSError):
            failure = DiskFailed(f"cannot write the log: {error}")
            failure.__cause__ = error
            self.fail(failure)
        else:
            self.fail(error)

    # ---- timers ----------------------------------------------------------------------------------------

    def _set_timer(self, name: str, at: int) -> None:
        """An alarm that is already set and rings earlier stays: it looks at the deadline when it rings.

        Election timers are put off by every message, so this saves most of the work of a heap.
        """
        self._deadlines[name] = at
        alarm = self._alarms.get(name)
        if alarm is not None:
            if alarm.when() <= at / 1e9:
                return
            alarm.cancel()
        self._alarms[name] = self._loop.call_at(at / 1e9, self._ring, name)

    def _ring(self, name: str) -> None:
        del self._alarms[name]
        at = self._deadlines.get(name)
        if at is None:
            return
        if time.monotonic_ns() < at:
            self._set_timer(name, at)
        else:
            self._post(_Due(name, at))

    def _forget_alarms(self) -> None:
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()
