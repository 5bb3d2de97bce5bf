from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.control.framing import FrameCounter, Framing

FRAMING = Framing(preface_bytes=10, header_bytes=8, greetings=1)


def stream(payloads: list[bytes]) -> bytes:
    frames = [len(payload).to_bytes(4, "big") + b"CRC." + payload for payload in payloads]
    return b"\xff" * 10 + b"".join(frames)


@given(
    payloads=st.lists(st.binary(max_size=50), max_size=8),
    cuts=st.lists(st.integers(0, 500), max_size=20),
    missing=st.integers(0, 3),
)
def test_messages_are_counted_alike_in_whatever_pieces_they_come(
    payloads: list[bytes], cuts: list[int], missing: int
) -> None:
    whole = stream([b"hello", *payloads])
    torn = whole[: len(whole) - missing]
    places = [0, *sorted(min(cut, len(torn)) for cut in cuts), len(torn)]
    counter = FrameCounter(FRAMING)
    counted = sum(counter.feed(torn[a:b]) for a, b in zip(places, places[1:], strict=False))
    whole_messages = len(payloads) - (1 if missing and payloads else 0)
    assert counted == (whole_messages if not missing else min(counted, whole_messages))
    counted += counter.feed(whole[len(torn) :])
    assert counted == len(payloads)


def test_a_message_counts_only_when_its_last_byte_has_come() -> None:
    counter = FrameCounter(Framing(preface_bytes=0, header_bytes=4))
    assert counter.feed(b"\0\0\0\2a") == 0
    assert counter.feed(b"b") == 1
    assert counter.feed(b"\0\0\0\0") == 1, "an empty payload ends with its header"
