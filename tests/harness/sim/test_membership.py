"""Membership changes in the simulated world, while everything else goes wrong as well."""

from __future__ import annotations

import pytest

from checkers.raft.invariants.membership import MembershipChanges, committed_configurations
from checkers.verdict import Validity
from harness.nemesis.faults.cluster.membership import ChangeMembership
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule.schedule import play, record
from harness.sim.schedule.shrink import without_node

WISHES = SeedOptions(nodes=5, nemesis=("kill", "partition", "pause", "membership"), time_limit_s=8)


@pytest.mark.parametrize("seed", [0, 1, 2, 3, 5, 6])  # in seed 4 disks leave no time
def test_members_change_and_everybody_is_a_member_in_the_end(seed: int) -> None:
    ran = run(plan_of(seed, WISHES))
    recording = ran.recording()
    assert MembershipChanges().check(recording).validity is Validity.VALID
    reports = [
        operation.value["membership"]
        for operation in ran.operations
        if operation.f == "heal-membership" and operation.type == "info"
    ]
    assert reports[-1]["is_whole"]
    assert committed_configurations(recording.traces.values()) > 2


def test_a_schedule_loses_the_changes_that_concern_a_member_it_loses() -> None:
    schedule, _ = record(plan_of(3, WISHES))
    for node in ("n1", "n5"):
        less = without_node(schedule, node)
        left = [action for step in less.steps for action in step.actions]
        changes = [action for action in left if isinstance(action, ChangeMembership)]
        assert changes
        assert all(node not in (*action.nodes, action.at) for action in changes)
        play(less)


def test_a_schedule_with_changes_of_membership_plays_as_it_was_recorded() -> None:
    schedule, ran = record(plan_of(3, WISHES))
    assert any(action for step in schedule.steps for action in step.actions if hasattr(action, "change"))
    assert play(schedule).traces == ran.traces
