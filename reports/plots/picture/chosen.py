"""Chooses what the picture of a run shows first: what is explained, else the first violation to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checkers.explanation import Explanation
from checkers.verdict import Validity, Verdict
from history import Recording
from reports.faults import FaultPeriod, fault_periods
from reports.plots.picture.mermaid import Remark, mermaid
from reports.plots.picture.moments import Focus, Subject
from reports.plots.picture.scene import Scene, scene_of
from reports.roles import RoleLanes, TraceMarks, role_lanes
from reports.spans import Spans, end_of_run

MOST_TRIED = 30
"""How many pieces of evidence of one verdict are tried."""


def chosen_scene(
    verdicts: Sequence[Verdict],
    explanation: Explanation | None,
    recording: Recording,
    spans: Spans,
    marks: TraceMarks,
    roles: RoleLanes,
    periods: Sequence[FaultPeriod],
) -> tuple[Scene, Focus] | None:
    """The scene to draw, and what it is about; None if nothing can be drawn.

    Args:
        verdicts: the gravest first.
    """
    for subject in _subjects(verdicts, explanation):
        scene = scene_of(subject, recording, spans, marks, roles, periods)
        focus = Focus.of(subject, spans, marks)
        if scene is not None and focus is not None:
            return scene, focus
    return None


def mermaid_of(
    recording: Recording,
    verdicts: Sequence[Verdict],
    explanation: Explanation | None,
    remarks: Sequence[Remark] = (),
) -> str | None:
    """The picture of a run as the text of a Mermaid diagram; None if nothing can be drawn.

    Args:
        verdicts: the gravest first.
        remarks: what is known besides of moments of the run.
    """
    spans = Spans.of(recording.history)
    end = end_of_run(recording.history, 0, 0)
    periods = fault_periods(spans.nemesis(), end, recording.fault_kinds)
    marks = TraceMarks(recording)
    roles = role_lanes(recording, marks, periods, end)
    chosen = chosen_scene(verdicts, explanation, recording, spans, marks, roles, periods)
    return None if chosen is None else mermaid(chosen[0], remarks)


def _subjects(verdicts: Sequence[Verdict], explanation: Explanation | None) -> Iterator[Subject]:
    explained = None if explanation is None else Subject.of_explanation(explanation)
    if explained is not None:
        yield explained
    for verdict in verdicts:
        if verdict.validity is Validity.INVALID:
            yield from map(Subject.of_evidence, verdict.evidence[:MOST_TRIED])
