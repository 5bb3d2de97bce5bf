"""Overrides: of each message, write, election and client request what differs from a default.

`RecordingDecisions` writes them down while a run goes on; `ScriptedDecisions` plays them again.
"""

from __future__ import annotations

import msgspec

from harness.nemesis.action import Link
from harness.sim.plan.decisions import (
    DEFAULT_MESSAGE_NS,
    DEFAULT_WRITE_NS,
    Decisions,
    Delays,
    RoundTrip,
)
from harness.sim.plan.stream import Stream
from history.units import MILLISECOND_NS


class MessageOverride(msgspec.Struct, frozen=True):
    """When the n-th message on a link arrives, in nanoseconds after it left; it is lost if `delays` is
    empty."""

    sender: str
    receiver: str
    n: int
    delays: Delays


class WriteOverride(msgspec.Struct, frozen=True):
    """How long a node's n-th write takes."""

    node: str
    n: int
    takes: int


class TearOverride(msgspec.Struct, frozen=True):
    """How much of a node's n-th write, which was interrupted, is on disk: see `SimulatedDisk.tear`."""

    node: str
    n: int
    draw: int


class ElectionOverride(msgspec.Struct, frozen=True):
    """By how many nanoseconds a node's n-th election time-out is longer than the least one."""

    node: str
    n: int
    adds: int


class RequestOverride(msgspec.Struct, frozen=True):
    """How the n-th client request travels."""

    n: int
    trip: RoundTrip


class Overrides(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything in a run that differs from the defaults."""

    messages: tuple[MessageOverride, ...] = ()
    writes: tuple[WriteOverride, ...] = ()
    tears: tuple[TearOverride, ...] = ()
    elections: tuple[ElectionOverride, ...] = ()
    requests: tuple[RequestOverride, ...] = ()


def default_election(node: str, n: int, bound: int) -> int:
    """Give what is added to an election time-out that no override names: it differs from draw to draw, so
    that votes seldom split."""
    stream = Stream(0, "default election", node, n)
    if bound < MILLISECOND_NS:
        return stream.below(bound)
    return stream.below(bound // MILLISECOND_NS) * MILLISECOND_NS


class RecordingDecisions:
    """Passes on the decisions of another source, and writes down what differs from the defaults."""

    def __init__(self, source: Decisions) -> None:
        self._source = source
        self._messages: list[MessageOverride] = []
        self._writes: list[WriteOverride] = []
        self._tears: list[TearOverride] = []
        self._elections: list[ElectionOverride] = []
        self._requests: list[RequestOverride] = []

    @property
    def overrides(self) -> Overrides:
        """All overrides written down so far."""
        return Overrides(
            tuple(self._messages),
            tuple(self._writes),
            tuple(self._tears),
            tuple(self._elections),
            tuple(self._requests),
        )

    def message(self, link: Link, n: int) -> Delays:
        """Pass on the source's decision about a message."""
        delays = self._source.message(link, n)
        if delays != (DEFAULT_MESSAGE_NS,):
            self._messages.append(MessageOverride(*link, n, delays))
        return delays

    def write_ns(self, node: str, n: int) -> int:
        """Pass on the source's decision about a write."""
        takes = self._source.write_ns(node, n)
        if takes != DEFAULT_WRITE_NS:
            self._writes.append(WriteOverride(node, n, takes))
        return takes

    def tear(self, node: str, n: int) -> int:
        """Pass on the source's decision about an interrupted write."""
        draw = self._source.tear(node, n)
        self._tears.append(TearOverride(node, n, draw))
        return draw

    def election(self, node: str, n: int, bound: int) -> int:
        """Pass on the source's decision about an election time-out."""
        adds = self._source.election(node, n, bound)
        if adds != default_election(node, n, bound):
            self._elections.append(ElectionOverride(node, n, adds))
        return adds

    def client(self, n: int) -> RoundTrip:
        """Pass on the source's decision about a client request."""
        trip = self._source.client(n)
        if trip != RoundTrip():
            self._requests.append(RequestOverride(n, trip))
        return trip

    def stop_faults(self) -> None:
        """Let the source stop its faults."""
        self._source.stop_faults()


class ScriptedDecisions:
    """Decides as the overrides say, and takes the default where there is none."""

    def __init__(self, overrides: Overrides) -> None:
        self._messages = {(one.sender, one.receiver, one.n): one.delays for one in overrides.messages}
        self._writes = {(one.node, one.n): one.takes for one in overrides.writes}
        self._tears: dict[tuple[str, int], list[int]] = {}
        for tear in overrides.tears:
            self._tears.setdefault((tear.node, tear.n), []).append(tear.draw)
        self._elections = {(one.node, one.n): one.adds for one in overrides.elections}
        self._requests = {one.n: one.trip for one in overrides.requests}

    def message(self, link: Link, n: int) -> Delays:
        """Look up when a message arrives."""
        return self._messages.get((*link, n), (DEFAULT_MESSAGE_NS,))

    def write_ns(self, node: str, n: int) -> int:
        """Look up how long a write takes."""
        return self._writes.get((node, n), DEFAULT_WRITE_NS)

    def tear(self, node: str, n: int) -> int:
        """Look up how a write is torn; a second call for the same write is about what was unsynced before."""
        draws = self._tears.get((node, n))
        return draws.pop(0) if draws else 0

    def election(self, node: str, n: int, bound: int) -> int:
        """Look up what is added to an election time-out, within the bound."""
        adds = self._elections.get((node, n))
        return default_election(node, n, bound) if adds is None else min(adds, bound - 1)

    def client(self, n: int) -> RoundTrip:
        """Look up how a client request travels."""
        return self._requests.get(n, RoundTrip())

    def stop_faults(self) -> None:
        """Change nothing: the overrides themselves say where faults stop."""
