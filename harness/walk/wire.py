"""The steps of one registration in captured packets, for systems that write no trace.

A message is a TCP segment with payload. What holds the text of the registration's id was sent because of it;
the next payload that comes back on the same connection is its answer. HTTP/1 is named by its first line.
Of HTTP/2 (gRPC) only segments with a DATA frame count (RFC 9113, section 6.1): the others carry windows and
pings.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.walk.record import Step

_MAGIC = 0xA1B2C3D4
"""Of a file in the format of libpcap, with times in microseconds (pcap-savefile(5))."""
_SLL, _SLL2, _ETHERNET = 113, 276, 1
_LINK_BYTES = {_SLL: 16, _SLL2: 20, _ETHERNET: 14}
_TCP = 6
_DATA_FRAME, _FRAME_HEADER = 0, 9
_HTTP_1 = (b"GET ", b"POST ", b"PUT ", b"DELETE ", b"HTTP/1.")
CLIENT = "client"


class Segment(NamedTuple):
    """One TCP segment."""

    at: float
    """Seconds since the epoch, by the clock of the machine."""
    source: str
    source_port: int
    target: str
    target_port: int
    sequence: int
    syn: bool
    payload: bytes


def segments_of(file: Path) -> Iterator[Segment]:
    """Every TCP segment over IPv4 of a capture, in its order; a packet that was cut short is passed over.

    Raises:
        ValueError: the file is not of this format.
    """
    raw = file.read_bytes()
    if len(raw) < 24 or struct.unpack_from("<I", raw)[0] != _MAGIC:
        raise ValueError(f"{file} is not the kind of capture that tcpdump writes here")
    link = struct.unpack_from("<I", raw, 20)[0]
    if link not in _LINK_BYTES:
        raise ValueError(f"{file} has packets of link type {link}, which is not known here")
    at = 24
    while at + 16 <= len(raw):
        seconds, micros, kept, whole = struct.unpack_from("<IIII", raw, at)
        packet = raw[at + 16 + _LINK_BYTES[link] : at + 16 + kept]
        at += 16 + kept
        if kept == whole:
            yield from _segment(seconds + micros / 1e6, packet)


def _segment(at: float, packet: bytes) -> Iterator[Segment]:
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[9] != _TCP:
        return
    header, total = (packet[0] & 15) * 4, struct.unpack_from(">H", packet, 2)[0]
    source, target = (".".join(map(str, packet[n : n + 4])) for n in (12, 16))
    tcp = packet[header:total]
    if len(tcp) < 20:
        return
    source_port, target_port, sequence = struct.unpack_from(">HHI", tcp)
    yield Segment(
        at, source, source_port, target, target_port, sequence, bool(tcp[13] & 2), tcp[(tcp[12] >> 4) * 4 :]
    )


def merged(captures: Iterable[Iterable[Segment]], since: float, until: float) -> tuple[Segment, ...]:
    """The segments of several captures between two times, each once, by their times."""
    first: dict[tuple[object, ...], Segment] = {}
    for capture in captures:
        for segment in capture:
            if since <= segment.at < until:
                key = (*segment[1:7], len(segment.payload))
                if key not in first or segment.at < first[key].at:
                    first[key] = segment
    return tuple(sorted(first.values(), key=lambda segment: segment.at))


def steps_on_the_wire(
    segments: Sequence[Segment], names: Mapping[str, str], text: bytes, leader: str, asked: str
) -> tuple[Step, ...]:
    """The messages that hold a text, and the answers to them, from the client's request to its answer.

    Args:
        names: by address, the name of each member; any other address is the client's.
        text: what only this registration holds, such as its id.

    Raises:
        LookupError: no message to `asked` from a client holds the text.
    """

    def of(address: str) -> str:
        return names.get(address, CLIENT)

    carried = [one for one in segments if text in one.payload]
    request = next((one for one in carried if of(one.source) == CLIENT and of(one.target) == asked), None)
    if request is None:
        raise LookupError(f"no captured message from the client to {asked} holds {text.decode()}")
    found = []
    seen: set[tuple[str, str]] = set()
    for one in carried:
        pair = (of(one.source), of(one.target))
        if one.at < request.at or pair in seen:
            continue
        seen.add(pair)
        found.append((one.at, f"{pair[0]} -> {pair[1]}", f"{_role(pair, leader, asked)}: {_line(one)}"))
        answer = _answer(segments, one)
        if answer is not None:
            back = f"{pair[1]} -> {pair[0]}"
            found.append((answer.at, back, f"{_reply_role(pair, leader, asked)}: {_line(answer)}"))
    return tuple(Step(round((at - request.at) * 1000, 2), where, what) for at, where, what in sorted(found))


def _role(pair: tuple[str, str], leader: str, asked: str) -> str:
    if pair[0] == CLIENT:
        return "request"
    if pair == (asked, leader):
        return "forward"
    return "send" if pair[0] == leader else "message"


def _reply_role(pair: tuple[str, str], leader: str, asked: str) -> str:
    if pair[0] == CLIENT:
        return "answer"
    if pair == (asked, leader):
        return "answer to the follower"
    return "acknowledge" if pair[0] == leader else "reply"


def _answer(segments: Sequence[Segment], to: Segment) -> Segment | None:
    """The first payload that comes back on the connection of a segment."""
    back = (to.target, to.target_port, to.source, to.source_port)
    return next(
        (one for one in segments if one.at > to.at and one[1:5] == back and _is_message(one.payload)), None
    )


def _is_message(payload: bytes) -> bool:
    if payload.startswith(_HTTP_1):
        return True
    at = 0
    while at + _FRAME_HEADER <= len(payload):
        length, kind = int.from_bytes(payload[at : at + 3]), payload[at + 3]
        if kind == _DATA_FRAME and length:
            return True
        at += _FRAME_HEADER + length
    return False


def _line(segment: Segment) -> str:
    """The first line of HTTP/1 without its query; of all else the port and the size."""
    if segment.payload.startswith(_HTTP_1):
        line = segment.payload.split(b"\r\n", 1)[0].decode(errors="replace").removesuffix(" HTTP/1.1")
        return line.partition("?")[0]
    port = min(segment.source_port, segment.target_port)
    return f"{len(segment.payload)} bytes over the connection to port {port}"


def sent_to(segments: Iterable[Segment], source: str, target: str) -> int:
    """How many packets that open a connection or carry a payload went from one address to another."""
    return sum(
        one.source == source and one.target == target and (one.syn or bool(one.payload)) for one in segments
    )
