"""Workloads for any system on the reference node: those that fit it are run, the others are refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.commands.simulating.sim import sim
from ackproof.cli.commands.testing.run import run as run_command
from checkers.check_all import Results
from checkers.verdict import Validity
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule.bounds import why_impossible
from harness.sim.schedule.schedule import record
from tests.harness.workload.general.stores import NODES, found_by

FIT = ("register", "instances", "stale-instances")
LACKING = ("set", "queue", "fifo-queue", "lock", "append", "txn", "watch")


def simulated(name: str, seed: int, logs: Path, mutant: str | None = None) -> Results:
    """The verdicts on a run of real nodes in virtual time, which are killed and cut off."""
    test = Test(
        nodes=NODES,
        workload=name,
        nemesis=("kill", "partition"),
        concurrency=6,
        rate=150,
        time_limit_s=5,
        seed=seed,
        mutant=mutant,
    )
    ran = run(Plan(test=test, scheduled_faults=()))
    assert ran.problem is None
    return results_of(ran, logs)


@pytest.mark.parametrize("name", FIT)
@pytest.mark.parametrize("seed", range(2))
def test_real_nodes_are_not_blamed(name: str, seed: int, tmp_path: Path) -> None:
    found = simulated(name, seed, tmp_path)
    # Not every fault takes effect in so short a run.
    assert {verdict.checker for verdict in found.decisive} <= {"vacuity"}
    assert found.validity is not Validity.INVALID


@pytest.mark.parametrize(
    ("name", "checker"),
    [("register", "linearizability"), ("instances", "linearizability")],
)
def test_a_leader_that_discards_its_log_is_found_by_clients_alone(
    name: str, checker: str, tmp_path: Path
) -> None:
    assert any(
        checker in found_by(simulated(name, seed, tmp_path, "discard-on-election")) for seed in range(9, 13)
    )


@pytest.mark.parametrize("name", LACKING)
def test_what_needs_a_data_type_that_the_node_lacks_is_refused_with_what_fits(name: str) -> None:
    for command in (sim, run_command):
        done = CliRunner().invoke(command, ["--workload", name])
        assert done.exit_code == 2
        assert f"workload {name} needs the data type {name}" in " ".join(done.output.split())
        assert "workloads that fit: registry, " in " ".join(done.output.split())


def test_a_schedule_with_a_workload_that_does_not_fit_cannot_be_played() -> None:
    options = SeedOptions(nodes=3, concurrency=2, rate=20, time_limit_s=1, nemesis=())
    schedule, _ = record(plan_of(1, options))
    assert why_impossible(schedule) is None
    test = msgspec.structs.replace(schedule.plan.test, workload="queue")
    plan = msgspec.structs.replace(schedule.plan, test=test)
    wrong = why_impossible(msgspec.structs.replace(schedule, plan=plan))
    assert wrong is not None
    assert "unknown workload 'queue'" in wrong
