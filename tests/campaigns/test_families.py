"""For each family of faults a bug that shows with the fault in every seed, and without it in none.

A fault that showed no bug would prove nothing; and a bug that showed without it would not need it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from harness.mutants.catalogue import MUTANTS
from tests.campaigns.ackproof import ackproof
from tests.harness.control.test_faultydisk import needs_fuse

pytestmark = pytest.mark.campaign

SEEDS = (1, 2)
SECONDS = 8
"""Long enough for one fault, which hits the favourite target of each first."""


class Family(NamedTuple):
    """A seeded bug, the fault that shows it, and what does not."""

    mutant: str
    with_fault: str
    without: str


FAMILIES = {
    "process": Family("forgetful", "kill:leader", "pause:leader"),
    "network": Family("acknowledge-early", "partition:isolate-leader", "kill:leader"),
    "disk": Family("never-fsync", "power:all", "kill:all"),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", ["process", "network", pytest.param("disk", marks=needs_fuse)])
def test_a_bug_shows_with_its_fault_and_not_without(family: str, seed: int, tmp_path: Path) -> None:
    mutant, with_fault, without = FAMILIES[family]
    bug = MUTANTS[mutant]
    options = ("run", "--mutant", mutant, "--seed", str(seed), "--time-limit", str(SECONDS))
    caught = ackproof(*options, "--nemesis", with_fault, "--store", str(tmp_path / "with"), state=tmp_path)
    found = {checker for checker, validity in caught.by_checker.items() if validity == "invalid"}
    assert found & {bug.caught_by, *bug.also}, caught.telling
    missed = ackproof(*options, "--nemesis", without, "--store", str(tmp_path / "without"), state=tmp_path)
    assert missed.by_checker.get(bug.caught_by) == "valid", missed.telling
    assert "invalid" not in missed.by_checker.values(), missed.telling
