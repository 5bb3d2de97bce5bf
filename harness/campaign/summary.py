"""What a campaign found: by cell how many runs said what, and the one outcome of the whole.

The outcome is the first of these that holds:

- `broken`: the canary was not found in its seeds, one seed gave two results, or the harness could do none of
  its last runs. Such a campaign proves nothing, whatever its runs say.
- `invalid`: a run found a violation. A canary's are expected and do not count.
- `could not run`: a run could not be done, although it was tried again.
- `unknown`: a cell has no valid run, the canary's seeds did not all run, or an interruption left runs undone.
- `valid`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from checkers.verdict import Validity
from harness.campaign.budget.sharing import more_needed_s
from harness.campaign.campaign import BROKEN, BUDGET, is_found
from harness.campaign.cells import Cell, Unit, further_units, units
from harness.campaign.journal import CrashLine, EndLine, RunLine, Stored, runs_by_unit
from harness.campaign.replacing import in_place_of_undecided
from harness.campaign.watching.figures import FigureCounter, Figures, is_same

CampaignOutcome = Literal["valid", "invalid", "unknown", "could not run", "broken"]
MOST_SHOWN = 20
MERGED = "joined from its parts"
"""Why a campaign that was merged ended."""


class CellSummary(msgspec.Struct, frozen=True):
    """What the runs of one cell say. A seed that ran twice counts once."""

    name: str
    cell: Cell
    asked: int
    """How many runs are to be done, those in place of others included, and those that time was left for."""
    runs: int
    in_place: int
    """How many of its runs were drawn in place of those that proved nothing."""
    valid: int
    invalid: int
    unknown: int
    could_not_run: int
    proved_nothing: float
    """The share of its runs that are unknown, from 0 to 1."""
    why_nothing: str
    """Why the first run that is unknown proved nothing; empty if none is."""
    seconds: float
    """Of all its runs together."""
    compared: int
    """How many seeds ran twice."""
    differing: tuple[int, ...]
    """Those of them that gave two results."""
    canary: Literal["found", "not found", "not all seeds ran"] | None = None
    """For a canary: whether its seeded bug was found."""
    found_at: int | None = None
    """For a canary: the seed that showed it."""

    @property
    def validity(self) -> Validity:
        """The verdict on a cell that is no canary."""
        if self.invalid:
            return Validity.INVALID
        return Validity.VALID if self.valid else Validity.UNKNOWN


class FailedUnit(msgspec.Struct, frozen=True):
    """A run that could not be done."""

    cell: str
    seed: int
    why: str


class CampaignSummary(msgspec.Struct, frozen=True):
    """A campaign's outcome."""

    outcome: CampaignOutcome
    reasons: tuple[str, ...]
    """Why it is not valid, the gravest first; in words."""
    ended: str
    """Why the work ended; empty after a kill."""
    folder: str
    asked: int
    runs: int
    elapsed_s: float
    cells: tuple[CellSummary, ...]
    figures: Figures
    failed: tuple[FailedUnit, ...]
    """The first runs that could not be done."""
    more_needed_s: int | None = None
    """If the budget ended before each cell had a run: how many seconds more would do, at this campaign's
    pace."""


def summary_of(stored: Stored) -> CampaignSummary:
    """Sum up what a journal holds."""
    done = runs_by_unit(stored.lines)
    in_place = set(in_place_of_undecided(stored.plan, done.values()))
    further = (unit for unit in further_units(stored.plan) if unit in done)
    asked = [*units(stored.plan), *sorted(in_place), *further]
    crashes = {line.unit: line for line in stored.lines if isinstance(line, CrashLine)}
    failed = {unit: line for unit, line in crashes.items() if unit not in done}
    cells = tuple(
        _cell_summary(stored, number, asked, in_place, done, failed)
        for number in range(len(stored.plan.cells))
    )
    last = stored.lines[-1] if stored.lines else None
    end = last if isinstance(last, EndLine) else None
    more_s = more_needed_s(stored.plan, done) if end is not None and end.why == BUDGET else None
    reasons = [
        (outcome, why) for outcome, why in (*_without_run(cells, more_s), *_reasons(cells, end, stored))
    ]
    order: tuple[CampaignOutcome, ...] = ("broken", "invalid", "could not run", "unknown")
    reasons.sort(key=lambda one: order.index(one[0]))
    return CampaignSummary(
        outcome=reasons[0][0] if reasons else "valid",
        reasons=tuple(why for _, why in reasons),
        ended=end.why if end else MERGED if stored.header.merged else "",
        folder=str(stored.folder),
        asked=len(asked),
        runs=len(done),
        elapsed_s=max((line.elapsed_s for line in stored.lines), default=0.0),
        cells=cells,
        figures=FigureCounter(stored.runs).at(max((line.elapsed_s for line in stored.lines), default=0.0)),
        failed=tuple(
            FailedUnit(stored.plan.cells[unit.cell].name, unit.seed, line.why)
            for unit, line in list(failed.items())[:MOST_SHOWN]
        ),
        more_needed_s=more_s,
    )


