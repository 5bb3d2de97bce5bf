"""A run whose workload fails says so, and proves nothing, however much of it was fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness import generator as gen
from harness.generator.base import Context
from harness.run.judging import judge as judge_folder
from harness.sim.judging import judge
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.workload import WORKLOADS, Workload

WHY = "raised RuntimeError: the list of keys is empty"


@pytest.fixture(autouse=True)
def _failing(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(nodes: Sequence[str], concurrency: int) -> Workload:
        def stop(_context: Context) -> None:
            raise RuntimeError("the list of keys is empty")

        work = WORKLOADS["register"](nodes, concurrency)
        return replace(work, name="failing", generator=gen.phases(gen.limit(200, work.generator), stop))

    monkeypatch.setitem(WORKLOADS, "failing", failing)


def test_the_reason_is_in_the_seeds_line_and_in_the_stored_run(tmp_path: Path) -> None:
    plan = plan_of(3, SeedOptions(workload="failing", nodes=3, nemesis=(), time_limit_s=20, rate=60))
    found = judge(plan, tmp_path)
    assert found.validity is Validity.UNKNOWN
    assert WHY in found.summary
    ran = run(plan)
    assert len(ran.operations) > 200
    stored = judge_folder(ran.write(tmp_path / "store", ["test"]))
    assert stored.validity is Validity.UNKNOWN
    said = {verdict.checker: verdict.summary for verdict in stored.decisive}
    assert f"its work ended early: {ran.problem}" in said["vacuity"]
    assert ran.problem is not None
    assert WHY in ran.problem
