"""The search: the commit that brought it in is always among those that are left."""

from __future__ import annotations

from math import log2

from hypothesis import given
from hypothesis import strategies as st

from harness.campaign.bisect.search import Judgement, first_bad


@given(st.data(), st.integers(1, 200))
def test_the_first_bad_commit_is_left_with_what_was_skipped(data: st.DataObject, number: int) -> None:
    first = data.draw(st.integers(0, number - 1))
    skipped = data.draw(st.sets(st.integers(0, number - 2)) if number > 1 else st.just(set[int]()))
    asked: list[int] = []

    def judge(place: int) -> Judgement:
        assert 0 <= place < number - 1
        assert place not in asked
        asked.append(place)
        if place in skipped:
            return "skipped"
        return "bad" if place >= first else "good"

    left = first_bad(number, judge)
    assert first in left
    assert set(left[:-1]) <= skipped
    assert len(asked) <= log2(number) + 1 + len(skipped & set(asked))


def test_without_skips_one_commit_is_left() -> None:
    assert first_bad(10, lambda place: "bad" if place >= 6 else "good") == range(6, 7)
    assert first_bad(1, lambda _place: "good") == range(1)
