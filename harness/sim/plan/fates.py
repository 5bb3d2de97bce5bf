"""What happens to each message, disk write, request and election: drawn, or as a schedule says.

Everything here is asked by number, the n-th of its kind at its place. `DrawnFates` answers from
the seed; `ScriptedFates` answers with a default wherever the schedule does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from harness.nemesis.base import Link
from harness.sim.plan.chance import Stream

MICROSECOND_NS = 1_000
MILLISECOND_NS = 1_000_000

DEFAULT_MESSAGE_NS = MILLISECOND_NS
DEFAULT_WRITE_NS = MILLISECOND_NS
DEFAULT_CLIENT_NS = MILLISECOND_NS // 2

DELAYS_US: dict[str, tuple[int, ...]] = {
    "near": (110, 120, 130, 140, 150, 160, 170, 180, 200, 220, 250, 290, 350, 480, 800, 2_500),
    "even": (1_000,) * 16,
    "wide": (400, 600, 900, 1_300, 1_800, 2_500, 3_400, 4_500, 6_000, 8_000, 11_000, 15_000, 20_000, 28_000,
             40_000, 60_000),
    "far": (60_000, 62_000, 64_000, 66_000, 68_000, 70_000, 72_000, 74_000, 76_000, 78_000, 80_000, 84_000,
            90_000, 100_000, 130_000, 200_000),
}  # fmt: skip
"""Delays by name: sixteen of equal chance, in microseconds."""

WRITES_US: dict[str, tuple[int, ...]] = {
    "fast": (60, 70, 80, 90, 100, 110, 120, 140, 160, 180, 220, 280, 350, 500, 900, 3_000),
    "even": (1_000,) * 16,
    "slow": (3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000, 10_000, 12_000, 14_000, 17_000, 20_000, 25_000,
             40_000, 90_000, 250_000),
}  # fmt: skip
"""How long a write with its fsync takes, likewise."""

SPIKES_US = (5_000, 50_000, 300_000, 900_000)
"""The most by which a message is late, each in a quarter of the cases: a copy that comes right behind the
first one tries other rules than one that comes an election later."""

Delays = tuple[int, ...]
"""When a message arrives, in nanoseconds after it left: never, once, or more than once."""


class ClientFate(msgspec.Struct, frozen=True):
    """How a request travels; `reset`: its connection breaks with the reply on it, or (`early`) as soon as the
    node has the request, so that a client that repeats it races with its own first copy."""

    there_ns: int = DEFAULT_CLIENT_NS
    back_ns: int = DEFAULT_CLIENT_NS
    reset: bool = False
    early: bool = False


class Fates(Protocol):
    """Answers for the n-th of each kind, n from 1, asked once each and in order of n."""

    def message(self, link: Link, n: int) -> Delays:
        """The n-th message on that link."""
        ...

    def write_ns(self, node: str, n: int) -> int:
        """How long the node's n-th write takes."""
        ...

    def tear(self, node: str, n: int) -> int:
        """A number in [0, 2**64): how much of the node's n-th write was done when its process ended."""
        ...

    def election(self, node: str, n: int, bound: int) -> int:
        """The node's n-th own draw below `bound`: how much is added to its election time-out."""
        ...

    def client(self, n: int) -> ClientFate:
        """The n-th client request."""
        ...

    def calm(self) -> None:
        """From now on nothing is lost, repeated or slow."""
        ...


class Weather(msgspec.Struct, frozen=True):
    """How good network and disks are; rates are per mille of messages."""

    delays: tuple[str, ...] = ("even",)
    """Names from DELAYS_US: each link draws its own."""
    writes: tuple[str, ...] = ("even",)
    """Names from WRITES_US: each node draws its own."""
    lost: int = 0
    repeated: int = 0
    slow: int = 0
    """Delayed by up to one of SPIKES_US more."""
    client_reset: int = 0


_CALM = Weather(delays=("near",), writes=("fast",))


class DrawnFates:
    """Everything drawn from the seed, as the weather has it."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self._seed = seed
        self._weather = weather
        self._streams: dict[tuple[str, ...], Stream] = {}
        self._tables: dict[tuple[str, ...], tuple[int, ...]] = {}
        self._is_calm = False

    def message(self, link: Link, n: int) -> Delays:  # noqa: ARG002 - streams count by themselves
        """A delay from the link's table, unless it is lost, repeated or slow."""
        stream = self._streams.get(link) or self._stream(*link)
        table = self._tables.get(link) or self._table(link, DELAYS_US, self._weather.delays)
        bits = stream.bits()
        delay = table[bits & 15] * MICROSECOND_NS + (bits >> 4) % 100_000  # no two messages at one instant
        weather = self._weather
        roll = (bits >> 40) % 1000
        if roll >= weather.lost + weather.repeated + weather.slow:
            return (delay,)
        if roll < weather.lost:
            return ()
        if roll < weather.lost + weather.slow:
            return (delay + _spike_ns(stream),)
        return delay, delay + _spike_ns(stream)

    def write_ns(self, node: str, n: int) -> int:  # noqa: ARG002 - the protocol's
        """A time from the node's table."""
        place = ("write", node)
        stream = self._streams.get(place) or self._stream(*place)
        table = self._tables.get(place) or self._table(place, WRITES_US, self._weather.writes)
        bits = stream.bits()
        return table[bits & 15] * MICROSECOND_NS + (bits >> 4) % 10_000

    def tear(self, node: str, n: int) -> int:  # noqa: ARG002 - the protocol's
        """Any."""
        return (self._streams.get(("tear", node)) or self._stream("tear", node)).bits()

    def election(self, node: str, n: int, bound: int) -> int:  # noqa: ARG002 - the protocol's
        """Evenly drawn, in whole milliseconds if there are enough, since schedules are read by people."""
        stream = self._streams.get(("election", node)) or self._stream("election", node)
        if bound < MILLISECOND_NS:
            return stream.below(bound)
        return stream.below(bound // MILLISECOND_NS) * MILLISECOND_NS

    def client(self, n: int) -> ClientFate:  # noqa: ARG002 - the protocol's
        """Clients are near their nodes."""
        stream = self._streams.get(("client",)) or self._stream("client")
        table = DELAYS_US["near"]
        bits = stream.bits()
        there, back = table[bits & 15] * MICROSECOND_NS, table[(bits >> 4) & 15] * MICROSECOND_NS
        reset = (bits >> 40) % 1000 < self._weather.client_reset
        return ClientFate(there, back, reset, early=reset and bool(bits >> 63))

    def calm(self) -> None:
        """Good weather."""
        if not self._is_calm:
            self._is_calm = True
            self._weather = _CALM
            self._tables.clear()

    def _stream(self, *place: str) -> Stream:
        stream = self._streams[place] = Stream(self._seed, "fates", *place)
        return stream

    def _table(
        self, place: tuple[str, ...], tables: Mapping[str, tuple[int, ...]], names: tuple[str, ...]
    ) -> tuple[int, ...]:
        table = self._tables[place] = tables[Stream(self._seed, "table", *place).choose(names)]
        return table


def _spike_ns(stream: Stream) -> int:
    return stream.below(stream.choose(SPIKES_US)) * MICROSECOND_NS
