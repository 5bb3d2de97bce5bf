"""Measures how often a run shows each seeded bug, and writes known_bugs/seeded.toml.

It is a campaign, with a cell for each bug, which has the workload and the faults of its declaration, and one
of correct nodes for each such pair. So it is resumed as any campaign is. What a run costs is measured in
processor time, which other work on the machine hardly changes.

The runs of a bug end when it was found in `ENOUGH_FOUND` of them, so most of the work goes to the rare ones.
That does not distort the odds: odds.py averages over all rates by how likely they make what was seen, which
does not depend on when the runs were to end (Berger and Wolpert 1988, The Likelihood Principle). The interval
that is stated of a share is as wide as its bug's runs are few.

Runs may also be added to those of the file, with other seeds (`adding_plan`). The next run is then of the bug
whose interval is the widest, as far as that can be said beforehand: what is to come is expected to be as what
was measured.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean
from typing import Any, TypeVar

import msgspec

from checkers.verdict import Validity
from harness.campaign.campaign import is_found
from harness.campaign.cells import DRAWN, CampaignPlan, Cell, distinct
from harness.campaign.journal import Stored
from harness.gate.known_bugs.likeness import kinds_of
from harness.gate.known_bugs.seeded import MeasuredCell, Place, SeededBug, SeededBugs, cell_of, place_of
from harness.mutants.catalogue import MUTANTS

P = TypeVar("P", bound=Place)

USUAL_SEEDS = 40
ENOUGH_FOUND = 8
USUAL_FIRST_SEED = 1000
"""The seeds that declarations name were searched from 0 on; those that are measured were never looked at."""
FIRST_SEEDS = 4
"""How many of the first seeds of correct nodes have their cost listed apart."""


def measuring_plan(mutants: Sequence[str], seeds: int, first_seed: int) -> CampaignPlan:
    """The campaign that measures the odds of these bugs. Correct nodes run under the seeds of a gate.

    Args:
        seeds: those of correct nodes, and the most of each bug.
    """
    correct = distinct([cell_of(name) for name in mutants])
    cells = [msgspec.structs.replace(cell, seeds=seeds) for cell in correct]
    cells += [
        msgspec.structs.replace(cell_of(name), mutant=name, seeds=seeds, first_seed=first_seed)
        for name in mutants
    ]
    return CampaignPlan(cells=tuple(cells), name="odds", stability=0, enough_found=ENOUGH_FOUND)


def adding_plan(before: SeededBugs, seeds: int, first_seed: int) -> CampaignPlan:
    """The campaign that adds runs to those of the file: first of the bugs with the widest intervals.

    Args:
        before: the file.
        seeds: the most of each bug, those of the file included.
        first_seed: higher than those of the file (`written` refuses others).
    """
    plan = measuring_plan([bug.mutant for bug in before.bugs], seeds, first_seed)
    place = {cell.mutant: number for number, cell in enumerate(plan.cells)}
    order = [(place[mutant], first_seed + number) for mutant, number in _widest_first(before.bugs, seeds)]
    return msgspec.structs.replace(plan, known=tuple(order))


def _widest_first(bugs: Sequence[SeededBug], most: int) -> Iterator[tuple[str, int]]:
    """The bug of each next run, and which of its further runs it is, until every bug is expected to have
    enough."""
    odds = {bug.mutant: bug.odds for bug in bugs}
    given = Counter(dict.fromkeys(odds, 0))

    def width(bug: str) -> float:
        low, high = odds[bug].after(given[bug]).interval
        return high - low

    widths = {bug: width(bug) for bug in odds if odds[bug].found < ENOUGH_FOUND and odds[bug].runs < most}
    while widths:
        widest = max(widths, key=widths.__getitem__)
        yield widest, given[widest]
        given[widest] += 1
        widths[widest] = width(widest)
        expected = odds[widest].after(given[widest])
        if expected.found >= ENOUGH_FOUND or expected.runs >= most:
            del widths[widest]


def written(stored: Stored, command: str, before: SeededBugs | None = None, *, is_added: bool = False) -> str:
    """The text of seeded.toml after this campaign.

    Args:
        before: the earlier file: what was not measured now stays as it was measured then.
        is_added: whether the earlier file's runs of a bug count, too. Of correct nodes, which have the same
            seeds each time, the measurement with more runs counts.

    Raises:
        ValueError: a cell has no run yet, and the earlier file does not have it either; or a seed would count
            twice.
    """
    cells, bugs = _measured_now(stored)
    if is_added and before is not None:
        first_seeds = {cell.mutant: cell.first_seed for cell in stored.plan.cells}
        bugs = {name: _added(bug, first_seeds[name], before) for name, bug in bugs.items()}
    if before is not None:
        for cell in before.cells:
            now = cells.get(cell.cell)
            if now is None or (is_added and cell.runs > now.runs):
                cells[cell.cell] = _with_date(cell, before)
        for bug in before.bugs:
            bugs.setdefault(bug.mutant, _with_date(bug, before))
    _require_all(stored, cells, bugs)
    kept = [bugs[name] for name in MUTANTS if name in bugs]
    used = {bug.cell for bug in kept}
    lines = (line for cell, one in cells.items() if cell in used for line in _cell_lines(one))
    return "\n".join([*_head(stored, command), *lines, *(line for bug in kept for line in _bug_lines(bug))])


def _measured_now(stored: Stored) -> tuple[dict[Cell, MeasuredCell], dict[str, SeededBug]]:
    """What the campaign measured: correct nodes by cell, and seeded bugs by name."""
    cells: dict[Cell, MeasuredCell] = {}
    bugs: dict[str, SeededBug] = {}
    for number, cell in enumerate(stored.plan.cells):
        lines = [line for line in stored.runs if line.cell == number]
        place: dict[str, Any] = {"workload": cell.workload, "nemesis": _faults(cell), "runs": len(lines)}
        place["began_at"] = stored.header.began_at
        if lines and cell.mutant is None:
            core_s = {line.seed: line.outcome.core_s for line in lines}
            cells[place_of(cell)] = MeasuredCell(
                **place,
                seconds=round(mean(core_s.values()), 3),
                first_seconds=tuple(core_s[seed] for seed in range(FIRST_SEEDS) if seed in core_s),
                undecided=sum(line.outcome.validity is Validity.UNKNOWN for line in lines),
            )
        elif lines and cell.mutant is not None:
            shows = Counter(kind for line in lines for kind in kinds_of(line.outcome))
            bugs[cell.mutant] = SeededBug(
                **place,
                mutant=cell.mutant,
                found=sum(is_found(stored.plan, number, line) for line in lines),
                dearest=max(line.outcome.core_s for line in lines),
                last_seed=max(line.seed for line in lines),
                shows=dict(shows.most_common()),
            )
    return cells, bugs


def _added(bug: SeededBug, first_seed: int, before: SeededBugs) -> SeededBug:
    """A bug with the runs of the earlier file and those of now."""
    old = next((one for one in before.bugs if one.mutant == bug.mutant and one.cell == bug.cell), None)
    if old is None:
        return bug
    if first_seed <= old.last_seed:
        raise ValueError(
            f"{bug.mutant}: seeds from {first_seed} on may be in the file; its last is {old.last_seed}"
        )
    dearest = [one.dearest for one in (old, bug) if one.dearest is not None]
    return msgspec.structs.replace(
        bug,
        found=old.found + bug.found,
        runs=old.runs + bug.runs,
        dearest=max(dearest, default=None),
        shows=dict((Counter(old.shows) + Counter(bug.shows)).most_common()),
    )


def _require_all(stored: Stored, cells: Mapping[Cell, MeasuredCell], bugs: Mapping[str, SeededBug]) -> None:
    for cell in stored.plan.cells:
        if (place_of(cell) not in cells) if cell.mutant is None else (cell.mutant not in bugs):
            raise ValueError(f"no run of {cell.name} is done yet: go on with the campaign in {stored.folder}")


def _with_date(one: P, before: SeededBugs) -> P:
    return msgspec.structs.replace(one, began_at=one.began_at or before.measured.began_at)


def _head(stored: Stored, command: str) -> Iterator[str]:
    yield "# How often a run shows each seeded bug. harness/gate/known_bugs/seeded.py explains the keys;"
    yield "# scripts/odds.py writes this file."
    yield "version = 1\n"
    yield "[measured]"
    yield f'command = "{command}"'
    yield f'began_at = "{stored.header.began_at}"\n'
    yield from _table("measured.versions", stored.header.versions)
    yield from _table("measured.code", stored.header.code)


def _table(name: str, values: Mapping[str, str]) -> Iterator[str]:
    yield f"[{name}]"
    yield from (f'"{key}" = "{value}"' for key, value in values.items())
    yield ""


def _cell_lines(one: MeasuredCell) -> Iterator[str]:
    yield "[[cells]]"
    yield from _place_lines(one)
    yield f"seconds = {one.seconds:.3f}"
    yield f"first_seconds = [{', '.join(f'{seconds:.3f}' for seconds in one.first_seconds)}]"
    yield f"runs = {one.runs}"
    yield f"undecided = {one.undecided}\n"


def _bug_lines(bug: SeededBug) -> Iterator[str]:
    yield "[[bugs]]"
    yield f'mutant = "{bug.mutant}"'
    yield from _place_lines(bug)
    yield f"found = {bug.found}"
    yield f"runs = {bug.runs}"
    yield f"last_seed = {bug.last_seed}"
    if bug.dearest is not None:
        yield f"dearest = {bug.dearest:.3f}"
    yield "[bugs.shows]"
    yield from (f"{json.dumps(kind)} = {times}" for kind, times in bug.shows.items())
    yield ""


def _place_lines(place: Place) -> Iterator[str]:
    yield f'workload = "{place.workload}"'
    yield f'nemesis = "{place.nemesis}"'
    yield f'began_at = "{place.began_at}"'


def _faults(cell: Cell) -> str:
    return DRAWN if cell.nemesis is None else ",".join(cell.nemesis) or "none"
