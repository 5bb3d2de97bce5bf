"""The membership workload in virtual time, while members change and nodes are killed and cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.run.test import Test
from harness.sim.judging import results_of
from harness.sim.plan.plan import Plan
from harness.sim.run import run


@pytest.mark.parametrize("seed", range(4))
def test_clients_are_shown_memberships_that_agree(seed: int, tmp_path: Path) -> None:
    test = Test(
        nodes=("n1", "n2", "n3", "n4", "n5"),
        workload="membership",
        nemesis=("kill", "partition", "membership"),
        concurrency=6,
        rate=100,
        time_limit_s=10,
        seed=seed,
        minimum_acknowledged=50,
    )
    ran = run(Plan(test=test, settings={"snapshot_entries": 30, "snapshot_trailing": 10}))
    assert ran.problem is None
    found = {verdict.checker: verdict for verdict in results_of(ran, tmp_path).verdicts}
    assert [name for name, verdict in found.items() if verdict.validity is Validity.INVALID] == []
    views = found["membership-views"]
    assert views.validity is Validity.VALID, views
    assert views.measures["views"] > 50
    assert views.measures["committed_configurations_seen"] > 2
    assert found["linearizability"].validity is Validity.VALID
