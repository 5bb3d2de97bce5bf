"""The sessions workload on real nodes in virtual time: right ones pass, one that applies copies does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.check_all import Results
from checkers.verdict import Validity, Verdict
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan
from harness.sim.run import run


def simulated(seed: int, logs: Path, mutant: str | None = None) -> Results:
    """The verdicts on a run of real nodes, which are killed and cut off."""
    test = Test(
        nodes=("n1", "n2", "n3"),
        workload="sessions",
        nemesis=("kill", "partition"),
        concurrency=6,
        rate=200,
        time_limit_s=5,
        seed=seed,
        mutant=mutant,
        minimum_acknowledged=100,
    )
    ran = run(Plan(test=test, scheduled_faults=()))
    assert ran.problem is None
    return results_of(ran, logs)


def by_checker(judged: Results) -> dict[str, Verdict]:
    return {verdict.checker: verdict for verdict in judged.verdicts}


@pytest.mark.parametrize("seed", range(5))
def test_real_nodes_apply_every_write_once_however_often_it_is_sent(seed: int, tmp_path: Path) -> None:
    judged = simulated(seed, tmp_path)
    # Not every fault takes effect in so short a run.
    assert {verdict.checker for verdict in judged.decisive} <= {"vacuity"}
    assert judged.validity is not Validity.INVALID
    found = by_checker(judged)
    assert found["applied-once"].measures["in_the_log_several_times"] > 20


def test_a_node_that_applies_copies_is_found_by_its_traces_and_by_clients_alone(tmp_path: Path) -> None:
    found = by_checker(simulated(0, tmp_path, "retry-applied-twice"))
    assert found["applied-once"].validity is Validity.INVALID
    assert "it took effect twice" in found["applied-once"].summary
    assert found["linearizability"].validity is Validity.INVALID
