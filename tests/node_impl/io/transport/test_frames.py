from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.io.transport import FrameDecoder, Hello, WireError, encode_frame, encode_hello
from node_impl.io.transport.frames import MAX_PAYLOAD_BYTES

HELLO = Hello("c1", "n1", "n2")
PREFACE = b"ACKPPEER" + struct.pack(">H", 2)


def feed(data: bytes, cuts: list[int]) -> tuple[Hello | None, list[bytes]]:
    decoder = FrameDecoder()
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    payloads: list[bytes] = []
    for start, stop in pairwise(edges):
        payloads += decoder.feed(data[start:stop])
    return decoder.hello, payloads


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 10**6), max_size=30))
def test_frames_arrive_whole_and_in_order_however_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int]
) -> None:
    data = encode_hello(HELLO) + b"".join(map(encode_frame, payloads))
    assert feed(data, cuts) == (HELLO, payloads)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.data())
def test_a_flipped_bit_is_refused_as_soon_as_its_frame_has_arrived(
    payloads: list[bytes], data: st.DataObject
) -> None:
    """Also one in a length: the decoder must not wait for bytes that never come."""
    content = bytearray(encode_hello(HELLO) + b"".join(map(encode_frame, payloads)))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(WireError):
        FrameDecoder().feed(bytes(content))


@given(st.binary(min_size=1, max_size=100))
def test_garbage_is_refused_at_its_first_wrong_byte(garbage: bytes) -> None:
    decoder = FrameDecoder()
    if b"ACKPPEER".startswith(garbage[:8]):
        return
    with pytest.raises(WireError, match="not a peer of this protocol: its first bytes are"):
        decoder.feed(garbage)


def test_http_on_the_peer_port_is_refused() -> None:
    with pytest.raises(WireError, match="first bytes are b'GET"):
        FrameDecoder().feed(b"GET / HTTP/1.1\r\n\r\n")


def header(length: int) -> bytes:
    lengths = struct.pack(">II", length, 0)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ACKPPEER\x00\x01", "the peer speaks protocol version 1, this node version 2"),
        (PREFACE + header(4097), "a frame of 4097 bytes, although at most 4096"),
        (PREFACE + encode_frame(b"\xc0"), "the handshake is not one"),
        (PREFACE + encode_frame(msgspec.msgpack.encode(["c1", "n1"])), "the handshake is not one"),
        (encode_hello(HELLO) + header(MAX_PAYLOAD_BYTES + 1), "a frame of 8388609 bytes"),
        (encode_hello(HELLO) + encode_frame(b"abc")[:-1] + b"d", "a frame of 3 bytes has a wrong checksum"),
        (encode_hello(HELLO) + bytes(12), "a frame's header has a wrong checksum"),
    ],
)
def test_a_refusal_names_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(WireError, match=message):
        FrameDecoder().feed(data)


def test_an_oversized_message_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="the largest allowed is 8388608"):
        encode_frame(bytes(MAX_PAYLOAD_BYTES + 1))
