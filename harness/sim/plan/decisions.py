"""What happens to each message, disk write, client request and election: one decision each.

Every decision is asked for by number, the n-th of its kind at its place. `DrawnDecisions` draws from the
seed. A schedule's decisions (harness/sim/schedule/overrides.py) take a default wherever the schedule does not
say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from harness.nemesis.action import Link
from harness.sim.plan.fault_rates import DELAYS_US, EXTRA_DELAYS_US, NO_FAULTS, WRITES_US, FaultRates
from harness.sim.plan.stream import Stream
from history.units import MICROSECOND_NS, MILLISECOND_NS

DEFAULT_MESSAGE_NS = MILLISECOND_NS
DEFAULT_WRITE_NS = MILLISECOND_NS
DEFAULT_CLIENT_NS = MILLISECOND_NS // 2

Delays = tuple[int, ...]
"""When a message arrives, in nanoseconds after it left: never, once, or more than once."""


class RoundTrip(msgspec.Struct, frozen=True):
    """How one client request and its reply travel."""

    there_ns: int = DEFAULT_CLIENT_NS
    back_ns: int = DEFAULT_CLIENT_NS
    reset: bool = False
    """The connection breaks while the reply is on its way."""
    early: bool = False
    """The connection breaks as soon as the node has the request: a client that repeats the request then races
    with its own first copy."""


class Decisions(Protocol):
    """Answers for the n-th of each kind, n from 1; each is asked once, in order of n."""

    def message(self, link: Link, n: int) -> Delays:
        """Decide when the n-th message on that link arrives."""
        ...

    def write_ns(self, node: str, n: int) -> int:
        """Decide how long the node's n-th write takes."""
        ...

    def tear(self, node: str, n: int) -> int:
        """Give a number in [0, 2**64): how much of the node's n-th write was done when its process ended."""
        ...

    def election(self, node: str, n: int, bound: int) -> int:
        """Give a number below `bound`, the node's n-th: how much is added to its election time-out."""
        ...

    def client(self, n: int) -> RoundTrip:
        """Decide how the n-th client request travels."""
        ...

    def stop_faults(self) -> None:
        """From now on let nothing be lost, repeated or late."""
        ...


class DrawnDecisions:
    """All decisions drawn from a seed, as often bad as the fault rates say."""

    def __init__(self, seed: int, rates: FaultRates) -> None:
        self._seed = seed
        self._rates = rates
        self._links: dict[Link, tuple[Stream, tuple[int, ...]]] = {}
        """By link, its stream and its table, which each message asks for."""
        self._streams: dict[tuple[str, ...], Stream] = {}
        self._tables: dict[tuple[str, ...], tuple[int, ...]] = {}

    def message(self, link: Link, n: int) -> Delays:  # noqa: ARG002 - streams count by themselves
        """Draw a delay from the link's table, unless the message is lost, repeated or late."""
        drawn_from = self._links.get(link)
        if drawn_from is None:
            table = self._table(link, DELAYS_US, self._rates.delays)
            drawn_from = self._links[link] = self._streams.get(link) or self._stream(*link), table
        stream, table = drawn_from
        bits = stream.bits()
        delay = table[bits & 15] * MICROSECOND_NS + (bits >> 4) % 100_000  # no two messages at one instant
        rates = self._rates
        lost, late = rates.packet_loss_per_mille, rates.packet_delay_per_mille
        roll = (bits >> 40) % 1000
        if roll >= lost + rates.packet_replay_per_mille + late:
            return (delay,)
        if roll < lost:
            return ()
        if roll < lost + late:
            return (delay + _extra_delay_ns(stream),)
        return delay, delay + _extra_delay_ns(stream)

    def write_ns(self, node: str, n: int) -> int:  # noqa: ARG002 - streams count by themselves
        """Draw a time from the node's table."""
        place = ("write", node)
        stream = self._streams.get(place) or self._stream(*place)
        table = self._tables.get(place) or self._table(place, WRITES_US, self._rates.writes)
        bits = stream.bits()
        return table[bits & 15] * MICROSECOND_NS + (bits >> 4) % 10_000

    def tear(self, node: str, n: int) -> int:  # noqa: ARG002 - streams count by themselves
        """Draw any 64-bit number."""
        return (self._streams.get(("tear", node)) or self._stream("tear", node)).bits()

    def election(self, node: str, n: int, bound: int) -> int:  # noqa: ARG002 - streams count by themselves
        """Draw evenly; in whole milliseconds where the bound is large enough, since people read schedules."""
        stream = self._streams.get(("election", node)) or self._stream("election", node)
        if bound < MILLISECOND_NS:
            return stream.below(bound)
        return stream.below(bound // MILLISECOND_NS) * MILLISECOND_NS

    def client(self, n: int) -> RoundTrip:  # noqa: ARG002 - streams count by themselves
        """Draw short delays, since clients are near their nodes; now and then the connection breaks."""
        stream = self._streams.get(("client",)) or self._stream("client")
        table = DELAYS_US["near"]
        bits = stream.bits()
        there, back = table[bits & 15] * MICROSECOND_NS, table[(bits >> 4) & 15] * MICROSECOND_NS
        reset = (bits >> 40) % 1000 < self._rates.client_reset_per_mille
        if (bits >> 20) % 1000 < self._rates.client_delay_per_mille:
            late_ns = _extra_delay_ns(stream)
            there, back = (there + late_ns, back) if bits & 256 else (there, back + late_ns)
        return RoundTrip(there, back, reset, early=reset and bool(bits >> 63))

    def stop_faults(self) -> None:
        """From now on let nothing be lost, repeated or late, and links and disks be fast."""
        if self._rates is not NO_FAULTS:
            self._rates = NO_FAULTS
            self._tables.clear()
            self._links.clear()

    def _stream(self, *place: str) -> Stream:
        stream = self._streams[place] = Stream(self._seed, "decisions", *place)
        return stream

    def _table(
        self, place: tuple[str, ...], tables: Mapping[str, tuple[int, ...]], names: tuple[str, ...]
    ) -> tuple[int, ...]:
        table = self._tables[place] = tables[Stream(self._seed, "table", *place).choose(names)]
        return table


def _extra_delay_ns(stream: Stream) -> int:
    return stream.below(stream.choose(EXTRA_DELAYS_US)) * MICROSECOND_NS
