"""The power of a gate: how likely its runs catch each known bug, if a change brings it back.

For each bug there is the cell in which it shows, and how often a run of that cell showed it when it was
measured (known_bugs/). Some runs of correct nodes prove nothing, as little happens in them; how many is
measured, too. If more of a gate's runs prove nothing than that, its runs count for as much less. What is
stated beforehand is the power of two thirds of the planned runs, so that neither chance nor other work on the
machine, as long as that fits into what it leaves, keeps a gate from reaching it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.campaign.cells import Cell
from harness.gate.known_bugs.seeded import MeasuredCell, SeededBug, SeededBugs, place_of

TARGET = 0.99
SPARE = 1 / 3
"""The share of the planned runs that the stated power does not count on."""
LEAST_SEEDS = 40
"""Seeds that a cell gets even if fewer catch its bugs, where a quarter of the budget suffices for that."""
MOST_SEEDS = 5_000
MOST_NAMED = 6
"""Bugs that one sentence names; all of them have their figures in the result."""
STEP = 5
"""Seeds that are added to a cell at a time, after the first one."""


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

    def chance(self, *, stated: bool) -> float:
        """How likely the planned runs catch it, or those that were done."""
        return self.stated if stated else self.reached

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

    @property
    def is_measured(self) -> bool:
        """Whether some bug was seen in a measured run of these cells, so that more runs catch it at last."""
        return any(bug.found for bug in self.bugs)

    def is_none(self, *, stated: bool = False) -> bool:
        """Whether bugs might be caught, but none of them as likely as the target asks."""
        return self.is_measured and all(bug.chance(stated=stated) < self.target for bug in self.bugs)

    def in_words(self, *, stated: bool = False) -> str:
        """The power in one sentence: as it was reached, or as it is stated beforehand."""
        if not self.bugs:
            return "power not measured: no bug with measured odds shows in these cells"
        if not self.is_measured:
            return (
                f"power not measured: no measured run showed one of the {len(self.bugs)} bugs of these cells"
            )
        seen = [bug for bug in self.bugs if bug.found]
        chances = {bug.mutant: bug.chance(stated=stated) for bug in seen}
        rare = [one for one in sorted(chances.items(), key=lambda one: one[1]) if one[1] < self.target]
        often = len(chances) - len(rare)
        each = "each of the " if often == len(self.bugs) else ""
        verb = "catches" if stated else "would have caught"
        parts = [f"{verb} {each}{often} known bug{'' if often == 1 else 's'} with p >= {self.target}"]
        if rare:
            shown = ", ".join(f"{name} with {in_figures(chance)}" for name, chance in rare[:MOST_NAMED])
            more = len(rare) - MOST_NAMED
            parts.append(shown + (f", and {more} more" if more > 0 else ""))
        if unseen := len(self.bugs) - len(seen):
            parts.append(f"promises nothing of {unseen} that no measured run showed")
        if self.elsewhere:
            parts.append(f"{len(self.elsewhere)} show in no cell of this gate")
        return "; ".join(parts)


class Done(NamedTuple):
    """What was done of a cell."""

    runs: int
    decided: int
    """How many of them proved something, for or against the system."""


def power_of(known: SeededBugs, cells: Sequence[Cell], done_of: Mapping[Cell, Done] | None = None) -> Power:
    """The power of these cells' seeds, and of the runs that were done.

    Args:
        known: the bugs that count, and what was measured of correct nodes.
        cells: the gate's, canaries left out.
        done_of: by cell, what was done; None before any run.
    """
    bugs = known.bugs
    planned = {place_of(cell): 0 for cell in cells}
    done = dict(planned)
    for cell in cells:
        planned[place_of(cell)] += counted(cell.seeds)
        done[place_of(cell)] += effective(known.measured_as(cell), (done_of or {}).get(cell, Done(0, 0)))
    shown = tuple(_bug_power(bug, planned[bug.cell], done[bug.cell]) for bug in bugs if bug.cell in planned)
    places = {bug.cell for bug in bugs}
    return Power(
        bugs=shown,
        elsewhere=tuple(bug.mutant for bug in bugs if bug.cell not in planned),
        unmeasured=tuple(dict.fromkeys(cell.name for cell in cells if place_of(cell) not in places)),
    )


class Needed(NamedTuple):
    """With how many seeds a cell catches a first bug as likely as the target asks."""

    cell: Cell
    """Without its seeds."""
    mutant: str
    seeds: int


def least_needed(known: SeededBugs, cells: Sequence[Cell]) -> Needed | None:
    """The least seeds with which one of these cells catches a bug that likely; None if none of them can."""
    places = {place_of(cell) for cell in cells}
    needed = [
        Needed(bug.cell, bug.mutant, seeds)
        for bug in known.bugs
        if bug.cell in places and bug.found and (seeds := _enough_seeds(bug)) is not None
    ]
    return min(needed, key=lambda one: one.seeds, default=None)


def _enough_seeds(bug: SeededBug) -> int | None:
    """How many planned seeds catch a bug as likely as the target asks; None: more than a cell may have."""
    enough = (n for n in range(1, MOST_SEEDS + 1) if bug.odds.chance_to_catch(counted(n)) >= TARGET)
    return next(enough, None)


def planned_seeds(
    bugs: Sequence[SeededBug], seconds: Mapping[Cell, float], budget_s: float, repeated: int = 0
) -> dict[Cell, int]:
    """How many seeds each cell gets, so that few seconds catch many bugs; cells without seeds are left out.

    The next seeds go where they add most to the expected number of caught bugs for each second, until every
    bug is caught with the target's probability or the budget is used up. The gain of a cell's next seeds
    falls with each seed that it has, so taking the best each time is the best in the end, too. One cell has a
    seed even if the budget has no room for it.

    Args:
        bugs: what is to be caught.
        seconds: what a run costs, by cell.
        budget_s: seconds of processor cores for all of them.
        repeated: how many seeds of each cell run twice.
    """
    least = min(LEAST_SEEDS, int(budget_s / 4 / sum(seconds.values())) // STEP * STEP) if seconds else 0
    seeds = dict.fromkeys(seconds, least)

    def cost_s(cell: Cell, number: int) -> float:
        return (number + min(number, repeated)) * seconds[cell]

    left_s = budget_s - sum(cost_s(cell, number) for cell, number in seeds.items())

    def gain(cell: Cell) -> float:
        now, then = seeds[cell], _next(seeds[cell])
        chances = [
            (bug.odds.chance_to_catch(counted(now)), bug.odds.chance_to_catch(counted(then)))
            for bug in bugs
            if bug.cell == cell
        ]
        more = sum(after - before for before, after in chances if before < TARGET)
        return more / (cost_s(cell, then) - cost_s(cell, now))

    def takes(cell: Cell) -> float:
        return cost_s(cell, _next(seeds[cell])) - cost_s(cell, seeds[cell])

    while True:
        affordable = [cell for cell in seeds if takes(cell) <= left_s and _next(seeds[cell]) <= MOST_SEEDS]
        best = max(affordable, key=gain, default=None)
        if best is None or gain(best) <= 0:
            break
        left_s -= takes(best)
        seeds[best] = _next(seeds[best])
    if seeds and not any(seeds.values()):
        seeds[max(seeds, key=gain)] = 1
    return {cell: number for cell, number in seeds.items() if number}


def _next(seeds: int) -> int:
    """How many seeds a cell has after its next ones: 1, then a step, then two steps."""
    return 1 if seeds == 0 else (seeds // STEP + 1) * STEP


def counted(seeds: int) -> int:
    """How many of the planned runs the stated power counts on."""
    return seeds - int(seeds * SPARE)


def effective(measured: MeasuredCell | None, done: Done) -> int:
    """For how many runs of the measured kind these count: fewer, if more of them proved nothing."""
    share = 1.0 if measured is None else measured.decided
    return min(done.runs, int(done.decided / share))


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


def in_figures(chance: float) -> str:
    """A probability with two digits, rounded down, so that 0.99 is never promised for less."""
    return f"{int(chance * 100) / 100:.2f}"
