"""Deadlines and seen forwards, alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.events import Effect, SetTimer
from node_impl.core.serving.waiting import Deadlines, SeenForwards


def test_one_timer_serves_all_and_skips_answered_requests() -> None:
    deadlines, effects = Deadlines("t", 10), list[Effect]()
    for request_id, now in ((1, 0), (2, 1), (3, 1), (4, 5)):
        deadlines.add(request_id, now, effects)
    assert effects == [SetTimer("t", 10)]
    effects.clear()
    assert deadlines.due(11, {2, 4}, effects) == [2]
    assert effects == [SetTimer("t", 15)]
    effects.clear()
    assert deadlines.due(15, set(), effects) == []
    assert effects == []
    deadlines.add(5, 20, effects)
    assert effects == [SetTimer("t", 30)]


def test_an_id_that_came_to_wait_twice_falls_due_once() -> None:
    deadlines, effects = Deadlines("t", 10), list[Effect]()
    deadlines.add(1, 0, effects)
    deadlines.add(1, 0, effects)
    assert deadlines.due(10, {1}, effects) == [1]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(1, 50)), max_size=60))
def test_no_forward_is_first_twice(ids: list[tuple[str, int, int]]) -> None:
    seen, first = SeenForwards(), set[tuple[str, int, int]]()
    newest = {"a": 0, "b": 0}
    for sender, life, number in ids:
        is_new = (sender, life, number) not in first and life >= newest[sender]
        assert seen.is_first(f"{sender}:{life}:{number}") is is_new
        if is_new:
            first.add((sender, life, number))
            newest[sender] = life


def test_memory_of_forwards_is_bounded_and_what_fell_out_counts_as_seen() -> None:
    seen = SeenForwards()
    for number in range(1, 10 * SeenForwards.WINDOW):
        assert seen.is_first(f"n1:1:{number}")
    assert not seen.is_first("n1:1:1")
    assert len(seen._numbers["n1"]) <= 2 * SeenForwards.WINDOW + 1
