"""The loop of a campaign: what crashed is tried again, violations never; canaries must be found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from checkers.verdict import Validity
from harness.campaign.campaign import BROKEN, BUDGET, STOPPED
from harness.campaign.cells import Cell, canary
from harness.campaign.executors import usual_executors
from harness.campaign.journal import CrashLine
from harness.campaign.outcomes import Outcome, Violation
from harness.campaign.summary import summary_of
from harness.errors import CouldNotRun
from harness.executors.processes import Processes
from harness.mutants.catalogue import MUTANTS
from tests.harness.campaign.fakes import (
    BAD_SEED,
    INVALID,
    UNKNOWN,
    VALID,
    carried_out,
    dies_once,
    fake,
    in_process,
    never,
    plan,
)


def test_a_crash_of_the_harness_is_tried_again_and_a_violation_is_not(tmp_path: Path) -> None:
    begun: Counter[int] = Counter()

    def perform(_cell: Cell, seed: int) -> Outcome:
        begun[seed] += 1
        if seed == 2 and begun[seed] < 3:
            raise OSError("a broken pipe")
        return INVALID if seed == BAD_SEED else VALID

    stored = carried_out(tmp_path, plan(), perform)
    assert begun == {seed: 3 if seed == 2 else 1 for seed in range(8)}
    crashes = [line for line in stored.lines if isinstance(line, CrashLine)]
    assert [line.seed for line in crashes] == [2, 2]
    assert crashes[0].why.startswith("OSError: a broken pipe (in perform, test_campaign.py, line ")
    found = summary_of(stored)
    assert (found.outcome, found.cells[0].invalid, found.cells[0].could_not_run) == ("invalid", 1, 0)


def test_a_run_that_never_works_is_given_up_and_counted_apart(tmp_path: Path) -> None:
    def perform(_cell: Cell, seed: int) -> Outcome:
        if seed == 2:
            raise CouldNotRun("no room")
        return VALID

    found = summary_of(carried_out(tmp_path, plan(retries=1), perform))
    assert found.outcome == "could not run"
    assert (found.cells[0].valid, found.cells[0].could_not_run) == (7, 1)
    assert found.failed[0].why.startswith("no room")


def test_a_harness_that_can_do_nothing_is_broken_and_stops(tmp_path: Path) -> None:
    found = summary_of(carried_out(tmp_path, plan(Cell(seeds=1000)), never))
    assert (found.outcome, found.ended, found.runs) == ("broken", BROKEN, 0)


def test_a_process_that_dies_takes_one_run_with_it_and_that_one_is_tried_again(tmp_path: Path) -> None:
    cell = Cell(seeds=3, system_options=(("marker", str(tmp_path / "died")),))
    stored = carried_out(
        tmp_path / "store", plan(cell), make=lambda _: (Processes(dies_once, 2), Processes(dies_once, 1))
    )
    assert sorted(line.seed for line in stored.runs) == [0, 1, 2]
    crashes = [line for line in stored.lines if isinstance(line, CrashLine)]
    assert [(line.seed, line.why) for line in crashes] == [
        (1, "the process that did it was ended by signal 9")
    ]


def test_real_runs_have_their_time_also_where_simulated_ones_do_not_end(tmp_path: Path) -> None:
    """No simulated run begins at all here, since their time is over at once; the real ones all do."""
    real = Cell(world="local", nodes=3, seeds=2)
    stored = carried_out(tmp_path, plan(Cell(seeds=5), real, most_s=600.0, most_simulated_s=0.0))
    assert [(line.cell, line.seed) for line in stored.runs] == [(1, 0), (1, 1)]
    assert summary_of(stored).ended == BUDGET


def test_stop_at_first_stops_and_no_canary_does(tmp_path: Path) -> None:
    stored = carried_out(tmp_path, plan(Cell(seeds=100), stop_at_first=True))
    assert summary_of(stored).ended == STOPPED
    assert [line.seed for line in stored.runs] == list(range(BAD_SEED + 1))
    with_canary = plan(canary("forgetful"), Cell(seeds=3), stop_at_first=True)
    assert len(carried_out(tmp_path, with_canary, found_by_canary).runs) == 4


def found_by_canary(cell: Cell, seed: int) -> Outcome:
    """The canary is found at its first seed."""
    if not cell.is_canary:
        return fake(cell, seed)
    caught = Violation(MUTANTS[str(cell.mutant)].caught_by, "a kind", "a title")
    return Outcome(Validity.INVALID, (caught,))


def test_a_canary_is_expected_to_fail_and_ends_when_it_is_found(tmp_path: Path) -> None:
    found = summary_of(carried_out(tmp_path, plan(canary("forgetful"), Cell(seeds=3)), found_by_canary))
    assert found.outcome == "valid"
    assert (found.cells[0].canary, found.cells[0].found_at, found.cells[0].runs) == ("found", 0, 1)


@pytest.mark.parametrize("other", [VALID, UNKNOWN, INVALID])
def test_a_canary_that_its_own_checker_does_not_find_breaks_the_campaign(
    other: Outcome, tmp_path: Path
) -> None:
    wanted = plan(canary("forgetful", seeds=4), Cell(seeds=6))
    found = summary_of(
        carried_out(tmp_path, wanted, lambda cell, seed: other if cell.is_canary else fake(cell, seed))
    )
    assert found.outcome == "broken"
    assert found.reasons[0].startswith("the canary was not found in 4 seeds")
    assert "1 of 6 runs are invalid" in found.reasons[1]


def test_a_seed_that_gives_two_results_breaks_the_campaign(tmp_path: Path) -> None:
    runs = iter(range(100))

    def perform(_cell: Cell, _seed: int) -> Outcome:
        return Outcome(Validity.VALID, digest=str(next(runs)))

    found = summary_of(carried_out(tmp_path, plan(Cell(seeds=3), stability=1), perform))
    assert found.outcome == "broken"
    assert (found.cells[0].compared, found.cells[0].differing, found.cells[0].runs) == (1, (0,), 3)


def test_a_cell_of_which_nothing_is_valid_is_unknown(tmp_path: Path) -> None:
    wanted = plan(Cell(seeds=2), Cell(seeds=2, workload="cas"))
    found = summary_of(
        carried_out(tmp_path, wanted, lambda cell, _: UNKNOWN if cell.workload == "cas" else VALID)
    )
    assert found.outcome == "unknown"
    assert [cell.proved_nothing for cell in found.cells] == [0.0, 1.0]


def test_real_simulated_runs_are_the_same_here_and_in_another_process(tmp_path: Path) -> None:
    wanted = plan(Cell(nodes=3, time_limit_s=2, rate=40, seeds=2), stability=1)
    here = carried_out(tmp_path, wanted, make=usual_executors(1))
    there = carried_out(tmp_path, wanted, make=usual_executors(2))
    digests = [{line.unit: line.outcome.digest for line in stored.runs} for stored in (here, there)]
    assert digests[0] == digests[1]
    assert summary_of(there).cells[0].compared == 1
    assert all(line.outcome.digest for line in here.runs)


def test_simulated_and_real_runs_have_executors_of_their_own(tmp_path: Path) -> None:
    order: list[str] = []

    def perform(cell: Cell, _seed: int) -> Outcome:
        order.append(cell.world)
        return VALID

    carried_out(tmp_path, plan(Cell(world="local", seeds=2), Cell(seeds=2)), make=in_process(perform))
    assert order == ["sim", "sim", "local", "local"]
