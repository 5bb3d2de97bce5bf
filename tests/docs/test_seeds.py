"""What the docs say of a seed is so: seeds change their meaning whenever chance is drawn otherwise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.mutants.catalogue import MUTANTS
from harness.sim.judging import judge
from harness.sim.plan.swarm import plan_of
from harness.sim.seeds.hunting import options_for
from tests import REPOSITORY

ROOT = REPOSITORY
SHOWN = re.compile(r"ackproof sim --seed (\d+) --mutant ([a-z-]+)")
COMMANDS = [
    (page.name, int(seed), mutant)
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for seed, mutant in SHOWN.findall(page.read_text())
    if page.name != "extending.md"  # its mutant is an example, which test_extending.py adds and runs
]


def test_there_is_something_to_hold() -> None:
    assert "README.md" in {page for page, _, _ in COMMANDS}
    assert {(mutant.seed, mutant.name) for mutant in MUTANTS.values()} == {
        (seed, mutant) for page, seed, mutant in COMMANDS if page == "found.md"
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("page", "seed", "mutant"), COMMANDS)
def test_a_seed_that_is_to_show_a_bug_shows_it(page: str, seed: int, mutant: str, tmp_path: Path) -> None:
    bug = MUTANTS[mutant]
    found = judge(plan_of(seed, options_for(mutant)), tmp_path).invalid
    assert bug.caught_by in found, f"`ackproof mutants {mutant}` finds another seed"
    assert set(found) <= {bug.caught_by, *bug.also}
