"""PySyncObj in the simulated world: what it is accused of, what is found in old versions, and misuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sim.judging import judge
from harness.sim.lockstep.runs import core_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from tests.harness.sim.lockstep.pysyncobj_misuses import MISUSES, command

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(600)]

NOT_CONFIRMED = "recovery"
"""Logs that differ are made equal one entry a round trip, which may take longer than its bound."""
KNOWN = {"durable-log", NOT_CONFIRMED}
"""What docs/found.md says of 0.3.17."""


def invalid(core: str, seed: int, tmp_path: Path, nemesis: str = "kill") -> set[str]:
    options = SeedOptions(
        nodes=3, time_limit_s=4, rate=60, nemesis=(nemesis,), workload="register", core=core_of(core)
    )
    return set(judge(plan_of(seed, options), tmp_path).invalid)


def test_the_newest_version_is_accused_of_nothing_but_what_is_known(tmp_path: Path) -> None:
    core = command(tmp_path)
    assert all(invalid(core, seed, tmp_path) <= KNOWN for seed in range(1, 5))


def test_a_version_that_forgets_term_and_vote_is_caught(tmp_path: Path) -> None:
    core = command(tmp_path, version="0.3.15")
    assert "term-monotonic" in invalid(core, 1, tmp_path)


@pytest.mark.parametrize(
    ("seed", "nemesis", "by"),
    [(1815240775, "partition", "durable-before-acknowledge"), (239309503, "kill", "linearizability")],
)
def test_what_the_page_says_was_found_in_it_shows_again(
    seed: int, nemesis: str, by: str, tmp_path: Path
) -> None:
    options = SeedOptions(
        nodes=3, time_limit_s=4, nemesis=(nemesis,), workload="register", core=core_of(command(tmp_path))
    )
    assert by in judge(plan_of(seed, options), tmp_path).invalid


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_misuse_is_caught_where_the_right_core_is_not(misuse: str, tmp_path: Path) -> None:
    core, chosen = command(tmp_path / "wrong", misuse), MISUSES[misuse]
    by, seeds = chosen.caught_by, range(chosen.first_seed, chosen.first_seed + 4)
    caught = next(seed for seed in seeds if by in invalid(core, seed, tmp_path, chosen.nemesis))
    assert by not in invalid(command(tmp_path), caught, tmp_path, chosen.nemesis)
