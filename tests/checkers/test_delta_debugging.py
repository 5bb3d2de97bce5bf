"""Delta debugging finds exactly what a failure needs, within what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from checkers.delta_debugging import shrink_by_pieces, smallest_failing


@given(st.lists(st.integers(), unique=True, max_size=40), st.data())
def test_the_smallest_failing_part_is_exactly_what_the_failure_needs(
    items: list[int], data: st.DataObject
) -> None:
    needed = set(data.draw(st.lists(st.sampled_from(items), unique=True) if items else st.just([])))
    assert smallest_failing(items, lambda part: needed <= set(part)) == tuple(
        item for item in items if item in needed
    )


@given(st.integers(1, 30), st.data())
def test_no_single_item_of_the_result_can_be_left_out(length: int, data: st.DataObject) -> None:
    """Also of a failure that has several causes, or that comes and goes as the part shrinks."""
    parts = st.frozensets(st.integers(0, length - 1), min_size=1)
    causes = data.draw(st.lists(parts, min_size=1, max_size=4))
    cures = data.draw(st.lists(st.integers(0, length - 1), max_size=2))

    def fails(part: Sequence[int]) -> bool:
        kept = set(part)
        return any(cause <= kept for cause in causes) and (len(kept) == length or not kept & set(cures))

    found = smallest_failing(range(length), fails)
    assert fails(found)
    assert not any(fails([*found[:place], *found[place + 1 :]]) for place in range(len(found)) if found[1:])


def test_equal_items_are_told_apart_by_their_places() -> None:
    assert smallest_failing("abab", lambda part: part.count("a") == 2) == ("a", "a")


def test_an_input_that_fails_without_any_item_shrinks_to_nothing() -> None:
    assert smallest_failing([1, 2, 3], lambda part: True) == ()
    assert smallest_failing([], lambda part: False) == ()


def test_the_smallest_part_so_far_is_the_result_when_trials_run_out() -> None:
    trials = count()
    found = smallest_failing(range(64), lambda part: 63 in part, may_go_on=lambda: next(trials) < 3)
    assert 63 in found
    assert 1 < len(found) < 64


def test_items_that_are_all_needed_cost_two_trials_each() -> None:
    trials = 0

    def fails(part: Sequence[int]) -> bool:
        nonlocal trials
        trials += 1
        return len(part) == 256

    assert smallest_failing(range(256), fails) == tuple(range(256))
    assert trials <= 2 * 256 + 1


def test_pieces_may_be_tied_and_depend_on_what_is_left() -> None:
    """Each pair of neighbours goes together; the pair (2, 3) may not go while 0 is there."""

    def pieces_of(whole: tuple[int, ...]) -> list[tuple[int, int]]:
        return [(low, low + 1) for low in whole[::2]]

    def without(whole: tuple[int, ...], group: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
        gone = {item for pair in group if pair != (2, 3) or 0 not in whole for item in pair}
        return tuple(item for item in whole if item not in gone) if gone else None

    found = shrink_by_pieces(
        tuple(range(8)), pieces_of=pieces_of, without=without, still_fails=lambda whole: 5 in whole
    )
    assert found == (4, 5)
