"""An ambush makes its moment come where it can, waits a bounded time, and is over at its end."""

from __future__ import annotations

import pytest

from harness.cluster.hands.ambushes import prey_in
from harness.nemesis.ambush import AMBUSH
from harness.nemesis.base import ClusterView, EndAmbush, Kill, LieInWait, NodeView, Pause, Resume, Start
from harness.nemesis.targets import TargetError
from tests.harness.nemesis.views import invocation, view


@pytest.mark.parametrize("draw", range(12))
def test_the_leader_of_the_day_goes_and_its_successor_is_waited_for(draw: int) -> None:
    first, wait = AMBUSH.planner.plan(invocation("ambush", "new-leader"), view(3, leader="n2"), draw)
    assert isinstance(first, Kill | Pause)
    assert first.nodes == ("n2",)
    assert isinstance(wait, LieInWait)
    assert (wait.moment, wait.after_term) == ("new-leader", 3)
    assert (wait.by == "kill") == isinstance(first, Kill)


def test_without_a_leader_whoever_comes_is_waited_for() -> None:
    (wait,) = AMBUSH.planner.plan(invocation("ambush", "new-leader"), view(3), 1)
    assert isinstance(wait, LieInWait)
    assert wait.after_term == 0


def test_its_end_waits_for_nobody_and_brings_all_back() -> None:
    every = ("n1", "n2", "n3")
    planned = AMBUSH.planner.plan(invocation("heal-ambush"), view(3), 1)
    assert planned == (EndAmbush(every), Resume(every), Start(every))


def test_a_moment_that_is_unknown_is_refused() -> None:
    with pytest.raises(TargetError, match="no ambush is called 'dusk'"):
        AMBUSH.planner.plan(invocation("ambush", "dusk"), view(3), 1)


@pytest.mark.parametrize(
    ("moment", "after_term", "commit", "expected"),
    [
        ("new-leader", 3, 9, "n1"),
        ("new-leader", 4, 9, None),
        ("uncommitted", 0, 9, None),
        ("uncommitted", 0, 8, "n1"),
    ],
)
def test_whom_polls_show_at_the_moment(
    moment: str, after_term: int, commit: int, expected: str | None
) -> None:
    seen = ClusterView(
        {
            "n1": NodeView(running=True, role="leader", term=4, commit=commit, last=9),
            "n2": NodeView(running=True, role="follower", term=4, commit=2, last=9),
        }
    )
    assert prey_in(seen, LieInWait(moment, "kill", after_term, 100)) == expected  # type: ignore[arg-type]
