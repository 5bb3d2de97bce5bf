"""The pace of a machine: what the first runs of a gate take here, compared with where they were measured."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from harness.campaign.cells import Cell, canary
from harness.campaign.outcomes import Outcome
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess
from harness.gate.known_bugs.seeded import seeded_bugs
from harness.gate.pace import pace
from harness.gate.planning import default_plan
from tests.harness.campaign.fakes import VALID
from tests.harness.gate.fakes import KNOWN, REGISTRY, SESSIONS

CELLS = (canary("forgetful"), Cell(nodes=7), SESSIONS, replace(REGISTRY, seeds=300))


def test_runs_that_take_three_times_as_long_make_a_pace_of_three() -> None:
    seen: list[tuple[str, int]] = []

    def perform(cell: Cell, seed: int) -> Outcome:
        seen.append((cell.workload, seed))
        return replace(VALID, took_s=(1.2, 1.8)[seed])

    assert pace(KNOWN, CELLS, InProcess(perform), most_s=60.0) == pytest.approx(3.0)
    assert seen == [("registry", 0), ("registry", 1)]  # no canary, and nothing that was not measured


def test_no_run_begins_after_the_seconds_for_it_but_one_is_always_done() -> None:
    def perform(_cell: Cell, seed: int) -> Outcome:
        assert seed == 0
        time.sleep(0.02)
        return replace(VALID, took_s=0.4)

    assert pace(KNOWN, CELLS, InProcess(perform), most_s=0.01) == pytest.approx(1.0)


def test_a_harness_that_can_do_no_run_leaves_the_pace_unknown() -> None:
    def perform(_cell: Cell, _seed: int) -> Outcome:
        raise CouldNotRun("no room")

    assert pace(KNOWN, CELLS, InProcess(perform), most_s=60.0) == 1.0


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
