"""LeaderLeases in virtual time: up to the stated drift nothing is stale; a lease that ignores it is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.nemesis.faults.clock.drift import LARGEST_PERCENT
from harness.nemesis.schedule import Pace
from harness.run.test import Test
from harness.sim.judging import judge, results_of
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.world.clock import NodeClock

ISOLATED = ("partition:isolate-leader",)
DRIFTING = (*ISOLATED, "drift:slow-leader")


def plan(seed: int, nemesis: tuple[str, ...], *, mutant: str | None = None) -> Plan:
    """Leaders are cut off while clients read at them; clocks are right, unless the nemesis has `drift`."""
    test = Test(
        nodes=("n1", "n2", "n3"),
        nemesis=nemesis,
        concurrency=16,
        rate=400,
        time_limit_s=8,
        seed=seed,
        mutant=mutant,
        heartbeat_ms=50,
        lease=True,
        clock_drift_bound_percent=LARGEST_PERCENT,
    )
    return Plan(test=test, pace=Pace((900, 1100), (500, 700), (0, 100)))


def linearizability(one: Plan) -> Validity:
    return next(
        verdict for verdict in results_of(run(one)).verdicts if verdict.checker == "linearizability"
    ).validity


def test_a_clock_goes_on_from_what_it_shows_when_its_rate_changes() -> None:
    clock = NodeClock(0)
    clock.drift(200_000, 1000)
    assert (clock.read(1000), clock.read(2000)) == (1000, 2200)
    clock.drift(-200_000, 2000)
    assert (clock.read(2000), clock.read(3000)) == (2200, 3000)
    assert clock.when(3000) == 3000
    with pytest.raises(ValueError, match="turn the clock back"):
        clock.drift(-1_000_000, 3000)


@pytest.mark.parametrize("seed", range(4))
def test_with_leases_and_clocks_within_the_bound_random_runs_are_not_invalid(
    seed: int, tmp_path: Path
) -> None:
    options = SeedOptions(lease=True)
    assert judge(plan_of(seed, options), tmp_path).invalid == ()


def test_a_slow_leader_cut_off_serves_nothing_stale_under_a_lease_that_allows_for_it() -> None:
    assert linearizability(plan(1, DRIFTING)) is Validity.VALID


@pytest.mark.campaign
def test_a_lease_that_ignores_the_bound_is_caught_with_drift_and_not_without() -> None:
    mutant = "lease-without-clock-bound"
    with_drift = [linearizability(plan(seed, DRIFTING, mutant=mutant)) for seed in range(1, 5)]
    assert Validity.INVALID in with_drift
    without = [linearizability(plan(seed, ISOLATED, mutant=mutant)) for seed in range(1, 5)]
    assert set(without) == {Validity.VALID}
