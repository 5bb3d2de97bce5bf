"""An ambush makes its moment come where it can, waits a bounded time, and is over at its end."""

from __future__ import annotations

import pytest

from harness.nemesis.faults.cluster.ambush import AMBUSH, EndAmbush, LieInWait
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start
from harness.nemesis.mechanisms.cluster import Moment
from harness.nemesis.targets import TargetError
from harness.nemesis.view import ClusterView, NodeView
from tests.harness.nemesis.views import invocation, view


@pytest.mark.parametrize("draw", range(12))
def test_the_present_leader_goes_and_its_successor_is_waited_for(draw: int) -> None:
    first, wait = AMBUSH.planner.plan(invocation("ambush", "new-leader"), view(3, leader="n2"), draw)
    assert isinstance(first, Kill | Pause)
    assert first.nodes == ("n2",)
    assert isinstance(wait, LieInWait)
    assert (wait.moment, wait.after_term) == ("new-leader", 3)
    assert (wait.by == "kill") == isinstance(first, Kill)


def test_without_a_leader_the_first_one_is_waited_for() -> None:
    (wait,) = AMBUSH.planner.plan(invocation("ambush", "new-leader"), view(3), 1)
    assert isinstance(wait, LieInWait)
    assert wait.after_term == 0


def test_its_end_waits_no_longer_and_brings_all_nodes_back() -> None:
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
def test_the_leader_that_polls_show_at_the_moment(
    moment: Moment, after_term: int, commit: int, expected: str | None
) -> None:
    seen = ClusterView(
        {
            "n1": NodeView(running=True, role="leader", term=4, commit=commit, last=9),
            "n2": NodeView(running=True, role="follower", term=4, commit=2, last=9),
        }
    )
    wait = LieInWait(moment, "kill", after_term, 100)
    assert wait.leader_at_moment(seen) == expected
