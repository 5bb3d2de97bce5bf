"""Measures how often a run shows each seeded bug, and writes known_bugs/seeded.toml.

It is a campaign, with a cell for each bug: the workload and the faults of its declaration. So it is resumed
as any campaign is. What a run costs is measured apart, in processor time, which other work on the machine
hardly changes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from checkers.verdict import Validity
from harness.campaign.campaign import is_found
from harness.campaign.cells import CampaignPlan, Cell, distinct
from harness.campaign.journal import RunLine, Stored
from harness.campaign.performing import simulated
from harness.gate.known_bugs.seeded import cell_of

USUAL_SEEDS = 40
USUAL_FIRST_SEED = 1000
"""The seeds that declarations name were searched from 0 on; those that are measured were never looked at."""


COST_SEEDS = 10


def measuring_plan(mutants: Sequence[str], seeds: int, first_seed: int) -> CampaignPlan:
    """The campaign that measures the odds of these bugs."""
    cells = tuple(
        msgspec.structs.replace(cell_of(name), mutant=name, seeds=seeds, first_seed=first_seed)
        for name in mutants
    )
    return CampaignPlan(cells=cells, name="odds", stability=0)


def costs(mutants: Sequence[str], seeds: int = COST_SEEDS) -> dict[Cell, float]:
    """What a run of correct nodes costs, in seconds of one core, in each cell in which a bug shows."""
    return {cell: _cost(cell, seeds) for cell in distinct([cell_of(name) for name in mutants])}


def _cost(cell: Cell, seeds: int) -> float:
    begin = time.process_time()
    for seed in range(seeds):
        simulated(cell, seed)
    return (time.process_time() - begin) / seeds


def written(stored: Stored, cost: Mapping[Cell, float], command: str) -> str:
    """The text of seeded.toml after this campaign, with what runs cost.

    Raises:
        ValueError: a bug has no run yet.
    """
    return "\n".join([*_head(stored, command), *_costs(cost), *_bugs(stored)])


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


def _costs(cost: Mapping[Cell, float]) -> Iterator[str]:
    for cell, seconds in cost.items():
        yield "[[cells]]"
        yield from _place(cell)
        yield f"seconds = {seconds:.3f}\n"


def _bugs(stored: Stored) -> Iterator[str]:
    by_cell: dict[int, list[RunLine]] = {number: [] for number in range(len(stored.plan.cells))}
    for line in stored.runs:
        by_cell[line.cell].append(line)
    for number, cell in enumerate(stored.plan.cells):
        lines = by_cell[number]
        if not lines:
            raise ValueError(f"{cell.mutant} has no run yet: go on with the campaign in {stored.folder}")
        undecided = sum(line.outcome.validity is Validity.UNKNOWN for line in lines)
        yield "[[bugs]]"
        yield f'mutant = "{cell.mutant}"'
        yield from _place(cell)
        yield f"found = {sum(is_found(stored.plan, number, line) for line in lines)}"
        yield f"runs = {len(lines) - undecided}"
        yield f"undecided = {undecided}\n"


def _place(cell: Cell) -> Iterator[str]:
    yield f'workload = "{cell.workload}"'
    yield f'nemesis = "{"drawn" if cell.nemesis is None else ",".join(cell.nemesis) or "none"}"'
