"""Whole runs: the correct node passes, faults do what they are named for, and nobody is falsely accused."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from harness.nemesis import NEMESES
from harness.nemesis.action import Action
from harness.nemesis.faults.processes.lifecycle import Kill, Pause, Resume, Start
from harness.nemesis.mechanisms.world import World
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.scheduled_faults import CrashAtEffect, ScheduledFault
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from history import Operation

SECOND = 1_000_000_000


def plan(
    *scheduled_faults: ScheduledFault, nemesis: tuple[str, ...] = (), seconds: float = 2.0, seed: int = 1
) -> Plan:
    test = Test(
        nodes=("n1", "n2", "n3"),
        nemesis=nemesis,
        concurrency=4,
        rate=50,
        time_limit_s=seconds,
        seed=seed,
        minimum_acknowledged=10,
    )
    return Plan(test=test, scheduled_faults=scheduled_faults)


def judged(ran: SimulatedRun, logs: Path) -> dict[str, str]:
    """What keeps the run from being valid, by checker."""
    return {
        found.checker: f"{found.validity.value}: {found.summary}" for found in results_of(ran, logs).decisive
    }


@pytest.mark.parametrize("seed", range(20))
def test_the_correct_node_is_never_accused(seed: int, tmp_path: Path) -> None:
    ran = run(plan_of(seed))
    assert ran.problem is None
    wrong = [text for text in judged(ran, tmp_path).values() if text.startswith("invalid")]
    assert wrong == []


def test_a_calm_run_is_valid(tmp_path: Path) -> None:
    ran = run(plan())
    assert judged(ran, tmp_path) == {}
    assert ran.ended_at > 2 * SECOND


def test_nodes_crash_between_two_effects_and_come_back(tmp_path: Path) -> None:
    crashes = [CrashAtEffect("n1", 100, False, SECOND // 10), CrashAtEffect("n2", 150, True, SECOND // 10)]
    ran = run(plan(*crashes))
    assert [life.ended_by for life in ran.lives] == [
        "crash",
        "teardown",
        "power-loss",
        "teardown",
        "teardown",
    ]
    assert len(ran.traces["n1"]) == 2
    assert judged(ran, tmp_path) == {}


@pytest.mark.parametrize("fault", ["full", "disk-error"])
def test_a_node_whose_disk_fails_ends_and_comes_back(fault: str, tmp_path: Path) -> None:
    ran = run(plan(nemesis=(f"{fault}:n2",), seconds=6.0))
    assert fault in [life.ended_by for life in ran.lives if life.node == "n2"]
    assert "cannot write the log" in "".join(ran.logs["n2"])
    assert judged(ran, tmp_path) == {}


def test_a_node_with_a_rotten_log_stays_down_until_its_files_are_repaired(tmp_path: Path) -> None:
    ran = run(plan(nemesis=("rot:one",), seconds=6.0))
    refused = [life for life in ran.lives if life.ended_by == "rot" and life.started_at == life.ended_at]
    assert refused
    assert judged(ran, tmp_path) == {}


def test_connections_that_break_do_no_harm(tmp_path: Path) -> None:
    assert judged(run(plan(nemesis=("reset:halves",), seconds=6.0)), tmp_path) == {}


@pytest.mark.parametrize("fault", ["kill", "pause", "partition"])
def test_every_fault_package_takes_effect(fault: str) -> None:
    ran = run(plan(nemesis=(fault,), seconds=6.0))
    done = [op for op in ran.operations if not op.is_client and op.type == "info"]
    effects = [action["kind"] for op in done for action in op.value["actions"] if action["took_effect"]]
    assert {"kill": "Kill", "pause": "Pause", "partition": "Cut"}[fault] in effects
    assert all(action["error"] is None for op in done for action in op.value["actions"])


def test_a_request_to_a_killed_node_was_not_sent_and_one_under_way_is_uncertain() -> None:
    ran = run(plan(nemesis=("kill:all",), seconds=6.0))
    errors = {op.error: op.type for op in ran.operations if op.is_client and op.f == "register" and op.error}
    assert errors["connection refused"] == "fail"
    assert errors.get("connection reset by peer", "info") == "info"


def test_a_plan_can_be_kept_and_read_again() -> None:
    for seed in range(50):
        one = plan_of(seed)
        assert msgspec.json.decode(msgspec.json.encode(one), type=Plan) == one


def test_options_are_kept_and_leave_the_rest_to_the_seed() -> None:
    chosen = plan_of(3, SeedOptions(nodes=7, rate=10, time_limit_s=9, nemesis=("kill:one",), concurrency=2))
    assert len(chosen.test.nodes) == 7
    assert (chosen.test.rate, chosen.test.time_limit_s, chosen.test.concurrency) == (10.0, 9.0, 2)
    assert chosen.test.nemesis == ("kill:one",)
    assert chosen.fault_rates == plan_of(3).fault_rates


def test_swarms_differ_in_which_faults_they_enable() -> None:
    plans = [plan_of(seed) for seed in range(300)]
    kinds = [{type(fault).__name__ for fault in one.scheduled_faults} for one in plans]
    for kind in ("CrashAtEffect", "CrashAfterElection", "MuteLeader"):
        share = sum(kind in found for found in kinds)
        assert 10 <= share <= 200, f"{share} of 300 seeds have a {kind}"
    drawn = [{fault.partition(":")[0] for fault in one.test.nemesis} for one in plans]
    for name, fault in NEMESES.items():
        share = sum(name in found for found in drawn)
        if fault.lacks(SIM) is None and fault.breaks is None:
            assert 5 <= share <= 150, f"{share} of 300 seeds have {name}"
        else:
            assert share == 0, f"{name} is not drawn"
    for rate in (
        "packet_loss_per_mille",
        "packet_replay_per_mille",
        "packet_delay_per_mille",
        "client_reset_per_mille",
    ):
        assert 50 <= sum(getattr(one.fault_rates, rate) > 0 for one in plans) <= 150
    assert any(not one.test.nemesis for one in plans)
    assert any(len(one.test.nemesis) == 3 for one in plans)
    assert all(math.isfinite(one.test.rate) for one in plans)


def test_a_paused_node_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Paused past its own request time-outs and the others' election, it answers and follows."""
    seen: list[tuple[str, bool | None]] = []

    async def perform(operation: Operation, world: World) -> Operation:
        actions: dict[str, tuple[Action, ...]] = {
            "pause": (Pause(("n1", "n2")),),
            "resume": (Kill(("n2",)), Resume(("n1", "n2")), Start(("n2",))),
            "final-heal": (Start(("n1", "n2", "n3")),),
        }
        for action in actions[operation.f]:
            outcome = await world.carry_out(action)
            seen.append((type(action).__name__, outcome.took_effect))
        return msgspec.structs.replace(operation, type="info", value={"actions": []})

    ran = run(plan(nemesis=("pause",), seconds=5.0), perform=perform)
    assert seen[:4] == [("Pause", True), ("Kill", True), ("Resume", True), ("Start", True)]
    assert not [text for text in judged(ran, tmp_path).values() if text.startswith("invalid")]
