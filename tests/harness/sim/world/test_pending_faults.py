"""Scheduled faults come when they are due, and profiles bring about what they are named for."""

from __future__ import annotations

from harness.run.test import Test
from harness.sim.plan.plan import Plan
from harness.sim.plan.scheduled_faults import CrashAfterElection, CrashAtEffect, MuteLeader
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.world.pending_faults import PendingFaults

MS = 1_000_000
NODES = ("n1", "n2", "n3")


def test_a_mute_leader_gets_its_first_messages_through_and_loses_the_others_for_a_while() -> None:
    pending = PendingFaults("n1", (MuteLeader("n1", 2, "n2", 2, 100), MuteLeader("n3", 2, "n2", 0, 100)))
    pending.began_to_lead(1, 0)
    assert not pending.is_muted("n2", 1), "it is for the second election"
    pending.ceased_to_lead()
    pending.began_to_lead(9, 1000)
    assert [pending.is_muted("n2", 1000 + at) for at in (0, 1, 2, 99)] == [False, False, True, True]
    assert not pending.is_muted("n3", 1050), "it names one receiver"
    assert not pending.is_muted("n2", 1100)


def test_a_mute_ends_with_the_leadership() -> None:
    pending = PendingFaults("n1", (MuteLeader("n1", 1, "n2", 0, 100),))
    pending.began_to_lead(1, 0)
    assert pending.is_muted("n2", 1)
    pending.ceased_to_lead()
    assert not pending.is_muted("n2", 2)


def test_a_crash_after_election_is_a_crash_that_many_effects_after_it() -> None:
    pending = PendingFaults(
        "n1", (CrashAtEffect("n1", 100, False, 1), CrashAfterElection("n1", 1, 5, True, 2))
    )
    pending.began_to_lead(20, 0)
    assert pending.crash_at == 25
    assert pending.next_crash(25) == CrashAtEffect("n1", 25, True, 2)
    assert pending.crash_at == 100
    pending.stop()
    assert pending.crash_at == 0


def leaders(plan: Plan) -> list[tuple[int, str]]:
    """(term, who led it), in order."""
    ran = run(plan)
    led = {
        (line.term, node)
        for node, lives in ran.traces.items()
        for lines in lives
        for line in lines
        if line.event == "role" and line.role == "leader"
    }
    return sorted(led)


def test_a_mute_leader_is_followed_by_another() -> None:
    test = Test(nodes=NODES, nemesis=(), concurrency=4, rate=20, time_limit_s=4, seed=1)
    plan = Plan(test=test)
    [(_, first)] = leaders(plan)
    mutes = tuple(MuteLeader(first, 1, other, 0, 3000 * MS) for other in NODES if other != first)
    assert leaders(Plan(test=test, scheduled_faults=mutes))[1][1] != first


def test_a_seed_with_leader_churn_has_many_leaders() -> None:
    seed = next(
        seed
        for seed in range(100)
        if any(isinstance(one, MuteLeader) for one in plan_of(seed).scheduled_faults)
    )
    assert len(leaders(plan_of(seed))) >= 6
