"""The figures of a campaign: whether it still finds anything new, and how far its results can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from checkers.verdict import Validity
from checkers.words import in_time
from harness.campaign.cells import Unit
from harness.campaign.journal import RunLine
from harness.campaign.outcomes import Outcome

LATELY_S = 300.0
"""New behaviours per minute are counted over the last seconds of work, or over all of it if it is shorter."""


class Figures(msgspec.Struct, frozen=True):
    """The figures at one moment."""

    seeds: int
    """How many seeds ran, each once a cell."""
    behaviours: int
    """How many behaviours were seen (behaviours.py)."""
    new_per_minute: float
    """How many of them were new lately, per minute of work."""
    since_new_s: float | None
    """Seconds of work since the last new one; None if there was none."""
    compared: int
    """How many seeds ran twice."""
    differing: int
    """How many of these gave two results."""
    proved_nothing: float
    """The share of the seeds whose run is unknown, from 0 to 1."""

    @property
    def in_words(self) -> str:
        """`1480 behaviours, 12 new a minute, the last 3 s ago`."""
        last = "" if self.since_new_s is None else f", the last {in_time(self.since_new_s)} ago"
        return f"{self.behaviours} behaviours, {self.new_per_minute:.0f} new a minute{last}"


class FigureCounter:
    """Counts through the lines of a journal, in order, one at a time."""

    def __init__(self, lines: Iterable[RunLine]) -> None:
        self.by_cell: Counter[tuple[int, Validity]] = Counter()
        """By cell and validity, how many seeds; a repetition counts only while it is alone."""
        self.runs = 0
        """How many runs, repetitions included."""
        self._lines: dict[Unit, RunLine] = {}
        """By which run it was."""
        self._known: set[int] = set()
        self._news: list[tuple[float, int]] = []
        """(elapsed seconds, number) of the new behaviours of each line that has some."""
        self._compared = self._differing = 0
        for line in lines:
            self.add(line)

    def new_in(self, outcome: Outcome) -> tuple[int, ...]:
        """The behaviours of a run that no line before shows."""
        return tuple(one for one in outcome.behaviours if one not in self._known)

    def add(self, line: RunLine) -> None:
        """Count one line; each run has one."""
        self.runs += 1
        other = self._lines.get(line.unit._replace(again=not line.again))
        self._lines[line.unit] = line
        if other is None or not line.again:
            self.by_cell[line.cell, line.outcome.validity] += 1
        if other is not None:
            if other.again:
                self.by_cell[other.cell, other.outcome.validity] -= 1
            self._compared += 1
            self._differing += not is_same(line, other)
        if line.new:
            self._known.update(line.new)
            self._news.append((line.elapsed_s, len(line.new)))

    def at(self, elapsed_s: float) -> Figures:
        """The figures at a time, in seconds of work."""
        seeds = self.by_cell.total()
        unknown = sum(number for (_, mark), number in self.by_cell.items() if mark is Validity.UNKNOWN)
        lately_s = min(LATELY_S, elapsed_s)
        news = sum(number for at, number in self._news if at > elapsed_s - lately_s)
        return Figures(
            seeds=seeds,
            behaviours=len(self._known),
            new_per_minute=round(60 * news / lately_s, 1) if lately_s else 0.0,
            since_new_s=round(max(0.0, elapsed_s - self._news[-1][0]), 1) if self._news else None,
            compared=self._compared,
            differing=self._differing,
            proved_nothing=round(unknown / seeds, 4) if seeds else 0.0,
        )


def is_same(one: RunLine, other: RunLine) -> bool:
    """Whether two runs of one simulated seed gave the same: each operation, and each verdict."""
    first, second = one.outcome, other.outcome
    return (first.digest, first.validity, first.violations) == (
        second.digest,
        second.validity,
        second.violations,
    )
