"""Ambushes in virtual time meet leaders at the exact moment, and a correct node stands them."""

from __future__ import annotations

import pytest

from checkers.verdict import Validity
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan
from harness.sim.run import SimulatedRun, run
from harness.sim.schedule.schedule import play, record


def plan(target: str, seed: int) -> Plan:
    test = Test(
        nodes=("n1", "n2", "n3"),
        nemesis=(f"ambush:{target}",),
        concurrency=6,
        rate=150,
        time_limit_s=12,
        seed=seed,
        minimum_acknowledged=20,
    )
    return Plan(test=test)


def met(ran: SimulatedRun) -> list[dict[str, object]]:
    """What the ends of the waits tell, where they met somebody."""
    return [
        {**action["details"], "at": operation.time}
        for operation in ran.operations
        if operation.type == "info" and operation.f in ("heal-ambush", "final-heal")
        for action in operation.value["actions"]
        if action["kind"] == "EndAmbush" and action["took_effect"]
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_new_leader_dies_with_nothing_of_its_term_committed(seed: int) -> None:
    ran = run(plan("new-leader", seed))
    struck = met(ran)
    assert struck
    killed = {(life.node, life.ended_at): life for life in ran.lives if life.ended_by == "ambush"}
    for (node, _), life in killed.items():
        lines = [
            line
            for line in ran.traces[node][life.life - 1]
            if line.at >= life.started_at and line.role == "leader"
        ]
        assert lines, "it led"
        last = [line.event for line in lines if line.term == lines[-1].term]
        assert {"commit", "acknowledge"}.isdisjoint(last)
    found = {verdict.checker: verdict.validity for verdict in results_of(ran).verdicts}
    assert Validity.INVALID not in found.values()
    assert found["vacuity"] is Validity.VALID


@pytest.mark.parametrize("seed", range(3))
def test_a_leader_is_met_between_its_append_and_the_commit(seed: int) -> None:
    ran = run(plan("between-append-and-commit", seed))
    struck = met(ran)
    assert struck
    assert all(one["last"] > one["commit"] for one in struck)  # type: ignore[operator]
    found = {verdict.checker: verdict.validity for verdict in results_of(ran).verdicts}
    assert Validity.INVALID not in found.values()
    assert found["vacuity"] is Validity.VALID


def test_a_schedule_with_ambushes_plays_as_it_was_recorded() -> None:
    schedule, ran = record(plan("between-append-and-commit", 0))
    assert play(schedule).traces == ran.traces
