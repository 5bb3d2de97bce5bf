"""The steps of a registration, found in packets."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from harness.walk.wire import Segment, merged, segments_of, sent_to, steps_on_the_wire

NAMES = {"10.0.0.1": "n1", "10.0.0.2": "n2", "10.0.0.3": "n3"}
CLIENT = "10.0.0.254"
SLL2, SLL_HEADER = 276, 20
TEXT = b"walk-number-007"
DATA = b"\x00\x00\x05\x00\x00\x00\x00\x00\x01hello"
PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"


def packet(source: str, target: str, ports: tuple[int, int], payload: bytes, *, syn: bool = False) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", *ports, 77, 0, 5 << 4, 2 if syn else 24, 0, 0, 0)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0, 64, 6, 0)
    ends = b"".join(bytes(map(int, address.split("."))) for address in (source, target))
    return bytes(SLL_HEADER) + ip + ends + tcp + payload + b"padding of the link"


def capture(file: Path, *packets: bytes, cut: int = 0) -> Path:
    raw = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, SLL2)
    for number, one in enumerate(packets):
        kept = one[: len(one) - cut]
        raw += struct.pack("<IIII", 1000 + number, 500_000, len(kept), len(one)) + kept
    file.write_bytes(raw)
    return file


def test_segments_of_a_capture_have_their_ends_their_time_and_their_payload_alone(tmp_path: Path) -> None:
    file = capture(
        tmp_path / "packets.pcap",
        packet("10.0.0.1", "10.0.0.2", (4000, 8848), b"", syn=True),
        packet("10.0.0.1", "10.0.0.2", (4000, 8848), b"GET / HTTP/1.1\r\n"),
    )
    assert list(segments_of(file)) == [
        Segment(1000.5, "10.0.0.1", 4000, "10.0.0.2", 8848, 77, True, b""),
        Segment(1001.5, "10.0.0.1", 4000, "10.0.0.2", 8848, 77, False, b"GET / HTTP/1.1\r\n"),
    ]


def test_a_packet_that_was_cut_short_is_passed_over(tmp_path: Path) -> None:
    file = capture(tmp_path / "packets.pcap", packet("10.0.0.1", "10.0.0.2", (1, 2), b"text"), cut=3)
    assert list(segments_of(file)) == []


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "packets.pcap").write_bytes(b"\x0a\x0d\x0d\x0a" + bytes(40))
    with pytest.raises(ValueError, match="tcpdump"):
        list(segments_of(tmp_path / "packets.pcap"))


def test_a_packet_that_two_members_captured_counts_once_at_its_first_time() -> None:
    sent = Segment(5.0, "10.0.0.1", 4000, "10.0.0.2", 8848, 77, False, b"abc")
    assert merged([[sent._replace(at=5.1)], [sent, sent._replace(at=9.0, sequence=80)]], 4.0, 8.0) == (sent,)


def message(at: float, pair: str, ports: tuple[int, int], payload: bytes) -> Segment:
    of = {name: address for address, name in NAMES.items()} | {"c": CLIENT}
    source, target = (of[name] for name in pair.split(">"))
    return Segment(at, source, ports[0], target, ports[1], 0, False, payload)


def test_a_registration_is_followed_from_the_request_to_the_answer() -> None:
    segments = [
        message(0.9, "n1>n3", (40050, 7848), b"before the request " + TEXT),
        message(
            1.0, "c>n2", (40060, 8848), b"POST /nacos/v1/ns/instance?metadata=" + TEXT + b" HTTP/1.1\r\n"
        ),
        message(1.1, "n2>n1", (40061, 7848), TEXT),
        message(1.2, "n1>n3", (40062, 7848), TEXT),
        message(1.3, "n3>n1", (7848, 40062), PING),
        message(1.4, "n3>n1", (7848, 40062), PING + DATA),
        message(1.45, "n1>n3", (40062, 7848), b"again " + TEXT),
        message(1.5, "n1>n2", (7848, 40061), DATA),
        message(1.6, "n2>c", (8848, 40060), b"HTTP/1.1 200 \r\nok"),
    ]
    steps = steps_on_the_wire(segments, NAMES, TEXT, "n1", "n2")
    assert [(round(step.after_ms), step.where, step.what) for step in steps] == [
        (0, "client -> n2", "request: POST /nacos/v1/ns/instance"),
        (100, "n2 -> n1", "forward: 15 bytes over the connection to port 7848"),
        (200, "n1 -> n3", "send: 15 bytes over the connection to port 7848"),
        (400, "n3 -> n1", "acknowledge: 31 bytes over the connection to port 7848"),
        (500, "n1 -> n2", "answer to the follower: 14 bytes over the connection to port 7848"),
        (600, "n2 -> client", "answer: HTTP/1.1 200 "),
    ]


def test_without_a_request_that_holds_the_text_there_are_no_steps() -> None:
    with pytest.raises(LookupError, match="walk-number-007"):
        steps_on_the_wire([message(1.1, "n2>n1", (40061, 7848), TEXT)], NAMES, TEXT, "n1", "n2")


def test_packets_that_open_a_connection_or_carry_something_are_counted() -> None:
    segments = [
        message(1, "n1>n3", (40062, 7848), b"x"),
        message(1, "n1>n3", (40062, 7848), b""),
        message(1, "n1>n3", (40062, 7848), b"")._replace(syn=True),
        message(1, "n3>n1", (40062, 7848), b"x"),
    ]
    assert sent_to(segments, "10.0.0.1", "10.0.0.3") == 2
