from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.nemesis import NEMESES
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start
from harness.nemesis.targets import TargetError
from harness.nemesis.view import ClusterView, NodeView
from tests.harness.nemesis.views import draws, invocation, sizes, view

KILL, PAUSE = NEMESES["kill"].planner, NEMESES["pause"].planner


def killed(target: object, cluster: ClusterView, draw: int) -> tuple[str, ...]:
    actions = KILL.plan(invocation("kill", target), cluster, draw)
    if not actions:
        return ()
    (action,) = actions
    assert isinstance(action, Kill)
    return action.nodes


@given(size=sizes, draw=draws)
def test_each_target_hits_as_many_nodes_as_it_says(size: int, draw: int) -> None:
    cluster = view(size)
    assert len(killed("one", cluster, draw)) == 1
    assert len(killed("minority", cluster, draw)) == size - cluster.majority()
    assert len(killed("majority", cluster, draw)) == cluster.majority()
    assert killed("all", cluster, draw) == tuple(cluster.nodes)


@given(size=sizes, draw=draws)
def test_the_leader_is_hit_where_one_is_known_and_some_node_where_none_is(size: int, draw: int) -> None:
    assert killed("leader", view(size, leader="n2"), draw) == ("n2",)
    (fallback,) = killed("leader", view(size), draw)
    assert fallback in view(size).nodes


@given(
    draw=draws,
    target=st.sampled_from(["one", "minority", "majority", "leader", "all"]),
    down=st.sets(st.sampled_from(["n1", "n2", "n3", "n4", "n5"])),
)
def test_only_what_runs_is_killed(draw: int, target: str, down: set[str]) -> None:
    assert not set(killed(target, view(5, down=tuple(down)), draw)) & down


def test_different_draws_choose_different_nodes() -> None:
    assert {killed("one", view(5), draw) for draw in range(100)} == {(name,) for name in view(5).nodes}


def test_named_nodes_are_hit() -> None:
    assert killed(["n3", "n1"], view(5), 0) == ("n1", "n3")
    assert killed("n4", view(5), 0) == ("n4",)


def test_what_is_paused_is_not_paused_again_but_may_be_killed() -> None:
    cluster = ClusterView({"n1": NodeView(running=True, paused=True), "n2": NodeView(running=True)})
    assert PAUSE.plan(invocation("pause", "all"), cluster, 0) == (Pause(("n2",)),)
    assert killed("all", cluster, 0) == ("n1", "n2")


def test_nothing_is_done_where_nothing_can_be_hit() -> None:
    assert killed("leader", view(1, down=("n1",)), 0) == ()


def test_start_and_resume_concern_all_nodes() -> None:
    assert KILL.plan(invocation("start"), view(2, down=("n1",)), 0) == (Start(("n1", "n2")),)
    assert PAUSE.plan(invocation("resume"), view(2), 0) == (Resume(("n1", "n2")),)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("leeder", "no target is called 'leeder'"),
        (["n7"], "no node is called 'n7'"),
        (None, "kill needs a value such as"),
    ],
)
def test_a_target_that_is_none_is_refused_in_words(target: object, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        KILL.plan(invocation("kill", target), view(3), 0)
