"""The membership course: it asks for what is safe, one change at a time, and learns what became of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.nemesis import compose
from harness.nemesis.action import Action
from harness.nemesis.faults.cluster.configuration import RequestedChange, least_voters, merged, resolved
from harness.nemesis.faults.cluster.membership import (
    CHANGE,
    MEMBERSHIP,
    RESTORE,
    TARGETS,
    ChangeMembership,
    MembershipSteps,
)
from harness.nemesis.outcome import Outcome
from harness.nemesis.view import ClusterView, NodeView
from history import Operation
from tests.harness.nemesis.views import draws, invocation

NODES = ("n1", "n2", "n3", "n4", "n5")


def view(
    voters: tuple[str, ...],
    learners: tuple[str, ...] = (),
    *,
    down: frozenset[str] | tuple[str, ...] = (),
    committed: bool = True,
    term: int = 3,
) -> ClusterView:
    """Five nodes, n1 leading; all hold the same configuration, of index 7."""
    return ClusterView(
        {
            name: NodeView(
                running=name not in down,
                role=None if name in down else "leader" if name == "n1" else "follower",
                term=term,
                leader="n1",
                commit=7 if committed else 6,
                members=voters,
                learners=learners,
                configuration=7,
            )
            for name in NODES
        }
    )


@st.composite
def views(draw: st.DrawFn) -> ClusterView:
    voters = draw(st.lists(st.sampled_from(NODES), min_size=3, unique=True))
    others = [name for name in NODES if name not in voters]
    learners = draw(st.lists(st.sampled_from(others), max_size=1, unique=True)) if others else []
    down = draw(st.frozensets(st.sampled_from(NODES[1:]), max_size=4))
    return view(tuple(voters), tuple(learners), down=down, committed=draw(st.booleans()))


@given(cluster=views(), target=st.sampled_from(TARGETS), draw=draws)
def test_it_asks_the_leader_for_one_safe_change_and_for_none_while_one_is_pending(
    cluster: ClusterView, target: str, draw: int
) -> None:
    actions = MEMBERSHIP.planner.plan(invocation(CHANGE, target), cluster, draw)
    assert actions == MEMBERSHIP.planner.plan(invocation(CHANGE, target), cluster, draw)
    assert len(actions) <= (2 if target == "two-at-once" else 1)
    assert len({action.nodes for action in actions if isinstance(action, ChangeMembership)}) == len(actions)
    membership = merged(cluster)
    assert membership is not None
    for action in actions:
        assert isinstance(action, ChangeMembership)
        assert membership.is_committed
        (node,) = action.nodes
        match action.change:
            case "remove" if node in membership.voters:
                left = set(membership.voters) - {node}
                assert len(left) >= least_voters(len(NODES)) == 3
                awake = [name for name in left if cluster.nodes[name].running]
                assert len(awake) > len(left) // 2, "those who are left can go on"
            case "add-learner":
                assert node not in membership.members
            case "promote":
                assert node in membership.learners


@given(cluster=views(), draw=draws)
def test_two_at_once_leave_enough_voters_whichever_of_them_are_made(cluster: ClusterView, draw: int) -> None:
    actions = MEMBERSHIP.planner.plan(invocation(CHANGE, "two-at-once"), cluster, draw)
    membership = merged(cluster)
    assert membership is not None
    made = [action for action in actions if isinstance(action, ChangeMembership)]
    for some in ([], made[:1], made[1:], made):
        voters = set(membership.voters)
        for action in some:
            voters = voters - set(action.nodes) if action.change == "remove" else voters
            voters = voters | set(action.nodes) if action.change == "promote" else voters
        awake = [name for name in voters if cluster.nodes[name].running]
        if some and voters < set(membership.voters):
            assert len(voters) >= least_voters(len(NODES))
            assert len(awake) > len(voters) // 2


def test_two_at_once_are_asked_for_where_five_vote() -> None:
    actions = MEMBERSHIP.planner.plan(invocation(CHANGE, "two-at-once"), view(NODES), 1)
    assert [action.change for action in actions if isinstance(action, ChangeMembership)] == ["remove"] * 2


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_means_something_in_a_whole_cluster_or_after_a_removal(target: str) -> None:
    whole, reduced = view(NODES), view(NODES[:4])
    planned = [
        MEMBERSHIP.planner.plan(invocation(CHANGE, target), cluster, 1) for cluster in (whole, reduced)
    ]
    assert any(planned)


def test_without_a_leader_or_known_members_nothing_is_asked() -> None:
    silent = ClusterView({name: NodeView(running=True, role="follower", term=1) for name in NODES})
    etcd = ClusterView({name: NodeView(running=True, role="leader", term=1) for name in NODES})
    for cluster in (silent, etcd):
        assert MEMBERSHIP.planner.plan(invocation(CHANGE, "remove"), cluster, 1) == ()


def test_a_request_of_unknown_outcome_is_resolved_by_later_views() -> None:
    asked = RequestedChange("remove", "n5", term=3)

    def outcome(cluster: ClusterView) -> list[bool]:
        return [made for _, made in resolved([asked], merged(cluster))[0]]

    assert outcome(view(NODES)) == [], "the same leader may yet hear of it"
    assert outcome(view(NODES[:4], committed=False)) == [], "not committed: may be overwritten"
    assert outcome(view(NODES[:4])) == [True]
    assert outcome(view(NODES, term=4)) == [False], "a later leader has committed one without it"


def perform(
    action_outcome: Outcome, cluster: ClusterView, value: dict[str, Any], f: str = CHANGE
) -> Operation:
    class World:
        async def observe(self) -> ClusterView:
            return cluster

        async def carry_out(self, action: Action) -> Outcome:
            del action
            return action_outcome

    asked = Operation(5, 0, -1, "invoke", f, value=value)
    step = compose([MEMBERSHIP]).perform(asked, World(), 1)
    with pytest.raises(StopIteration) as end:
        step.send(None)
    done: Operation = end.value.value
    return done


def test_what_is_unknown_travels_from_step_to_step_until_it_is_resolved() -> None:
    unknown = Outcome(took_effect=False, details={"outcome": "unknown"}, error="no answer")
    first = perform(unknown, view(NODES), {"target": "remove", "unresolved": []})
    facts = first.value["membership"]
    (left,) = facts["unresolved"]
    assert (left["change"], left["term"]) == ("remove", 3)
    steps = MembershipSteps(CHANGE, ("remove",), (0, 0)).update(None, first)  # type: ignore[arg-type]
    assert isinstance(steps, MembershipSteps)
    assert steps.unresolved == tuple(facts["unresolved"])
    gone = tuple(name for name in NODES if name != left["node"])
    second = perform(unknown, view(gone), {"target": "add", "unresolved": list(steps.unresolved)})
    assert second.value["membership"]["resolved"] == [{**left, "made": True}]


def test_restoring_ends_once_everybody_votes_and_is_bounded() -> None:
    done: list[Operation] = []
    views = [view(NODES[:4]), view(NODES[:4], ("n5",)), view(NODES)]
    restore = MEMBERSHIP.course.restore()  # type: ignore[union-attr]
    for cluster in views:
        done.append(perform(Outcome(True, {"outcome": "done"}), cluster, {"unresolved": []}, RESTORE))
        restore = restore.update(None, done[-1])  # type: ignore[arg-type]
    assert [[action["with"]["change"] for action in one.value["actions"]] for one in done] == [
        ["add-learner"],
        ["promote"],
        [],
    ]
    assert restore.op(None) == (None, restore)  # type: ignore[arg-type]
    assert MembershipSteps(RESTORE, (), (1, 1), tries=0).op(None)[0] is None  # type: ignore[arg-type]


def test_actions_and_the_view_are_kept_as_plain_values() -> None:
    facts = perform(Outcome(True), view(NODES), {"target": "remove", "unresolved": []}).value
    assert msgspec.json.decode(msgspec.json.encode(facts))["membership"]["is_whole"] is True
    (action,) = facts["actions"]
    assert action["kind"] == "ChangeMembership"
    assert action["with"] == {"change": "remove", "at": "n1"}
