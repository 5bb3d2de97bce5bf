"""Draws a simulated run as a message sequence, next to its schedule."""

from __future__ import annotations

from pathlib import Path

from checkers.verdict import Verdict
from harness.errors import CouldNotRun
from harness.sim.run import SimulatedRun
from reports.plots.sequence import sequence


def draw(ran: SimulatedRun, verdict: Verdict, path: Path) -> None:
    """Write the drawing, with the verdict's evidence in red.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    try:
        path.write_text(str(sequence(ran.recording(), verdict.evidence)) + "\n", encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error
