"""Measures how often a run shows each seeded bug, and writes known_bugs/seeded.toml.

It is a campaign, with a cell for each bug, which has the workload and the faults of its declaration, and one
of correct nodes for each such pair. So it is resumed as any campaign is. What a run costs is measured in
processor time, which other work on the machine hardly changes.

The runs of a bug end when it was found in `ENOUGH_FOUND` of them, so most of the work goes to the rare ones.
That does not distort the odds: odds.py averages over all rates by how likely they make what was seen, which
does not depend on when the runs were to end (Berger and Wolpert 1988, The Likelihood Principle). The interval
that is stated of a share is as wide as its bug's runs are few.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

import msgspec

from checkers.verdict import Validity
from harness.campaign.campaign import is_found
from harness.campaign.cells import CampaignPlan, Cell, distinct
from harness.campaign.journal import RunLine, Stored
from harness.gate.known_bugs.likeness import kinds_of
from harness.gate.known_bugs.seeded import cell_of

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


def written(stored: Stored, command: str) -> str:
    """The text of seeded.toml after this campaign.

    Raises:
        ValueError: a cell has no run yet.
    """
    return "\n".join([*_head(stored, command), *_cells(stored), *_bugs(stored)])


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


def _cells(stored: Stored) -> Iterator[str]:
    for number, cell in enumerate(stored.plan.cells):
        if cell.mutant is None:
            lines = _lines(stored, number)
            yield "[[cells]]"
            yield from _place(cell)
            core_s = {line.seed: line.outcome.core_s for line in lines}
            first = (core_s[seed] for seed in range(FIRST_SEEDS) if seed in core_s)
            yield f"seconds = {mean(core_s.values()):.3f}"
            yield f"first_seconds = [{', '.join(f'{seconds:.3f}' for seconds in first)}]"
            yield f"runs = {len(lines)}"
            yield f"undecided = {sum(line.outcome.validity is Validity.UNKNOWN for line in lines)}\n"


def _bugs(stored: Stored) -> Iterator[str]:
    for number, cell in enumerate(stored.plan.cells):
        if cell.mutant is not None:
            lines = _lines(stored, number)
            yield "[[bugs]]"
            yield f'mutant = "{cell.mutant}"'
            yield from _place(cell)
            yield f"found = {sum(is_found(stored.plan, number, line) for line in lines)}"
            yield f"runs = {len(lines)}"
            shows = Counter(kind for line in lines for kind in kinds_of(line.outcome))
            yield "[bugs.shows]"
            yield from (f"{json.dumps(kind)} = {times}" for kind, times in shows.most_common())
            yield ""


def _lines(stored: Stored, number: int) -> list[RunLine]:
    lines = [line for line in stored.runs if line.cell == number]
    if not lines:
        name = stored.plan.cells[number].name
        raise ValueError(f"no run of {name} is done yet: go on with the campaign in {stored.folder}")
    return lines


def _place(cell: Cell) -> Iterator[str]:
    yield f'workload = "{cell.workload}"'
    yield f'nemesis = "{"drawn" if cell.nemesis is None else ",".join(cell.nemesis) or "none"}"'
