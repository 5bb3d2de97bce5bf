"""Seeded bugs are caught by the checker they name, in random runs, and nobody else is surprised.

That each shows in the seed which the catalogue names is held by tests/docs/test_seeds.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.mutants.catalogue import MUTANTS
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.schedule.replay import load
from harness.sim.schedule.shrink import verdict_of
from harness.sim.seeds.hunting import hunt, hunt_all, hunt_executor, options_for


def test_what_was_found_is_shrunk_to_a_schedule_that_can_be_played(tmp_path: Path) -> None:
    executor = hunt_executor(1, most_seeds=10, is_shrunk=True)
    (found,) = hunt_all(["forgetful"], executor, tmp_path)
    assert found.schedule_lines is not None
    assert found.schedule_lines <= 20
    assert load(Path(str(found.schedule))).checker == found.caught_by


def test_a_list_in_halves_has_both_of_the_same_list() -> None:
    """Requests that had timed out once lent their identity to later ones, and with it their first half."""
    ran = run(plan_of(1, options_for("list-in-halves")))
    assert verdict_of(ran, "durability").validity is not Validity.INVALID


@pytest.mark.campaign
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_by_its_checker_within_random_seeds(name: str) -> None:
    found = hunt(name, most_seeds=200)
    assert found.is_caught, f"{found.seeds} seeds without a violation found by {found.caught_by}"
    assert found.undeclared == ()
