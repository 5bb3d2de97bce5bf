"""What faults do to the messages of one link: late, slow, held back, lost, twice, overtaken, corrupt.

It does to messages what harness/hosts/links/shaping.py does to them on real links. Chance is drawn from the
number that the fault's action names, so a schedule repeats it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from harness.sim.plan.stream import Stream
from harness.sim.world.network import Network, OneWayLink
from history.units import MILLISECOND_NS, SECOND_NS
from node_impl.core.raft.messages import Envelope
from node_impl.io.transport.frames import FrameDecoder, Seal, WireError, encode_frame

OVERTAKEN_NS = 50 * MILLISECOND_NS
"""By how much a message is late, at the most, that others overtake."""
_SEAL = Seal(b"the only session of a simulated link")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Envelope).decode


class Impairment(msgspec.Struct, frozen=True):
    """How bad one fault makes a link; fields as those of the action `Impair`."""

    delay_ms: int = 0
    jitter_ms: int = 0
    rate_bytes_s: int | None = None
    is_stalled: bool = False
    reset_percent: int = 0
    lost_percent: int = 0
    repeated_percent: int = 0
    overtaken_percent: int = 0
    corrupted_percent: int = 0


class Treatment(NamedTuple):
    """What happens to one message."""

    copies: int = 1
    """How often it arrives; 0: it is lost."""
    extra_ns: int = 0
    """How much later it arrives."""
    is_overtaken: bool = False
    """Whether later messages may arrive before it."""
    is_held: bool = False
    """Whether it waits until the stall is over."""
    is_reset: bool = False
    """Whether the connection breaks, and everything on its way with it."""
    corrupted: tuple[str, bytes] | None = None
    """The fault that flipped a bit of it, and the frame as it arrives."""


class Travelling:
    """One message on a bad link."""

    __slots__ = ("connection", "corrupted", "envelope", "has_arrived")

    def __init__(self, envelope: Envelope, connection: int, corrupted: tuple[str, bytes] | None) -> None:
        self.envelope = envelope
        self.connection = connection
        self.corrupted = corrupted
        """The fault that flipped a bit of it, and the frame as it arrives."""
        self.has_arrived = False


class LinkWorld(Protocol):
    """What a bad link needs of its world."""

    now: int
    network: Network

    def at(self, time: int, act: Callable[[Any], None], argument: Any) -> None:
        """Have something done at that time."""
        ...

    def arrive(self, arrival: tuple[OneWayLink, int, Envelope]) -> None:
        """Let a message arrive that was sent on a connection of a link."""
        ...

    def note(self, node: str, text: str) -> None:
        """Add a line to a node's log."""
        ...


class ImpairedLink:
    """All that faults do to one link now.

    Args:
        struck: counts by fault, for all links together, the messages that the fault did something to.
    """

    def __init__(self, world: LinkWorld, link: OneWayLink, struck: Counter[str]) -> None:
        self._world = world
        self._link = link
        self._struck = struck
        self._impairments: dict[str, tuple[Impairment, Stream]] = {}
        self._free_at = 0
        """When a slow link has carried what it was given."""
        self._travelling: list[Travelling] = []
        """Messages that have not arrived yet, held ones included, in the order in which they were sent."""

    def begin(self, by: str, how: Mapping[str, Any], stream: Stream) -> None:
        """Make the link bad, on the account of the fault `by`; which messages are struck is drawn."""
        self._impairments[by] = msgspec.convert(dict(how), Impairment), stream

    def end(self, by: str) -> bool:
        """End what one fault did, and let go on what was held back; whether any other fault is on."""
        self._impairments.pop(by, None)
        self._free_at = 0
        world, link = self._world, self._link
        link.last_arrival = world.now
        for message in self._travelling:
            world.at(world.now, self._arrive, message)
        return bool(self._impairments)

    def send(self, envelope: Envelope) -> None:
        """Put a message on the link."""
        world, link = self._world, self._link
        arrivals = world.network.arrivals(link, envelope, world.now)
        if not arrivals:
            return
        treatment = self._treat(envelope, world.now)
        if treatment.is_reset:
            world.network.reset(link)
        for _ in range(treatment.copies):
            for arrival in arrivals:
                self._put(envelope, arrival + treatment.extra_ns, treatment)

    def _put(self, envelope: Envelope, arrival: int, treatment: Treatment) -> None:
        link = self._link
        message = Travelling(envelope, link.connection, treatment.corrupted)
        self._travelling = [one for one in self._travelling if not one.has_arrived]
        self._travelling.append(message)
        if treatment.is_held:
            return
        if self._world.network.in_order and not treatment.is_overtaken:
            arrival = link.last_arrival = max(arrival, link.last_arrival)
        self._world.at(arrival, self._arrive, message)

    def _arrive(self, message: Travelling) -> None:
        if message.has_arrived:
            return
        message.has_arrived = True
        world, link = self._world, self._link
        if message.corrupted is None:
            world.arrive((link, message.connection, message.envelope))
            return
        if world.network.is_lost(link, message.connection):
            return
        by, frame = message.corrupted
        sender, receiver = link.link
        read = received(frame)
        self._struck[by] += 1
        if isinstance(read, Envelope):
            world.arrive((link, message.connection, read))
        else:
            world.note(receiver, f"WARNING disconnected {sender} from the peer port: {read}")
            world.network.reset(link)

    def _treat(self, envelope: Envelope, now: int) -> Treatment:
        """Decide what happens to a message that is sent now."""
        copies, extra_ns, is_overtaken, is_held = 1, 0, False, False
        corrupted: tuple[str, bytes] | None = None
        for by, (how, stream) in self._impairments.items():
            if self._hits(how.reset_percent, by, stream):
                return Treatment(copies=0, is_reset=True)
            if self._hits(how.lost_percent, by, stream):
                return Treatment(copies=0)
            copies += self._hits(how.repeated_percent, by, stream)
            if self._hits(how.overtaken_percent, by, stream):
                extra_ns += stream.below(OVERTAKEN_NS)
                is_overtaken = True
            if how.corrupted_percent and stream.chance(how.corrupted_percent, 100):
                corrupted = by, _with_a_bit_flipped(envelope, stream)
            if how.delay_ms or how.jitter_ms:
                extra_ns += how.delay_ms * MILLISECOND_NS + stream.below(how.jitter_ms * MILLISECOND_NS + 1)
                self._struck[by] += 1
            if how.rate_bytes_s is not None:
                took = len(encode_frame(_encode(envelope), _SEAL)) * SECOND_NS // how.rate_bytes_s
                self._free_at = max(self._free_at, now) + took
                extra_ns = max(extra_ns, self._free_at - now)
                self._struck[by] += 1
            if how.is_stalled:
                is_held = True
                self._struck[by] += 1
        return Treatment(copies, extra_ns, is_overtaken, is_held, corrupted=corrupted)

    def _hits(self, percent: int, by: str, stream: Stream) -> bool:
        hit = bool(percent) and stream.chance(percent, 100)
        if hit:
            self._struck[by] += 1
        return hit


def received(frame: bytes) -> Envelope | str:
    """Read a frame as its receiver does; the message, or why the receiver closes the connection."""
    try:
        (payload,) = FrameDecoder(_SEAL).feed(frame)
        return _decode(payload)
    except (WireError, msgspec.DecodeError, ValueError) as error:
        return str(error)


def _with_a_bit_flipped(envelope: Envelope, stream: Stream) -> bytes:
    frame = bytearray(encode_frame(_encode(envelope), _SEAL))
    frame[stream.below(len(frame))] ^= 1 << stream.below(8)
    return bytes(frame)
