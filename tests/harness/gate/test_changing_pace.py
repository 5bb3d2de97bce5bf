"""A gate measures its pace once; what it does if the machine gets slower or faster afterwards."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from harness.campaign import campaign
from harness.campaign.campaign import BUDGET, DONE
from harness.campaign.cells import Cell, Unit, first_further_seed, further_units, units
from harness.campaign.journal import Stored
from harness.campaign.outcomes import Outcome, Violation
from harness.campaign.summary import summary_of
from harness.gate.planning import default_plan
from harness.gate.result import GateResult, gate_result
from harness.mutants.catalogue import MUTANTS
from tests.harness.campaign.fakes import UNKNOWN, VALID, carried_out, plan, resumed
from tests.harness.gate.fakes import KNOWN

BUDGET_S = 200.0


def gated_at(times: float, store: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Stored, GateResult]:
    """A gate whose runs each take `times` as long as when its pace was measured."""
    wanted = default_plan(KNOWN, budget_s=BUDGET_S, jobs=1, with_real=False).campaign
    assert wanted is not None
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(campaign, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def perform(cell: Cell, _seed: int) -> Outcome:
        clock.now += times * KNOWN.seconds_to_decide(replace(cell, mutant=None, seeds=20, is_canary=False))
        if cell.mutant is None:
            return VALID
        return replace(VALID, violations=(Violation(MUTANTS[cell.mutant].caught_by, "kind", "title"),))

    stored = carried_out(store, wanted, perform)
    return stored, gate_result(stored, (), KNOWN)


@pytest.mark.parametrize("times", [1.0, 2.0, 2.7])
def test_a_machine_that_gets_slower_still_reaches_what_was_stated(
    times: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found = gated_at(times, tmp_path, monkeypatch)
    assert (found.outcome, found.reasons) == ("passed", ())


def test_a_machine_that_gets_ten_times_slower_reaches_less_and_the_gate_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, found = gated_at(10.0, tmp_path, monkeypatch)
    assert found.outcome == "unknown"
    assert "the stated power was not reached for " in found.reasons[0]
    done = {cell.name: cell.runs / cell.cell.seeds for cell in summary_of(stored).cells if not cell.canary}
    assert max(done.values()) - min(done.values()) < 0.1, done  # all cells fell back alike


@pytest.mark.parametrize("times", [1.0, 0.3])
def test_time_that_is_left_goes_to_further_seeds_until_all_bugs_are_likely_caught(
    times: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, found = gated_at(times, tmp_path, monkeypatch)
    more = list(further_units(stored.plan))
    done = sum(line.unit in set(more) for line in stored.runs)
    assert done > 0
    assert done == len(more) or summary_of(stored).elapsed_s >= BUDGET_S
    seldom = next(bug for bug in found.power.bugs if bug.mutant == "list-in-halves")
    assert seldom.reached > seldom.stated + 0.1
    assert found.summary is not None
    assert all(cell.runs == cell.asked for cell in found.summary.cells if not cell.canary)
    assert found.summary.ended in (DONE, BUDGET)


def test_a_budget_that_has_room_for_one_seed_alone_has_further_ones_for_a_faster_machine() -> None:
    poor = default_plan(KNOWN, budget_s=10.0, jobs=1, with_real=False, pace=20.0).campaign
    assert poor is not None
    (number,) = (number for number, cell in enumerate(poor.cells) if not cell.is_canary)
    assert poor.cells[number].seeds == 1
    assert dict(poor.further)[number] > 0


def nothing(_cell: Cell, _seed: int) -> Outcome:
    return UNKNOWN


def valid(_cell: Cell, _seed: int) -> Outcome:
    return VALID


CELLS = (Cell(seeds=2, first_seed=4), Cell(seeds=3, workload="cas"))


def test_a_further_seed_is_no_other_seed_of_its_cell_and_none_is_drawn_in_its_place(tmp_path: Path) -> None:
    wanted = plan(*CELLS, further=((0, 3), (1, 1)), replaces_undecided=True)
    stored = carried_out(tmp_path, wanted, nothing)
    seeds = [line.seed for line in stored.runs if line.cell == 0]
    assert seeds == [4, 5, 6, 7, 8, 9, 10, 11]  # two of its own, three in place, three because time is left
    assert first_further_seed(CELLS[0]) == 9
    assert len(stored.runs) == 8 + 3 + 4 + 1
    summary = summary_of(stored)
    assert (summary.runs, summary.asked) == (16, 16)


def test_further_seeds_that_did_not_run_leave_a_campaign_complete_and_are_not_asked_for(
    tmp_path: Path,
) -> None:
    stored = carried_out(tmp_path, plan(*CELLS, further=((0, 3),), most_simulated_s=0.0))
    assert not stored.runs
    stored = carried_out(tmp_path, plan(*CELLS, further=((0, 3),), most_runs=6), valid)
    assert stored.runs[-1].unit == Unit(0, 9)
    summary = summary_of(stored)
    assert (summary.outcome, summary.runs, summary.asked) == ("valid", 6, 6)


def test_a_campaign_that_goes_on_does_the_further_seeds_that_are_left(tmp_path: Path) -> None:
    first = carried_out(tmp_path, plan(*CELLS, further=((0, 3),)))
    lines = (first.folder / "campaign.jsonl").read_bytes().splitlines(keepends=True)
    (first.folder / "campaign.jsonl").write_bytes(b"".join(lines[:-2]))  # the last run and the end are lost
    again = resumed(first.folder)
    assert sorted(line.unit for line in again.runs) == sorted(line.unit for line in first.runs)


def test_cells_in_proportion_have_done_the_same_share_at_any_time() -> None:
    wanted = plan(Cell(seeds=4), Cell(seeds=40, workload="cas"), in_proportion=True)
    order = [unit.cell for unit in units(wanted)]
    assert len(order) == 44
    for end in range(1, 45):
        assert abs(order[:end].count(0) / 4 - order[:end].count(1) / 40) <= 0.25
