"""The refinement maps of the three real cores: each step is one of Raft's specification, or is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checkers.verdict import Validity, Verdict
from harness.sim.judging import results_of
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from tests.harness.sim.lockstep import misuses, pysyncobj_misuses, raft_rs_misuses

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(900)]

CORES: dict[str, Callable[[Path], str]] = {
    "etcd's raft": misuses.built,
    "raft-rs": raft_rs_misuses.built,
    "PySyncObj": pysyncobj_misuses.command,
}


def conformance(core: str, seed: int, folder: Path, **more: object) -> Verdict:
    options = SeedOptions(
        nodes=3, time_limit_s=4, rate=60, nemesis=("kill", "partition"), workload="register",
        core=core_of(core), **more,  # type: ignore[arg-type]  # fields of SeedOptions, by name
    )  # fmt: skip
    verdicts = results_of(run(plan_of(seed, options)), folder).verdicts
    return next(one for one in verdicts if one.checker == "conformance")


@pytest.mark.parametrize("core", CORES)
def test_each_step_of_a_core_is_one_of_the_specification(core: str, tmp_path: Path) -> None:
    command = CORES[core](tmp_path / "core")
    for seed in (90001, 90002):
        verdict = conformance(command, seed, tmp_path)
        assert verdict.validity is Validity.VALID, verdict
        actions = verdict.measures["actions"]
        assert {"BecomeLeader", "AdvanceCommitIndex", "HandleAppendEntriesResponse"} <= set(actions)


def test_pysyncobj_commits_while_a_dump_is_on_its_way(tmp_path: Path) -> None:
    command = pysyncobj_misuses.command(tmp_path) + " --compaction 20"
    found = [conformance(command, seed, tmp_path) for seed in range(90001, 90005)]
    assert any("commitIndex became" in one.text for verdict in found for one in verdict.evidence)
