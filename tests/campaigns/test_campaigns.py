"""What the product promises on real processes: the correct node passes, and every seeded bug is caught."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.mutants.mutant import Mutant
from tests.campaigns.ackproof import Ran, ackproof
from tests.deciding import decided

pytestmark = pytest.mark.campaign

MUTANT_TRIES = 8
"""Real processes do not repeat a schedule: a mutant is to be caught in the first of these seeds that can."""


@pytest.mark.parametrize("seed", range(1, 11))
def test_the_correct_node_is_valid_under_kill_and_partition(seed: int, tmp_path: Path) -> None:
    ran = decided(
        lambda seed: ackproof("run", "--seed", str(seed), "--store", str(tmp_path / "store"), state=tmp_path),
        seeds=(seed, seed + 100, seed + 200),
    )
    assert ran.status == 0, ran.telling
    measures = {verdict["checker"]: verdict.get("measures", {}) for verdict in ran.results["verdicts"]}
    assert measures["vacuity"]["acknowledged_writes"] > 1000
    assert measures["election-safety"]["elections"] > 1, "the faults caused no change of leader"


@pytest.mark.parametrize("workload", ["membership", "sessions"])
def test_the_correct_node_is_valid_while_members_change_and_snapshots_come_often(
    workload: str, tmp_path: Path
) -> None:
    """One of the twenty seeds in docs/results/workloads.md."""
    ran = decided(
        lambda seed: ackproof(
            *("run", "--workload", workload, "--nemesis", "kill,pause,partition,membership"),
            *("--snapshot-entries", "100", "--time-limit", "30", "--seed", str(seed), "--rate", "100"),
            *("--heartbeat-ms", "150", "--election-ms", "1000", "--store", str(tmp_path / "store")),
            state=tmp_path,
        ),
        seeds=(1, 2, 3),
    )
    assert ran.status == 0, ran.telling
    measures = {verdict["checker"]: verdict.get("measures", {}) for verdict in ran.results["verdicts"]}
    assert measures["membership"]["configurations_committed"] > 2


ON_PROCESSES = {name: mutant for name, mutant in MUTANTS.items() if mutant.options}
"""The others are known to show in the simulated world alone."""


@pytest.mark.parametrize("mutant", ON_PROCESSES.values(), ids=ON_PROCESSES)
def test_a_seeded_bug_is_caught_by_its_checker(mutant: Mutant, tmp_path: Path) -> None:
    tried: list[Ran] = []
    for seed in range(1, MUTANT_TRIES + 1):
        ran = ackproof(
            *("run", "--mutant", mutant.name, "--seed", str(seed), "--time-limit", "20"),
            *("--store", str(tmp_path / "store"), *mutant.options),
            state=tmp_path,
        )
        tried.append(ran)
        if ran.by_checker.get(mutant.caught_by) == "invalid":
            assert ran.status == 1
            return
    output = "\n".join(ran.telling for ran in tried)
    pytest.fail(f"{mutant.name} was not caught by {mutant.caught_by}:\n{output}")
