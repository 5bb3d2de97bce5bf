"""For each family of faults a bug that shows with the fault, and without it in no seed.

A fault that showed no bug would prove nothing; and a bug that showed without it would not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.mutants.catalogue import MUTANTS
from tests.campaigns.ackproof import Ran, ackproof
from tests.harness.control.test_faultydisk import needs_fuse

pytestmark = pytest.mark.campaign

SEEDS = (1, 2, 3, 4)
"""With the fault it is caught in the first of these that can; real processes do not repeat a schedule."""
SEEDS_WITHOUT = (1, 2)
"""Without it, it is caught in none of these."""
SECONDS = 8
"""Long enough for one fault, which hits the favourite target of each first."""


class Family(NamedTuple):
    """A seeded bug, the fault that shows it, and what does not."""

    mutant: str
    with_fault: str
    without: str


FAMILIES = {
    "process": Family("forgetful", "kill:leader", "pause:leader"),
    "network": Family("unconfirmed-reads", "partition:isolate-leader", "kill:leader"),
    "disk": Family("never-fsync", "power:all", "kill:all"),
}


@pytest.mark.parametrize("family", ["process", "network", pytest.param("disk", marks=needs_fuse)])
def test_a_bug_shows_with_its_fault_and_not_without(family: str, tmp_path: Path) -> None:
    mutant, with_fault, without = FAMILIES[family]
    bug = MUTANTS[mutant]

    def ran(seed: int, nemesis: str) -> Ran:
        options = ("--seed", str(seed), "--time-limit", str(SECONDS), "--nemesis", nemesis)
        return ackproof(
            "run", "--mutant", mutant, *options, "--store", str(tmp_path / "store"), state=tmp_path
        )

    told = []
    for seed in SEEDS:
        caught = ran(seed, with_fault)
        found = {checker for checker, validity in caught.by_checker.items() if validity == "invalid"}
        if found & {bug.caught_by, *bug.also}:
            break
        told.append(caught.telling)
    else:
        pytest.fail("\n".join(told))
    for seed in SEEDS_WITHOUT:
        missed = ran(seed, without)
        assert missed.by_checker.get(bug.caught_by) == "valid", missed.telling
        assert "invalid" not in missed.by_checker.values(), missed.telling
