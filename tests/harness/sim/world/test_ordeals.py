"""What befalls one node comes when it is to, and seasons bring about what they are named for."""

from __future__ import annotations

from harness.run.test import Test
from harness.sim.plan.incidents import Coup, Crash, Hush
from harness.sim.plan.swarm import Plan, plan_of
from harness.sim.run import run
from harness.sim.world.ordeals import Ordeals

MS = 1_000_000
NODES = ("n1", "n2", "n3")


def test_a_hush_lets_the_first_messages_of_its_lead_through_and_loses_the_others_for_a_while() -> None:
    ordeals = Ordeals("n1", (Hush("n1", 2, "n2", 2, 100), Hush("n3", 2, "n2", 0, 100)))
    ordeals.began_to_lead(1, 0)
    assert not ordeals.is_hushed("n2", 1), "it is of the second lead"
    ordeals.leads_no_more()
    ordeals.began_to_lead(9, 1000)
    assert [ordeals.is_hushed("n2", 1000 + at) for at in (0, 1, 2, 99)] == [False, False, True, True]
    assert not ordeals.is_hushed("n3", 1050), "it names one receiver"
    assert not ordeals.is_hushed("n2", 1100)


def test_a_hush_ends_with_the_lead() -> None:
    ordeals = Ordeals("n1", (Hush("n1", 1, "n2", 0, 100),))
    ordeals.began_to_lead(1, 0)
    assert ordeals.is_hushed("n2", 1)
    ordeals.leads_no_more()
    assert not ordeals.is_hushed("n2", 2)


def test_a_coup_is_a_crash_so_many_effects_after_its_lead_began() -> None:
    ordeals = Ordeals("n1", (Crash("n1", 100, False, 1), Coup("n1", 1, 5, True, 2)))
    ordeals.began_to_lead(20, 0)
    assert ordeals.crash_at == 25
    assert ordeals.next_crash(25) == Crash("n1", 25, True, 2)
    assert ordeals.crash_at == 100
    ordeals.calm()
    assert ordeals.crash_at == 0


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


def test_a_leader_that_nobody_hears_is_followed_by_another() -> None:
    test = Test(nodes=NODES, nemesis=(), concurrency=4, rate=20, time_limit_s=4, seed=1)
    plan = Plan(test=test)
    [(_, first)] = leaders(plan)
    hushes = tuple(Hush(first, 1, other, 0, 3000 * MS) for other in NODES if other != first)
    assert leaders(Plan(test=test, incidents=hushes))[1][1] != first


def test_an_unquiet_seed_has_many_leaders() -> None:
    seed = next(seed for seed in range(100) if any(isinstance(one, Hush) for one in plan_of(seed).incidents))
    assert len(leaders(plan_of(seed))) >= 6
