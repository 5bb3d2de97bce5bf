"""Draws a simulated run as a message sequence next to its schedule, and writes what led to it as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from checkers.verdict import Verdict
from harness.errors import CouldNotRun
from harness.sim.run import SimulatedRun
from history import Recording
from reports.explain import explain
from reports.plots.picture.chosen import mermaid_of
from reports.plots.picture.mermaid import MERMAID_SUFFIX, Remark
from reports.plots.sequence import sequence


def draw(ran: SimulatedRun, verdict: Verdict, path: Path) -> None:
    """Write the drawing, with the verdict's evidence in red, and what led to it as a diagram of Mermaid.

    Args:
        path: of the drawing; that of the text ends with `MERMAID_SUFFIX` instead.

    Raises:
        CouldNotRun: a file cannot be written.
    """
    recording = ran.recording()
    write(path, str(sequence(recording, verdict.evidence)) + "\n")
    write_mermaid(path.with_suffix(MERMAID_SUFFIX), recording, (verdict,))


def write_mermaid(
    path: Path, recording: Recording, verdicts: Sequence[Verdict], remarks: Sequence[Remark] = ()
) -> None:
    """Write what led to a violation as a diagram of Mermaid; nothing if there is nothing to draw.

    Args:
        remarks: what is known besides of moments of the run.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    text = mermaid_of(recording, verdicts, explain(recording, verdicts), remarks)
    if text is not None:
        write(path, text)


def write(path: Path, text: str) -> None:
    """Write one text.

    Raises:
        CouldNotRun: the file cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"cannot write {path}: {error.strerror}") from error