def _cell_summary(
    stored: Stored,
    number: int,
    asked: list[Unit],
    in_place: set[Unit],
    done: dict[Unit, RunLine],
    failed: dict[Unit, CrashLine],
) -> CellSummary:
    cell = stored.plan.cells[number]
    own = {unit: line for unit, line in done.items() if unit.cell == number}
    once = {unit.seed: line for unit, line in sorted(own.items(), key=lambda one: one[0], reverse=True)}
    counts = {mark: sum(line.outcome.validity is mark for line in once.values()) for mark in Validity}
    twice = [unit.seed for unit in own if unit.again and unit._replace(again=False) in own]
    summary = CellSummary(
        name=cell.name,
        cell=cell,
        asked=len({unit.seed for unit in asked if unit.cell == number}),
        runs=len(once),
        in_place=sum(unit in in_place for unit in own),
        valid=counts[Validity.VALID],
        invalid=counts[Validity.INVALID],
        unknown=counts[Validity.UNKNOWN],
        could_not_run=len({unit.seed for unit in failed if unit.cell == number}),
        proved_nothing=counts[Validity.UNKNOWN] / len(once) if once else 0.0,
        why_nothing=next(
            (
                f"seed {seed}: {line.outcome.summary}"
                for seed, line in sorted(once.items())
                if line.outcome.validity is Validity.UNKNOWN
            ),
            "",
        ),
        seconds=round(sum(line.outcome.took_s for line in own.values()), 3),
        compared=len(twice),
        differing=tuple(
            seed
            for seed in sorted(twice)
            if not is_same(own[Unit(number, seed)], own[Unit(number, seed, True)])
        ),
    )
    if not cell.is_canary:
        return summary
    seeds = [line.seed for line in own.values() if is_found(stored.plan, number, line)]
    unfound: Literal["not found", "not all seeds ran"] = (
        "not found" if summary.runs >= summary.asked else "not all seeds ran"
    )
    return msgspec.structs.replace(
        summary, canary="found" if seeds else unfound, found_at=min(seeds, default=None)
    )


def _without_run(cells: tuple[CellSummary, ...], more_s: int | None) -> Iterator[tuple[CampaignOutcome, str]]:
    """That the budget was too short for all cells, and by how much."""
    if more_s is not None:
        without = sum(not cell.runs for cell in cells)
        yield (
            "unknown",
            f"the budget ended before {without} of {len(cells)} cells had a run; at this campaign's pace "
            f"about {more_s} s more would do",
        )


def _reasons(
    cells: tuple[CellSummary, ...], end: EndLine | None, stored: Stored
) -> Iterator[tuple[CampaignOutcome, str]]:
    """What keeps the campaign from being valid."""
    for cell in cells:
        match cell.canary:
            case "not found":
                yield "broken", f"the canary was not found in {cell.runs} seeds: {cell.name}"
            case "not all seeds ran":
                yield "unknown", f"not all seeds of the canary ran: {cell.name}"
        if cell.differing:
            seeds = ", ".join(map(str, cell.differing))
            yield "broken", f"the same seed gave two results ({seeds}): {cell.name}"
        if cell.could_not_run:
            yield "could not run", f"{cell.could_not_run} runs could not be done: {cell.name}"
        if cell.canary is None and cell.asked:
            if cell.invalid:
                yield "invalid", f"{cell.invalid} of {cell.runs} runs are invalid: {cell.name}"
            elif not cell.runs and not cell.could_not_run:
                yield "unknown", f"no run: the work ended before the first one: {cell.name}"
            elif not cell.valid:
                why = f" ({cell.why_nothing})" if cell.why_nothing else ""
                yield "unknown", f"no run of {cell.runs} is valid: {cell.name}{why}"
    if end is not None and end.why == BROKEN:
        yield "broken", end.why
    elif stored.header.merged:
        yield from _missing(stored)
    elif end is None or not end.is_complete:
        yield "unknown", "interrupted: not all runs were done"


def _missing(stored: Stored) -> Iterator[tuple[CampaignOutcome, str]]:
    """Of a merged campaign: runs that no shard did."""
    done = runs_by_unit(stored.lines)
    canaries = [number for number, cell in enumerate(stored.plan.cells) if cell.is_canary]
    missing = [unit for unit in units(stored.plan) if unit not in done and unit.cell not in canaries]
    is_bounded = any((stored.plan.most_runs, stored.plan.most_s, stored.plan.stop_at_first))
    if missing and not is_bounded:
        yield "unknown", f"{len(missing)} runs were done in none of the merged folders"
