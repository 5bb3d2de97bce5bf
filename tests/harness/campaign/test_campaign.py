"""The loop of a campaign: what crashed is tried again, violations never; canaries must be found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from checkers.verdict import Validity
from harness.campaign.campaign import BROKEN, BUDGET, DONE, STOPPED, run_campaign
from harness.campaign.cells import Cell, canary
from harness.campaign.executors import usual_executors
from harness.campaign.journal import CrashLine, Journal
from harness.campaign.outcomes import Outcome, Violation
from harness.campaign.progress import CampaignProgress
from harness.campaign.summary import summary_of
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess
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

    def note(name: str) -> Callable[[Cell, int], Outcome]:
        return lambda _cell, _seed: order.append(name) or VALID  # type: ignore[func-returns-value]

    carried_out(
        tmp_path,
        plan(Cell(world="local", seeds=2), Cell(seeds=2)),
        make=lambda _folder: (InProcess(note("simulated")), InProcess(note("real"))),
    )
    assert order == ["simulated", "real", "simulated", "real"]


def test_each_cell_has_a_run_before_one_has_a_second_seed(tmp_path: Path) -> None:
    """Also if these are real runs, which otherwise come last, and with canaries and known runs in front."""
    real = [Cell(world="local", seeds=3, workload=workload) for workload in ("register", "cas")]
    simulated = [Cell(seeds=3), Cell(seeds=3, workload="cas")]
    wanted = plan(canary("forgetful"), *real, *simulated, known=((3, 9),), stability=1)
    stored = carried_out(tmp_path, wanted, found_by_canary)
    done = [line.unit for line in stored.runs]
    assert [(unit.cell, unit.seed) for unit in done[:6]] == [(0, 0), (3, 9), (3, 0), (4, 0), (1, 0), (2, 0)]
    assert len(done) == 1 + 1 + 4 * 3 + 2, "with the repetitions"
    assert all(not unit.again for unit in done[:6])


def test_a_campaign_that_goes_on_begins_with_the_cells_without_a_run(tmp_path: Path) -> None:
    wanted = plan(Cell(seeds=3), Cell(world="local", seeds=2), most_runs=1)
    stored = carried_out(tmp_path, wanted)
    journal = Journal.resume(stored.folder)
    more = msgspec.structs.replace(journal.stored.plan, most_runs=2)
    journal.stored = msgspec.structs.replace(
        journal.stored, header=msgspec.structs.replace(journal.stored.header, plan=more)
    )
    again = run_campaign(journal, in_process(fake), CampaignProgress(quiet=True))
    assert [(line.cell, line.seed) for line in again.runs] == [(0, 0), (1, 0)]


def test_runs_in_place_of_undecided_ones_wait_until_each_cell_had_a_run(tmp_path: Path) -> None:
    wanted = plan(Cell(seeds=2), Cell(world="local", seeds=1), replaces_undecided=True)
    stored = carried_out(tmp_path, wanted, lambda _cell, seed: UNKNOWN if seed == 0 else VALID)
    assert [(line.cell, line.seed) for line in stored.runs] == [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)]


def test_a_cell_that_the_budget_left_without_a_run_is_named(tmp_path: Path) -> None:
    found = summary_of(carried_out(tmp_path, plan(Cell(seeds=2), Cell(workload="cas"), most_runs=1)))
    assert found.outcome == "unknown"
    assert found.reasons == (f"no run: the work ended before the first one: {Cell(workload='cas').name}",)


def test_the_time_of_real_runs_does_not_count_for_simulated_ones(tmp_path: Path) -> None:
    real = Outcome(Validity.VALID, digest="d", took_s=1000.0)
    wanted = plan(Cell(seeds=2), Cell(world="local", seeds=1), most_simulated_s=500.0)
    stored = carried_out(tmp_path, wanted, lambda cell, _: real if cell.world == "local" else VALID)
    assert [line.cell for line in stored.runs] == [0, 1, 0]
    assert summary_of(stored).ended == DONE
