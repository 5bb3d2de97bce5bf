"""Whether latency or availability got worse than in an earlier campaign, by more than a stated margin.

Both are compared cell by cell: each run gives one figure, so the runs of a cell are a sample. All pairs of a
new and an earlier run give ratios, and their median is the estimate (Hodges and Lehmann 1963); its interval
leaves out as many pairs at both ends as the rank test of Mann and Whitney (1947) allows at this level. That
asks nothing of the distributions but that runs do not depend on each other. All cells together keep to the
level: each interval is the wider the more there are (Bonferroni).

- *worse*: the whole interval lies above the margin.
- *not worse*: the whole interval lies below it.
- *cannot tell*: the margin lies in it; more runs make it shorter. So do fewer than `LEAST_RUNS` on a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import comb, exp, log
from typing import Literal

import msgspec

from harness.campaign.cells import Cell
from harness.campaign.journal import Stored
from harness.gate.known_bugs.seeded import place_of

Answer = Literal["worse", "not worse", "cannot tell"]
Measure = Literal["latency", "availability"]
LEVEL = 0.99
LEAST_RUNS = 5
SHORTEST_S = 0.001
"""Shorter times without a reply count as this, as a ratio to 0 says nothing."""


class Comparison(msgspec.Struct, frozen=True):
    """One figure of one cell, compared with the earlier campaign."""

    measure: Measure
    cell: str
    answer: Answer
    runs: tuple[int, int]
    """How many runs there are: earlier ones, and new ones."""
    times: float | None
    """How many times as long the time is. Latency: the 99th percentile of operations that ended ok, averaged
    over the kinds of operation. Availability: the longest time without an ok reply."""
    interval: tuple[float, float] | None
    """Between which bounds that factor lies."""
    allowed: float
    """The factor that is allowed: 1.2 for a margin of 0.2."""

    @property
    def in_words(self) -> str:
        """The comparison in one line."""
        earlier, new = self.runs
        many = f"{earlier} earlier runs and {new} new ones: {self.cell}"
        if self.times is None or self.interval is None:
            return f"{self.measure}: {self.answer}, as there are only {many}"
        low, high = self.interval
        return (
            f"{self.measure}: {self.answer}; it is {self.times:.2f} times the earlier one ({low:.2f} to "
            f"{high:.2f} at a level of {LEVEL:g}), and {self.allowed:.2f} times is allowed; {many}"
        )


def compared(earlier: Stored, new: Stored, margins: Mapping[Measure, float]) -> tuple[Comparison, ...]:
    """Compare the cells that both campaigns have.

    Args:
        margins: by figure, by which share it may be worse: 0.2 for a fifth.
    """
    before, after = _figures(earlier), _figures(new)
    both = [cell for cell in after if cell in before]
    level = 1 - (1 - LEVEL) / max(1, len(both) * len(margins))
    return tuple(
        comparison(measure, cell.name, before[cell][measure], after[cell][measure], margin, level)
        for cell in both
        for measure, margin in margins.items()
    )


def comparison(
    measure: Measure,
    cell: str,
    earlier: Sequence[float],
    new: Sequence[float],
    margin: float,
    level: float = LEVEL,
) -> Comparison:
    """Compare one figure of two samples of runs; a higher figure is worse."""
    runs = (len(earlier), len(new))
    allowed = 1 + margin
    left_out = _left_out(*runs, level) if min(runs) >= LEAST_RUNS else None
    if left_out is None:
        return Comparison(measure, cell, "cannot tell", runs, None, None, allowed)
    ratios = sorted(log(after) - log(before) for before in earlier for after in new)
    low, high = exp(ratios[left_out]), exp(ratios[-1 - left_out])
    middle = exp((ratios[len(ratios) // 2] + ratios[(len(ratios) - 1) // 2]) / 2)
    answer: Answer = "worse" if low > allowed else "not worse" if high <= allowed else "cannot tell"
    return Comparison(measure, cell, answer, runs, middle, (low, high), allowed)


def _figures(stored: Stored) -> dict[Cell, dict[Measure, list[float]]]:
    """By cell without its seeds, one figure of each run; canaries and repetitions left out."""
    figures: dict[Cell, dict[Measure, list[float]]] = {}
    for line in stored.runs:
        cell = stored.plan.cells[line.cell]
        if not cell.is_canary and not line.again:
            own = figures.setdefault(place_of(cell), {"latency": [], "availability": []})
            if line.outcome.latency_ms is not None:
                own["latency"].append(line.outcome.latency_ms)
            if line.outcome.unavailable_s is not None:
                own["availability"].append(max(SHORTEST_S, line.outcome.unavailable_s))
    return figures


@cache
def _left_out(one: int, other: int, level: float) -> int | None:
    """How many of the ordered pairs lie outside the interval at each end; None if no interval has the level.

    The number of pairs in which the first is less has the distribution of Mann and Whitney's U.
    """
    tail, total, most = 0.0, comb(one + other, one), -1
    for number, ways in enumerate(_ways(one, other)):
        tail += ways / total
        if tail > (1 - level) / 2:
            break
        most = number
    return None if most < 0 else most


def _ways(one: int, other: int) -> list[int]:
    """By value of U, in how many orders of two samples without ties it has it."""
    ways = [1] + [0] * (one * other)
    for factor in range(1, one + 1):
        for place in range(one * other, other + factor - 1, -1):
            ways[place] -= ways[place - other - factor]
        for place in range(factor, one * other + 1):
            ways[place] += ways[place - factor]
    return ways
