"""`live.json` in a campaign's folder: counts and figures while it runs, for pages that draw them.

The file is replaced as a whole, at most once a second and at the end, so each reader sees one moment. It
is only a view: what counts is the journal. If it cannot be written, the campaign goes on without it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from checkers.verdict import Validity
from harness.campaign.cells import CampaignPlan
from harness.campaign.watching.figures import FigureCounter, Figures
from history.files import RefusedFile, replace_file

LIVE = "live.json"
FORMAT = 1
EVERY_S = 1.0


class LiveCell(msgspec.Struct, frozen=True):
    """The counts of one cell; a seed that ran twice counts once."""

    name: str
    runs: int
    valid: int
    invalid: int
    unknown: int


class Live(msgspec.Struct, frozen=True):
    """What the file holds."""

    version: int
    name: str
    asked: int
    """How many runs are to be done, repetitions included."""
    done: int
    elapsed_s: float
    left_s: float | None
    """About how many seconds are left; None if that is not known yet."""
    ended: str
    """Why the work ended; empty while it goes on, and after a kill."""
    figures: Figures
    cells: tuple[LiveCell, ...]


class LiveData:
    """The file of one campaign."""

    def __init__(self, folder: Path, plan: CampaignPlan, asked: int, counter: FigureCounter) -> None:
        self._path = folder / LIVE
        self._plan = plan
        self._asked = asked
        self._counter = counter
        self._written_s: float | None = None

    def ask(self, more: int) -> None:
        """Count runs that are to be done in addition."""
        self._asked += more

    def write(self, elapsed_s: float, figures: Figures, left_s: float | None, ended: str) -> None:
        """Replace the file, if the last time is long enough ago or the work has ended."""
        if not ended and self._written_s is not None and elapsed_s - self._written_s < EVERY_S:
            return
        self._written_s = elapsed_s
        live = Live(
            version=FORMAT,
            name=self._plan.name,
            asked=self._asked,
            done=self._counter.runs,
            elapsed_s=elapsed_s,
            left_s=None if left_s is None else round(left_s, 1),
            ended=ended,
            figures=figures,
            cells=self._cells(),
        )
        with contextlib.suppress(OSError, RefusedFile):
            replace_file(self._path, msgspec.json.encode(live), root=self._path.parent)

    def _cells(self) -> tuple[LiveCell, ...]:
        counts = self._counter.by_cell
        return tuple(
            LiveCell(cell.name, sum(by.values()), by["valid"], by["invalid"], by["unknown"])
            for number, cell in enumerate(self._plan.cells)
            for by in [{mark.value: counts[number, mark] for mark in Validity}]
        )
