"""A budget is shared out so that each cell of real processes has one run in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from checkers.verdict import Validity
from harness.campaign.budget import sharing
from harness.campaign.budget.sharing import (
    REST_S,
    expected_rest_s,
    first_runs_s,
    limits_of,
    more_needed_s,
    rest_s,
    share_s,
)
from harness.campaign.campaign import BUDGET, DONE, run_campaign
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.journal import Journal, RunLine, runs_by_unit
from harness.campaign.outcomes import Outcome
from harness.campaign.progress import CampaignProgress
from harness.campaign.summary import summary_of
from tests.harness.campaign.fakes import in_process, plan

OPEN = Cell(world="local", workload="register", nodes=3, nemesis=("kill",), seeds=1)
LONG = Cell(world="local", workload="register", nodes=3, nemesis=("kill", "partition"), seeds=1)
FIXED = Cell(world="local", workload="cas", nodes=3, nemesis=("kill",), time_limit_s=6, seeds=1)


def run_line(cell: int, took_s: float, limit_s: int | None = None) -> RunLine:
    return RunLine(cell, 0, Outcome(Validity.VALID, took_s=took_s), "", time_limit_s=limit_s)


def test_a_stated_limit_stays_and_an_open_one_lies_between_what_faults_need_and_the_usual_one() -> None:
    assert limits_of(FIXED) == (6, 6)
    assert limits_of(OPEN) == (sharing.LEAST_S, 30)
    assert limits_of(LONG) == (16, 30)


def test_what_is_left_after_the_shortest_runs_is_shared_evenly() -> None:
    waiting = [OPEN, LONG, FIXED]
    shortest = first_runs_s(waiting, rest_s=10)
    assert shortest == 5 + 16 + 6 + 30
    assert share_s(OPEN, waiting, shortest + 8, rest_s=10) == 5 + 4
    assert share_s(LONG, waiting, shortest + 8, rest_s=10) == 16 + 4
    assert share_s(FIXED, waiting, shortest + 8, rest_s=10) == 6


def test_a_share_is_never_shorter_than_faults_need_and_never_longer_than_usual() -> None:
    assert share_s(LONG, [LONG, OPEN], left_s=0, rest_s=10) == 16
    assert share_s(OPEN, [OPEN, LONG], left_s=1000, rest_s=10) == 30


def test_two_runs_at_a_time_have_twice_the_time() -> None:
    waiting = [OPEN, OPEN]
    half = first_runs_s(waiting, 10) / 2
    assert share_s(OPEN, waiting, half + 4, rest_s=10, at_once=2) == 5 + 4


def test_the_rest_of_a_run_is_taken_from_the_runs_so_far() -> None:
    plan_of = plan(FIXED, OPEN, Cell())
    assert rest_s(plan_of, [], 10.0) == 10.0
    lines = [run_line(0, 26), run_line(1, 29, limit_s=9), run_line(2, 1000)]
    assert rest_s(plan_of, lines, 10.0) == pytest.approx((10 + 20 + 20) / 3)


def test_before_the_first_run_the_load_of_the_machine_says_how_long_the_rest_takes() -> None:
    assert expected_rest_s(load=0.3, cores=2) == REST_S
    assert expected_rest_s(load=24, cores=2) == 3 * REST_S
    assert expected_rest_s(load=1000, cores=2) == 6 * REST_S


def test_what_a_budget_lacked_is_known_from_the_cells_without_a_run() -> None:
    plan_of = plan(FIXED, OPEN, Cell(), most_s=60)
    done = runs_by_unit([run_line(0, 26)])
    assert more_needed_s(plan_of, done) == 5 + (10 + 20) / 2
    assert more_needed_s(plan_of, runs_by_unit([run_line(0, 26), run_line(1, 29)])) is None
    assert more_needed_s(msgspec.structs.replace(plan_of, most_s=None), done) is None


class Clock:
    """The clock of a campaign whose real runs take their time limit, and a rest."""

    def __init__(self, rest: float) -> None:
        self.now_s = 1000.0
        self.rest_s = rest
        self.limits: list[int | None] = []

    def monotonic(self) -> float:
        return self.now_s

    def perform(self, cell: Cell, _seed: int) -> Outcome:
        self.limits.append(cell.time_limit_s)
        took_s = (cell.time_limit_s or 30) + self.rest_s
        self.now_s += took_s
        return Outcome(Validity.VALID, digest="d", took_s=took_s)


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], Clock]:
    def make(rest: float) -> Clock:
        clock = Clock(rest)
        monkeypatch.setattr("harness.campaign.campaign.time.monotonic", clock.monotonic)
        monkeypatch.setattr("harness.campaign.campaign.rest_here_s", lambda: REST_S)
        return clock

    return make


def carried_out(store: Path, wanted: CampaignPlan, clock: Clock) -> Journal:
    journal = Journal.create(store, wanted)
    run_campaign(journal, in_process(clock.perform), CampaignProgress(quiet=True))
    return journal


CELLS = tuple(
    Cell(world="local", workload=workload, nodes=3, nemesis=nemesis, seeds=1)
    for workload in ("register", "cas", "instances", "registry")
    for nemesis in (("kill",), ("pause",), ("partition",))
)


@pytest.mark.parametrize("rest", [4.0, 10.0, 18.0, 25.0])
def test_each_cell_has_a_run_in_the_budget_at_whatever_pace_the_machine_has(
    rest: float, tmp_path: Path, clocked: Callable[[float], Clock]
) -> None:
    clock = clocked(rest)
    budget_s = len(CELLS) * (limits_of(CELLS[0]).least + 26.0)
    stored = carried_out(tmp_path, plan(*CELLS, most_s=budget_s), clock).now()
    summary = summary_of(stored)
    assert summary.outcome == "valid"
    assert summary.ended == DONE
    assert [cell.runs for cell in summary.cells] == [1] * len(CELLS)
    assert summary.elapsed_s - stored.runs[-1].outcome.took_s < budget_s
    shared = [line.time_limit_s or 30 for line in stored.runs]
    assert min(shared) >= limits_of(CELLS[0]).least
    assert summary.elapsed_s >= 0.7 * budget_s or min(shared) == 30  # it uses what it has


def test_a_budget_that_no_sharing_saves_says_how_much_more_would_do_and_is_gone_on_with(
    tmp_path: Path, clocked: Callable[[float], Clock]
) -> None:
    clock = clocked(20.0)
    journal = carried_out(tmp_path, plan(*CELLS, most_s=150.0), clock)
    before = summary_of(journal.now())
    without = sum(not cell.runs for cell in before.cells)
    assert (before.outcome, before.ended) == ("unknown", BUDGET)
    assert before.reasons[0] == (
        f"the budget ended before {without} of 12 cells had a run; at this campaign's pace about "
        f"{before.more_needed_s} s more would do"
    )
    again = Journal.resume(journal.folder)
    assert (again.ended_with, again.has_time) == (BUDGET, False)
    again.bound(before.more_needed_s or 0)
    run_campaign(again, in_process(clock.perform), CampaignProgress(quiet=True))
    after = summary_of(again.now())
    assert after.outcome == "valid"
    assert after.more_needed_s is None
