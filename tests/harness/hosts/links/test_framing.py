from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from harness.hosts.links.framing import FrameCounter, Framing

FRAMING = Framing(preface_bytes=10, header_bytes=8, greetings=1)


@given(
    payloads=st.lists(st.binary(max_size=50), max_size=8),
    cuts=st.lists(st.integers(0, 500), max_size=20),
    end=st.integers(0, 500),
)
def test_messages_are_counted_when_their_last_byte_has_come_in_whatever_pieces(
    payloads: list[bytes], cuts: list[int], end: int
) -> None:
    stream = b"\xff" * FRAMING.preface_bytes
    ends = []
    for payload in [b"hello", *payloads]:
        stream += len(payload).to_bytes(4, "big") + b"CRC." + payload
        ends.append(len(stream))
    end = min(end, len(stream))
    places = [0, *sorted(min(cut, end) for cut in cuts), end]
    counter = FrameCounter(FRAMING)
    counted = sum(counter.feed(stream[a:b]) for a, b in itertools.pairwise(places))
    assert counted == sum(place <= end for place in ends[1:]), "the first frame is a greeting"


def test_an_empty_message_ends_with_its_header() -> None:
    counter = FrameCounter(Framing(preface_bytes=0, header_bytes=4))
    assert counter.feed(b"\0\0\0\2a") == 0
    assert counter.feed(b"b\0\0\0") == 1
    assert counter.feed(b"\0") == 1
