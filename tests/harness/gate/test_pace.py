"""The pace of a machine: what the first runs of a gate take here, compared with where they were measured."""

from __future__ import annotations

import random
import threading

import pytest
from msgspec.structs import replace

from harness.campaign.cells import Cell, Unit, canary
from harness.campaign.executors import Ended
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess
from harness.gate.known_bugs.seeded import SeededBugs, seeded_bugs
from harness.gate.pace import LEAST_RUNS, Pace, pace, pace_of
from harness.gate.planning import default_plan
from tests.harness.campaign.fakes import VALID
from tests.harness.gate.fakes import KNOWN, REGISTRY, SESSIONS

CELLS = (canary("forgetful"), Cell(nodes=7), SESSIONS, replace(REGISTRY, seeds=300))


def test_runs_that_take_three_times_as_long_make_a_pace_of_three() -> None:
    seen: list[tuple[str, int]] = []

    def perform(cell: Cell, seed: int) -> Outcome:
        seen.append((cell.workload, seed))
        return replace(VALID, took_s=(1.2, 1.8)[seed])

    found = pace(KNOWN, CELLS, InProcess(perform), most_s=60.0)
    assert tuple(found) == pytest.approx((3.0, 3.0, 2))
    assert seen == [("registry", 0), ("registry", 1)]  # no canary, and nothing that was not measured


def many_seeds(seconds: float, seeds: int) -> SeededBugs:
    (cell, *others) = KNOWN.cells
    return replace(KNOWN, cells=(replace(cell, first_seconds=(seconds,) * seeds), *others))


def test_after_the_seconds_for_it_only_the_first_few_runs_begin() -> None:
    seen: list[int] = []

    def perform(_cell: Cell, seed: int) -> Outcome:
        seen.append(seed)
        return replace(VALID, took_s=0.4 + seed)

    found = pace(many_seeds(0.4, 20), CELLS, InProcess(perform), most_s=0.0)
    assert seen == list(range(LEAST_RUNS))
    assert found.upper > found.measured


def test_runs_go_on_until_the_pace_is_known_well_enough() -> None:
    def measured(spread: float) -> Pace:
        """Of runs that take shorter and longer than a second in turn, by this share."""

        def perform(_cell: Cell, seed: int) -> Outcome:
            return replace(VALID, took_s=1 + spread * (-1) ** seed)

        return pace(many_seeds(0.5, 200), CELLS, InProcess(perform), most_s=60.0)

    steady, unsteady = measured(0.02), measured(0.8)
    assert steady.runs == LEAST_RUNS < unsteady.runs < 200
    assert all(found.is_narrow for found in (steady, unsteady))


@pytest.mark.parametrize("spread", [0.2, 0.5, 0.8])
def test_in_nine_of_ten_measurements_the_true_pace_is_within_the_bound(spread: float) -> None:
    """Runs take three times as long as there, give or take the spread, and end when the pace seems known."""
    generator = random.Random(11)
    below = 0
    for _ in range(1000):
        done: list[tuple[float, float]] = []
        while len(done) < LEAST_RUNS or (len(done) < 25 and not pace_of(done).is_narrow):
            there = generator.uniform(0.2, 1.5)
            done.append((3.0 * there * generator.uniform(1 - spread, 1 + spread), there))
        below += pace_of(done).upper < 3.0
    assert below <= 100, below


def test_the_measured_pace_alone_would_state_too_much_every_second_time() -> None:
    generator = random.Random(1)
    below = 0
    for _ in range(1000):
        there = [generator.uniform(0.2, 1.5) for _ in range(2)]
        here = [3.0 * seconds * generator.uniform(0.5, 1.5) for seconds in there]
        below += pace_of(list(zip(here, there, strict=True))).measured < 3.0
    assert below > 400, below


def test_of_one_run_the_bound_is_twice_the_pace() -> None:
    assert pace_of([(1.5, 0.5)]) == Pace(3.0, 6.0, 1)


def test_a_harness_that_can_do_no_run_leaves_the_pace_unknown() -> None:
    def perform(_cell: Cell, _seed: int) -> Outcome:
        raise CouldNotRun("no room")

    assert pace(KNOWN, CELLS, InProcess(perform), most_s=60.0) == Pace(1.0, 1.0, 0)


@pytest.mark.parametrize("times", [3.0, 10.0])
def test_a_slow_machine_plans_fewer_seeds_and_states_less(times: float) -> None:
    known = seeded_bugs()
    usual, slow = (
        default_plan(known, budget_s=600.0, jobs=2, with_real=False, pace=factor) for factor in (1.0, times)
    )
    assert usual.campaign is not None
    assert slow.campaign is not None
    fewer, many = (
        sum(cell.seeds * known.seconds_to_decide(cell) for cell in plan.cells if not cell.is_canary)
        for plan in (slow.campaign, usual.campaign)
    )
    assert fewer < many
    assert times * fewer <= 600.0 * 2
    assert sum(bug.stated for bug in slow.power.bugs) < sum(bug.stated for bug in usual.power.bugs)


class Endless:
    """Does runs that never end."""

    has_room, is_busy = True, True

    def __init__(self) -> None:
        self.begun: list[Unit] = []
        self.is_interrupted = False

    def begin(self, key: Unit, cell: Cell, seed: int) -> None:
        self.begun.append(key)

    def wait(self, timeout_s: float) -> list[Ended]:
        threading.Event().wait(timeout_s / 10)
        return []

    def interrupt(self) -> list[Ended]:
        self.is_interrupted = True
        return []

    def close(self) -> None: ...


def test_runs_that_do_not_end_are_given_up_and_make_a_slow_pace() -> None:
    executor = Endless()
    found = pace(many_seeds(0.001, 20), CELLS, executor, most_s=0.0, last_s=0.1)
    assert executor.is_interrupted
    assert len(executor.begun) == found.runs == LEAST_RUNS
    assert found.measured >= 100.0  # a tenth of a second at the least, for a thousandth
