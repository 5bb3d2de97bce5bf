"""The seeded bugs whose odds were measured, as seeded.toml lists them.

```toml
version = 1

[measured]
command = "scripts/odds.py --seeds 40 --first-seed 1000"
began_at = "2026-11-28T17:05:10Z"

[measured.versions]          # and [measured.code]: the digests of the code that ran

[[cells]]                    # runs of correct nodes
workload = "registry"
nemesis = "drawn"            # what the seed draws; or the faults that each run has
began_at = "2026-11-28T17:05:10Z"   # of this measurement, or of the runs that were added last
seconds = 0.42               # of one processor core, for each run
first_seconds = [0.3, 0.8]   # the same of its first seeds alone, by which a machine's pace is measured
runs = 40
undecided = 11               # those that proved nothing, because little happened in them

[[bugs]]
mutant = "forgetful"
workload = "registry"
nemesis = "drawn"
found = 23                   # by the checker that the bug's declaration names
runs = 40
last_seed = 1039             # the highest of its seeds; runs that are added have higher ones
dearest = 1.2                # seconds of one processor core of its dearest run; left out if not measured
shows = {"term-monotonic: # forgot term #" = 23}     # by kind of violation, in how many runs
```

A bug counts with the workload and the faults with which it was measured. One whose declaration has others by
now counts as not measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from harness.campaign.cells import DRAWN, USUAL_SEEDS, Cell
from harness.campaign.reading import faults_of
from harness.gate.known_bugs.odds import Odds
from harness.mutants.catalogue import MUTANTS

SEEDED = Path(__file__).with_name("seeded.toml")


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the odds were measured."""

    command: str
    began_at: str
    versions: Mapping[str, str]
    code: Mapping[str, str]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bug shows: the workload and the faults of a cell in the simulated world."""

    workload: str
    nemesis: str = DRAWN
    began_at: str = ""
    """When its measurement began, or that of the runs that were added last; empty if that is when the file's
    did. What seeds draw may have changed since."""

    @property
    def cell(self) -> Cell:
        """The cell of correct nodes."""
        return Cell(workload=self.workload, nemesis=faults_of(self.nemesis))


class MeasuredCell(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What runs of correct nodes cost, and how many of them prove something."""

    seconds: float
    first_seconds: tuple[float, ...] = ()
    runs: int
    undecided: int

    @property
    def decided(self) -> float:
        """The share of runs that prove something; never 0."""
        return max(1, self.runs - self.undecided) / max(1, self.runs)

    @property
    def seconds_to_decide(self) -> float:
        """What a run costs that proves something: with those that prove nothing until then."""
        return self.seconds / self.decided


class SeededBug(Place, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One seeded bug with its odds."""

    mutant: str
    found: int
    runs: int
    last_seed: int = 1039
    """The highest seed of its runs. Files that do not state it have seeds from 1000 on, 40 at the most."""
    dearest: float | None = None
    """Seconds of one processor core that its dearest run took; None if that was not measured."""
    shows: Mapping[str, int] = {}

    @property
    def odds(self) -> Odds:
        """The odds of one run, whether or not it would prove something of correct nodes."""
        return Odds(self.found, self.runs)

    @property
    def is_current(self) -> bool:
        """Whether the bug's declaration still names the workload and the faults of the measurement."""
        mutant = MUTANTS.get(self.mutant)
        return mutant is not None and self.cell == cell_of(self.mutant)


class SeededBugs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int
    measured: Measured
    cells: tuple[MeasuredCell, ...]
    bugs: tuple[SeededBug, ...]

    @property
    def next_seed(self) -> int:
        """The first seed that no run of any bug had."""
        return max((bug.last_seed for bug in self.bugs), default=-1) + 1

    def measured_as(self, cell: Cell) -> MeasuredCell | None:
        """What was measured of a cell with any seeds; None if nothing was."""
        place = place_of(cell)
        return next((one for one in self.cells if one.cell == place), None)

    def seconds_to_decide(self, cell: Cell) -> float:
        """What a run of this cell costs that proves something, in seconds of one core; of a cell that was not
        measured, the most of all."""
        measured = self.measured_as(cell)
        every = self.cells if measured is None else (measured,)
        return max(one.seconds_to_decide for one in every)


@cache
def seeded_bugs() -> SeededBugs:
    """The seeded bugs that are still declared as they were measured."""
    found = msgspec.convert(tomllib.loads(SEEDED.read_text(encoding="utf-8")), SeededBugs)
    return msgspec.structs.replace(found, bugs=tuple(bug for bug in found.bugs if bug.is_current))


def unmeasured() -> tuple[str, ...]:
    """The names of seeded bugs without odds for the workload and the faults that they declare."""
    measured = {bug.mutant for bug in seeded_bugs().bugs}
    return tuple(name for name in MUTANTS if name not in measured)


def cell_of(mutant: str) -> Cell:
    """The cell of correct nodes with the workload and the faults that a seeded bug declares."""
    declared = MUTANTS[mutant]
    return Cell(workload=declared.workload, nemesis=declared.faults)


def place_of(cell: Cell) -> Cell:
    """The cell without its seeds."""
    return msgspec.structs.replace(cell, seeds=USUAL_SEEDS, first_seed=0)
