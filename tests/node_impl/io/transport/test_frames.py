from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.io.transport import FrameDecoder, Seal, WireError, encode_frame
from node_impl.io.transport.frames import MAX_PAYLOAD_BYTES

SEAL = Seal(b"of this session")
OTHER = Seal(b"of another one")


def frames(*payloads: bytes) -> bytes:
    return b"".join(encode_frame(payload, SEAL) for payload in payloads)


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(0, 10**6), max_size=30))
def test_frames_arrive_whole_and_in_order_however_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int]
) -> None:
    data, decoder = frames(*payloads), FrameDecoder(SEAL)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    assert [one for start, stop in pairwise(edges) for one in decoder.feed(data[start:stop])] == payloads
    assert decoder.rest() == b""


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.data())
def test_a_flipped_bit_is_refused_as_soon_as_its_frame_has_arrived(
    payloads: list[bytes], data: st.DataObject
) -> None:
    """Also one in a length: the decoder must not wait for bytes that never come."""
    content = bytearray(frames(*payloads))
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(WireError):
        FrameDecoder(SEAL).feed(bytes(content))


def test_a_frame_that_is_repeated_or_overtaken_is_as_good_as_before() -> None:
    """Links may do both; the node's protocol is made for it."""
    one, two = frames(b"one"), frames(b"two")
    assert FrameDecoder(SEAL).feed(two + one + one) == [b"two", b"one", b"one"]


@pytest.mark.parametrize("seal", [OTHER, Seal()])
def test_a_frame_of_another_session_or_without_a_key_is_not_genuine(seal: Seal) -> None:
    with pytest.raises(WireError, match="not genuine"):
        FrameDecoder(SEAL).feed(encode_frame(b"a message", seal))


def test_frames_are_taken_one_by_one_where_the_key_changes_after_one() -> None:
    decoder = FrameDecoder(SEAL)
    assert decoder.feed(frames(b"one") + encode_frame(b"two", OTHER), 1) == [b"one"]
    assert FrameDecoder(OTHER).feed(decoder.rest()) == [b"two"]


def header(length: int) -> bytes:
    checked = struct.pack(">I16s", length, bytes(16))
    return checked + struct.pack(">I", zlib.crc32(checked))


@pytest.mark.parametrize(
    ("data", "most_bytes", "message"),
    [
        (header(4097), 4096, "a frame of 4097 bytes, although at most 4096"),
        (header(MAX_PAYLOAD_BYTES + 1), MAX_PAYLOAD_BYTES, "a frame of 8388609 bytes"),
        (frames(b"abc")[:-1] + b"d", 10, "a frame of 3 bytes is not genuine"),
        (bytes(24), 10, "a frame's header has a wrong checksum"),
    ],
)
def test_a_refusal_names_what_is_wrong(data: bytes, most_bytes: int, message: str) -> None:
    with pytest.raises(WireError, match=message):
        FrameDecoder(SEAL, most_bytes).feed(data)


def test_an_oversized_message_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="the largest allowed is 8388608"):
        encode_frame(bytes(MAX_PAYLOAD_BYTES + 1), SEAL)
