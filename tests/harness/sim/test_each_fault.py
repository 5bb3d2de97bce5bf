"""Every fault that the simulated world can have: it takes effect there, and a correct node survives it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from checkers.verdict import Validity
from harness.nemesis import NEMESES, all_survivable, nemesis_of
from harness.nemesis.schedule import Pace
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.fault_rates import FaultRates
from harness.sim.plan.plan import Plan
from harness.sim.run import SimulatedRun, run
from harness.sim.schedule.schedule import play, record
from history.nemesis import NemesisAction, read_completion

POSSIBLE = tuple(name for name, fault in NEMESES.items() if fault.lacks(SIM) is None)
SURVIVED = tuple(name for name in POSSIBLE if NEMESES[name].breaks is None)
SEEDS = range(3)
SLOW_DISKS = FaultRates(writes=("slow",))
"""So that power is often cut in the middle of a write."""


def plan(*nemesis: str, seed: int = 1, in_order: bool = True) -> Plan:
    test = Test(
        nodes=("n1", "n2", "n3"),
        nemesis=nemesis,
        concurrency=4,
        rate=60,
        time_limit_s=6,
        seed=seed,
        minimum_acknowledged=10,
    )
    return Plan(test=test, pace=Pace((600, 900), (500, 700), (0, 100)), in_order=in_order)


def actions(ran: SimulatedRun, *operations: str) -> list[NemesisAction]:
    return [
        action
        for operation in ran.operations
        if not operation.is_client and operation.type == "info" and operation.f in operations
        for action in read_completion(operation.value).actions
    ]


def took_effect(ran: SimulatedRun, name: str) -> list[NemesisAction]:
    """The actions of one fault that took effect, at its begin or, as an ambush's, at its end."""
    return [action for action in actions(ran, *NEMESES[name].operations) if action.took_effect]


@pytest.mark.parametrize("name", POSSIBLE)
def test_a_fault_takes_effect_in_the_simulated_world(name: str) -> None:
    runs = [run(plan(name, seed=seed)) for seed in SEEDS]
    assert any(took_effect(ran, name) for ran in runs)
    assert all(ran.problem is None for ran in runs)


@pytest.mark.parametrize("name", SURVIVED)
def test_a_correct_node_survives_the_fault(name: str, tmp_path: Path) -> None:
    for seed in SEEDS:
        found = results_of(run(plan(name, seed=seed, in_order=seed != 2)), tmp_path).verdicts
        assert [verdict for verdict in found if verdict.validity is Validity.INVALID] == []


@pytest.mark.parametrize("name", ["truncate", "rollback"])
def test_a_fault_that_no_system_survives_is_found(name: str, tmp_path: Path) -> None:
    found = [
        verdict for seed in SEEDS for verdict in results_of(run(plan(name, seed=seed)), tmp_path).verdicts
    ]
    assert "durable-log" in {one.checker for one in found if one.validity is Validity.INVALID}


@pytest.mark.parametrize(
    ("name", "kind", "detail"),
    [
        ("partition", "Heal", "swallowed_messages"),
        ("loss", "EndLoss", "swallowed_messages"),
        ("delay", "EndImpairment", "struck"),
        ("rate", "EndImpairment", "struck"),
        ("stall", "EndImpairment", "struck"),
        ("reset", "EndImpairment", "struck"),
        ("duplicate", "EndImpairment", "struck"),
        ("reorder", "EndImpairment", "struck"),
        ("corrupt", "EndImpairment", "struck"),
    ],
)
def test_a_fault_of_links_counts_the_messages_that_it_struck(name: str, kind: str, detail: str) -> None:
    found = [action for action in actions(run(plan(name)), NEMESES[name].end) if action.kind == kind]
    assert sum(action.details[detail] for action in found) > 0


def test_a_corrupt_message_closes_its_connection_and_the_receiver_logs_why() -> None:
    ran = run(plan("corrupt:isolate-leader"))
    lines = "\n".join(line for log in ran.logs.values() for line in log)
    assert "from the peer port: " in lines
    assert "wrong checksum" in lines


def test_a_node_after_power_was_cut_reports_what_was_lost() -> None:
    slow = [msgspec.structs.replace(plan("power", seed=seed), fault_rates=SLOW_DISKS) for seed in SEEDS]
    struck = [action for one in slow for action in took_effect(run(one), "power")]
    assert sum(action.details.get("lost_bytes", 0) for action in struck) > 0


def test_all_faults_that_a_correct_node_survives_run_together(tmp_path: Path) -> None:
    faults = all_survivable(SIM)
    assert set(faults) == set(SURVIVED)
    found = results_of(run(plan(*faults, seed=4)), tmp_path).verdicts
    assert [verdict for verdict in found if verdict.validity is Validity.INVALID] == []


@pytest.mark.parametrize(
    "name", ["slow", "stall", "corrupt", "full", "slow-disk", "power", "rot", "rollback"]
)
def test_a_recorded_schedule_repeats_the_fault(name: str) -> None:
    schedule, ran = record(plan(name))
    again = play(schedule)
    assert again.traces == ran.traces
    assert again.disks == ran.disks


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("clock", "has no wall clocks that can be set"),
        ("strobe", "has no wall clocks that can be set"),
        ("descriptors", "has no limits on what processes may open"),
        ("memory", "has no limits on what processes may open"),
    ],
)
def test_a_fault_that_is_not_possible_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"nemesis {name} is not possible in sim: .*{why}"):
        nemesis_of((name,), SIM)


@pytest.mark.parametrize("nemesis", ["all", "full", "kill:n2"])
def test_the_command_takes_the_faults_that_a_real_run_takes(nemesis: str, tmp_path: Path) -> None:
    options = ["--seeds", "2", "--time-limit", "3", "--jobs", "1", "--nodes", "3"]
    results = tmp_path / "results.jsonl"
    ended = CliRunner().invoke(cli, ["sim", "--nemesis", nemesis, *options, "--results", str(results)])
    assert ended.exit_code in (0, 2), ended.output
