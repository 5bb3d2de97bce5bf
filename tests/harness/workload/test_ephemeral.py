"""The ephemeral workload on real nodes in virtual time: the right ones pass, the wrong ones do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.check_all import Results
from checkers.verdict import Validity, Verdict
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan
from harness.sim.run import run
from node_impl.core.build import DEFAULT_PARTS, Parts
from node_impl.core.events import Entry
from node_impl.core.registry.commands import decode_command
from node_impl.core.registry.registry import Registry
from node_impl.core.requests import Expire, Result


def simulated(seed: int, logs: Path, parts: Parts = DEFAULT_PARTS) -> Results:
    """The verdicts on a run of real nodes, which are killed and cut off."""
    test = Test(
        nodes=("n1", "n2", "n3"),
        workload="ephemeral",
        nemesis=("kill", "partition"),
        concurrency=6,
        rate=200,
        time_limit_s=5,
        seed=seed,
        minimum_acknowledged=100,
    )
    ran = run(Plan(test=test, scheduled_faults=()), parts=parts)
    assert ran.problem is None
    return results_of(ran, logs)


def by_checker(judged: Results) -> dict[str, Verdict]:
    return {verdict.checker: verdict for verdict in judged.verdicts}


@pytest.mark.parametrize("seed", range(5))
def test_instances_expire_and_every_reply_agrees_with_the_log(seed: int, tmp_path: Path) -> None:
    judged = simulated(seed, tmp_path)
    # Not every fault takes effect in so short a run.
    assert {verdict.checker for verdict in judged.decisive} <= {"vacuity"}
    assert judged.validity is not Validity.INVALID
    found = by_checker(judged)
    assert found["expiry"].measures["expired_removed"] > 10
    assert found["expiry"].measures["expired_unhealthy"] > 10


class ForgetsExpiries(Registry):
    """Every second removal by expiry is not done, on all nodes alike."""

    def apply(self, entry: Entry) -> Result:
        if entry.kind == "command" and entry.index % 2:
            command = decode_command(entry.payload)
            if isinstance(command, Expire) and command.to == "removed":
                return None
        return super().apply(entry)


def test_an_instance_that_outlives_its_expiry_is_found(tmp_path: Path) -> None:
    found = by_checker(simulated(0, tmp_path, Parts(registry=ForgetsExpiries)))["expiry"]
    assert found.validity is Validity.INVALID
    assert "but that instance held nothing" in found.summary
