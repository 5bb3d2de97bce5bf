"""A bad link strikes whole messages, at the rates asked for, and leaves a stream a stream."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.hosts.host import eventually
from harness.hosts.links.framing import FrameCounter, Framing
from harness.hosts.links.linkmessages import LinkImpairment
from harness.hosts.links.shaping import Shaper

FRAMING = Framing(preface_bytes=3, header_bytes=8, greetings=1)
impairments = st.builds(
    LinkImpairment,
    delay_ms=st.sampled_from([0, 0, 5]),
    jitter_ms=st.sampled_from([0, 0, 5]),
    rate_bytes_s=st.sampled_from([None, None, 20_000]),
    is_stalled=st.sampled_from([False, False, False, True]),
    lost_percent=st.sampled_from([0, 0, 40]),
    repeated_percent=st.sampled_from([0, 0, 40]),
    overtaken_percent=st.sampled_from([0, 0, 40]),
)


def frame(number: int, size: int) -> bytes:
    payload = number.to_bytes(4, "big") * size
    return len(payload).to_bytes(4, "big") + b"crc!" + payload


def stream(sizes: list[int]) -> bytes:
    return b"pre" + b"".join(frame(number, size) for number, size in enumerate(sizes))


def messages(data: bytes) -> list[bytes]:
    """What a receiver reads; the preface and the greeting must be whole and first."""
    assert data[:3] == b"pre"
    found, at = [], 3
    while at < len(data):
        size = 8 + int.from_bytes(data[at : at + 4], "big")
        assert data[at + 4 : at + 8] == b"crc!", "a frame begins where the last one ended"
        found.append(data[at : at + size])
        at += size
    assert at == len(data), "the last one is whole"
    return found


class Sent:
    """Bytes through a shaper, in pieces, the impairment beginning and ending on the way."""

    def __init__(self, how: LinkImpairment, draw: int = 1) -> None:
        self.how = how
        self.impairments: dict[str, LinkImpairment] = {}
        self.struck: Counter[str] = Counter()
        self.arrived = bytearray()
        self.full: list[bool] = []
        self.resets = 0
        self.shaper = Shaper(
            self.impairments,
            self.struck,
            random.Random(draw),
            deliver=self.arrived.extend,
            throttle=self.full.append,
            reset=self._reset,
        )

    def _reset(self) -> None:
        self.resets += 1

    def begin(self) -> None:
        self.impairments["fault"] = self.how

    def end(self) -> None:
        self.impairments.clear()
        self.shaper.release()


@given(
    how=impairments,
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=25),
    cuts=st.lists(st.integers(0, 2000), max_size=12),
    begin=st.integers(0, 12),
    lasts=st.integers(0, 12),
    draw=st.integers(0, 1000),
)
def test_messages_arrive_whole_or_not_at_all_however_they_are_cut_into_pieces(
    how: LinkImpairment, sizes: list[int], cuts: list[int], begin: int, lasts: int, draw: int
) -> None:
    async def send() -> Sent:
        sent, counter, has_begun = Sent(how, draw), FrameCounter(FRAMING), False
        data = stream(sizes)
        places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for number, (start, end) in enumerate(itertools.pairwise(places)):
            if number == begin:
                sent.begin()
            if number == begin + lasts:
                sent.end()
            piece = data[start:end]
            ends = counter.ends(piece)
            if sent.impairments or not sent.shaper.is_idle:  # as linkproxy.py does
                sent.shaper.take(piece, ends, is_begun=has_begun)
                has_begun = has_begun and not ends
            else:
                sent.arrived += piece
                has_begun = ends[-1][0] < len(piece) if ends else True
        await asyncio.sleep(0.001)
        sent.end()
        return sent

    sent = asyncio.run(send())
    wanted, found = messages(stream(sizes)), messages(bytes(sent.arrived))
    assert found[0] == wanted[0], "what introduces a connection is never struck"
    assert set(found) <= set(wanted)
    if not how.lost_percent:
        assert set(found) == set(wanted)
    if not how.repeated_percent:
        assert len(found) == len(set(found))
    if not how.overtaken_percent:
        assert found == sorted(found, key=wanted.index)
    assert sent.shaper.is_idle


def strike(how: LinkImpairment, count: int = 1000) -> tuple[Sent, list[bytes], list[bytes]]:
    """Send that many messages over a bad link; (how it went, what was sent, what had arrived in the end)."""

    async def send() -> Sent:
        sent, counter = Sent(how), FrameCounter(FRAMING)
        sent.begin()
        for number in range(count):
            piece = stream([1]) + frame(0, 1) if not number else frame(number, 1)
            sent.shaper.take(piece, counter.ends(piece), is_begun=False)
        await asyncio.sleep(0.06)
        return sent

    sent = asyncio.run(send())
    wanted = [frame(number, 1) for number in range(count)]
    return sent, wanted, messages(bytes(sent.arrived))[1:] if not how.corrupted_percent else []


def test_the_share_asked_for_is_struck_and_counted() -> None:
    sent, wanted, found = strike(LinkImpairment(lost_percent=20))
    assert len(found) == len(wanted) - sent.struck["fault"]
    assert 150 < sent.struck["fault"] < 250
    sent, wanted, found = strike(LinkImpairment(repeated_percent=20))
    assert len(found) == len(wanted) + sent.struck["fault"]
    assert 150 < sent.struck["fault"] < 250
    sent, wanted, found = strike(LinkImpairment(overtaken_percent=20))
    assert sorted(found) == sorted(wanted)
    assert found != wanted
    assert 150 < sent.struck["fault"] < 250


def test_a_corrupted_message_differs_in_one_bit() -> None:
    sent, wanted, _ = strike(LinkImpairment(corrupted_percent=100), 50)
    arrived = bytes(sent.arrived)
    intact = stream([1]) + b"".join(wanted)
    assert len(arrived) == len(intact)
    flipped = sum((a ^ b).bit_count() for a, b in zip(arrived, intact, strict=True))
    assert flipped == sent.struck["fault"] == 50


def test_a_delay_and_a_rate_are_kept_and_a_stall_ends_with_everything_in_order() -> None:
    async def times(how: LinkImpairment, size: int) -> float:
        sent = Sent(how)
        sent.begin()
        began = asyncio.get_running_loop().time()
        for _ in range(4):
            sent.shaper.take(bytes(size), None, is_begun=False)
        assert await eventually(lambda: len(sent.arrived) == 4 * size, 5)
        return asyncio.get_running_loop().time() - began

    assert asyncio.run(times(LinkImpairment(delay_ms=60), 10)) >= 0.06
    assert asyncio.run(times(LinkImpairment(rate_bytes_s=10_000), 250)) >= 0.1

    async def stall() -> None:
        sent = Sent(LinkImpairment(is_stalled=True))
        sent.begin()
        sent.shaper.take(b"one", None, is_begun=False)
        sent.shaper.take(b"two", None, is_begun=False)
        await asyncio.sleep(0.01)
        assert sent.arrived == b""
        sent.end()
        assert sent.arrived == b"onetwo"

    asyncio.run(stall())


def test_who_sends_more_than_a_slow_link_takes_is_made_to_wait() -> None:
    async def send() -> None:
        sent = Sent(LinkImpairment(rate_bytes_s=40_000_000))
        sent.begin()
        for _ in range(20):
            sent.shaper.take(bytes(100_000), None, is_begun=False)
        assert sent.full == [True]
        assert await eventually(lambda: sent.full == [True, False], 5)

    asyncio.run(send())


@pytest.mark.parametrize("ends", [None, [(3, True)]])
def test_a_reset_ends_the_connection_and_nothing_follows(ends: list[tuple[int, bool]] | None) -> None:
    async def send() -> None:
        sent = Sent(LinkImpairment(reset_percent=100))
        sent.begin()
        sent.shaper.take(b"one", ends, is_begun=False)
        sent.shaper.take(b"two", ends, is_begun=False)
        assert (bytes(sent.arrived), sent.resets, sent.struck["fault"]) == (b"", 1, 1)

    asyncio.run(send())
