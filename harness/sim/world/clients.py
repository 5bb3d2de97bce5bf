"""Simulated clients: their requests travel to a node, and the replies travel back, over HTTP's own bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from harness.client.codecs.base import Codec, HttpReply, NoReply
from harness.client.codecs.exchange import Exchange
from harness.client.codecs.retries import Retries
from harness.sim.plan.decisions import Decisions, RoundTrip
from harness.sim.world.http import Door
from harness.sim.world.process import Process
from history import Operation
from history.units import MILLISECOND_NS

_RESET = NoReply("connection reset by peer", sent=True)
_REFUSED = NoReply("connection refused", sent=False)


class ClientWorld(Protocol):
    """What clients need of their world."""

    now: int
    processes: dict[str, Process]

    def at(self, time: int, act: Callable[[Any], None], argument: Any) -> None:
        """Have something done at that time."""
        ...

    def complete(self, completion: Operation) -> None:
        """Give an operation's completion to the interpreter."""
        ...


class _Call:
    """A client's request under way."""

    __slots__ = ("exchange", "is_over", "request", "trip")

    def __init__(self, exchange: Exchange, trip: RoundTrip) -> None:
        self.exchange = exchange
        self.trip = trip
        self.is_over = False
        self.request: Any = None
        """The request as its node reads it."""


class Clients:
    """All clients of a run.

    patience_ns: how long a client waits for its reply.
    door: how requests get into nodes of this kind.
    """

    def __init__(
        self,
        world: ClientWorld,
        codec: Codec,
        retries: Retries | None,
        decisions: Decisions,
        patience_ns: int,
        door: Door,
    ) -> None:
        self._world = world
        self._door = door
        self._codec = codec
        self._retries = retries
        self._decisions = decisions
        self._patience_ns = patience_ns
        self._requests = 0

    def begin(self, invocation: Operation) -> None:
        """Carry out an operation: its first request leaves now."""
        self._send(Exchange.begin(self._codec, self._retries, invocation))

    def _send(self, exchange: Exchange) -> None:
        world = self._world
        self._requests += 1
        call = _Call(exchange, self._decisions.client(self._requests))
        world.at(world.now + call.trip.there_ns, self._reach, call)
        world.at(world.now + self._patience_ns + exchange.kept_back_ns, self._lose_patience, call)

    def _reach(self, call: _Call) -> None:
        """A request has reached its node."""
        process = self._world.processes[call.exchange.node]
        if not process.is_running:
            self._return(call, _REFUSED)
            return
        read = self._door.received(call.exchange.request())
        if isinstance(read, HttpReply):
            self._return(call, read)
            return
        call.request = read
        if call.trip.early:
            self._return(call, _RESET)
        process.ask(read, lambda reply: self._answer(call, reply))

    def _answer(self, call: _Call, reply: Any) -> None:
        if reply is None or call.trip.reset:
            self._return(call, _RESET)
        else:
            self._return(call, self._door.returned(call.request, reply))

    def _return(self, call: _Call, reply: HttpReply | NoReply) -> None:
        world = self._world
        world.at(world.now + call.trip.back_ns, self._end, (call, reply))

    def _lose_patience(self, call: _Call) -> None:
        waited_ms = (self._patience_ns + call.exchange.kept_back_ns) // MILLISECOND_NS
        self._end((call, NoReply(f"timed out after {waited_ms} ms", sent=True)))

    def _end(self, end: tuple[_Call, HttpReply | NoReply]) -> None:
        """A request is over by the first of its reply, its broken connection and the client's patience."""
        call, reply = end
        if call.is_over:
            return
        call.is_over = True
        following = call.exchange.after(reply)
        if isinstance(following, Operation):
            self._world.complete(following)
        else:
            self._world.at(self._world.now + following.pause_ns, self._send, following)
