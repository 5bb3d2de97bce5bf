"""The power of a gate: how likely its runs catch each known bug, if a change brings it back.

For each bug there is the cell in which it shows, and how often a run of that cell showed it when it was
measured (known_bugs/). Only runs that decided something count. Of the planned runs a tenth may decide
nothing, so what is stated beforehand is the power of nine tenths of them; a gate in which more prove nothing
has not reached its power.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.campaign.cells import USUAL_SEEDS, Cell
from harness.gate.known_bugs.seeded import SeededBug

TARGET = 0.99
MOST_UNDECIDED = 0.1
"""The share of a cell's runs that may decide nothing."""
LEAST_SEEDS = 20
MOST_SEEDS = 5_000
STEP = 5
"""Seeds that are added to a cell at a time."""


class BugPower(msgspec.Struct, frozen=True):
    """How likely one known bug is caught."""

    mutant: str
    cell: str
    """The cell in which it shows."""
    found: int
    """In how many runs it was found when it was measured."""
    of: int
    """How many runs were measured."""
    interval: tuple[float, float]
    """Between which bounds its share of runs lies, at a level of 0.95."""
    stated: float
    """How likely the planned runs catch it."""
    reached: float
    """How likely the runs that were done catch it."""

    @property
    def is_reached(self) -> bool:
        """Whether it is caught as likely as was stated, or as likely as the target asks."""
        return self.reached >= min(TARGET, self.stated)


class Power(msgspec.Struct, frozen=True):
    """What a gate would have found."""

    bugs: tuple[BugPower, ...]
    """Those that show in the gate's cells; empty if the power is not measured."""
    elsewhere: tuple[str, ...]
    """Known bugs that show in no cell of the gate."""
    unmeasured: tuple[str, ...]
    """Cells in which no known bug is measured to show."""
    target: float = TARGET

    @property
    def is_reached(self) -> bool:
        """Whether all is as likely caught as was stated."""
        return all(bug.is_reached for bug in self.bugs)

    def in_words(self, *, stated: bool = False) -> str:
        """The power in one sentence: as it was reached, or as it is stated beforehand."""
        if not self.bugs:
            return "power not measured: no bug with measured odds shows in these cells"
        chances = {bug.mutant: bug.stated if stated else bug.reached for bug in self.bugs}
        rare = {name: chance for name, chance in sorted(chances.items()) if chance < self.target}
        verb = "catches" if stated else "would have caught"
        often = len(chances) - len(rare)
        bugs = f"{often} known bug{'' if often == 1 else 's'}"
        each = bugs if rare else f"each of the {bugs}"
        text = f"{verb} {each} with p >= {self.target}"
        if rare:
            text += "; " + ", ".join(f"{name} with {in_figures(chance)}" for name, chance in rare.items())
        return text


def power_of(
    cells: Sequence[Cell], bugs: Sequence[SeededBug], decided: Mapping[Cell, int] | None = None
) -> Power:
    """The power of these cells' seeds, and of the runs that were done.

    Args:
        cells: the gate's, canaries left out.
        bugs: those that count.
        decided: by cell, how many runs decided something; None before any was done.
    """
    planned = {_place(cell): 0 for cell in cells}
    done = dict(planned)
    for cell in cells:
        planned[_place(cell)] += counted(cell.seeds)
        done[_place(cell)] += 0 if decided is None else decided.get(cell, 0)
    shown = tuple(_bug_power(bug, planned[bug.cell], done[bug.cell]) for bug in bugs if bug.cell in planned)
    places = {bug.cell for bug in bugs}
    return Power(
        bugs=shown,
        elsewhere=tuple(bug.mutant for bug in bugs if bug.cell not in planned),
        unmeasured=tuple(dict.fromkeys(cell.name for cell in cells if _place(cell) not in places)),
    )


def planned_seeds(
    bugs: Sequence[SeededBug], seconds: Mapping[Cell, float], budget_s: float
) -> dict[Cell, int]:
    """How many seeds each cell gets, so that few seconds catch many bugs.

    The next seeds go where they add most to the expected number of caught bugs for each second, until every
    bug is caught with the target's probability or the budget is used up. The gain of a cell's next seeds
    falls with each seed that it has, so taking the best each time is the best in the end, too.

    Args:
        bugs: what is to be caught.
        seconds: what a run costs, by cell; every cell gets `LEAST_SEEDS` at least.
        budget_s: seconds of processor cores for all of them.
    """
    seeds = dict.fromkeys(seconds, LEAST_SEEDS)
    left_s = budget_s - sum(LEAST_SEEDS * cost for cost in seconds.values())

    def gain(cell: Cell) -> float:
        now, then = counted(seeds[cell]), counted(seeds[cell] + STEP)
        chances = [
            (bug.odds.chance_to_catch(now), bug.odds.chance_to_catch(then))
            for bug in bugs
            if bug.cell == cell
        ]
        return sum(after - before for before, after in chances if before < TARGET) / (STEP * seconds[cell])

    while True:
        affordable = [
            cell for cell in seeds if STEP * seconds[cell] <= left_s and seeds[cell] + STEP <= MOST_SEEDS
        ]
        best = max(affordable, key=gain, default=None)
        if best is None or gain(best) <= 0:
            return seeds
        seeds[best] += STEP
        left_s -= STEP * seconds[best]


def counted(seeds: int) -> int:
    """How many of so many planned runs the stated power counts on."""
    return seeds - int(seeds * MOST_UNDECIDED)


def _bug_power(bug: SeededBug, planned: int, done: int) -> BugPower:
    odds = bug.odds
    return BugPower(
        mutant=bug.mutant,
        cell=bug.cell.name,
        found=odds.found,
        of=odds.runs,
        interval=odds.interval,
        stated=odds.chance_to_catch(planned),
        reached=odds.chance_to_catch(done),
    )


def _place(cell: Cell) -> Cell:
    """The cell without its seeds."""
    return msgspec.structs.replace(cell, seeds=USUAL_SEEDS, first_seed=0)


def in_figures(chance: float) -> str:
    """A probability with two digits, rounded down, so that 0.99 is never promised for less."""
    return f"{int(chance * 100) / 100:.2f}"
