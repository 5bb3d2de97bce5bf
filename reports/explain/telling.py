"""All that an explanation of one violation draws on: the cause, its consequence, and what the traces show of
them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from checkers.registry.names import BEAT
from checkers.verdict import Evidence, Validity, Verdict
from history import TraceEvent
from reports.explain.cause import (
    CONFORMANCE,
    HARM,
    MILD,
    MOST_LOOKED_AT,
    NODES_SHOW,
    NOT_KNOWN,
    Cause,
    time_of,
)
from reports.explain.gathered import Gathered, gather, indices_of
from reports.explain.scene import Scene
from reports.explain.steps import index_of
from reports.spans import READS, Span

MOST_OPERATIONS = 8
MOST_WRITES = 2
MOST_INDICES = 4
OF_ENTRIES = frozenset({"append", "truncate", "acknowledge", "apply", "commit"})
_INDEX = re.compile(r"\b(above |below )?index (\d{1,15})\b")
_STEP = {"above ": 1, "below ": -1, "": 0}


@dataclass(frozen=True)
class Telling:
    """One violation with all that is known of it."""

    scene: Scene
    cause: Cause
    found: Gathered
    events: tuple[TraceEvent, ...]
    """The events of the cause's evidence, in its order."""
    spans: tuple[Span, ...]
    """The clients' operations of the cause's evidence, in its order."""
    effect: Evidence | None
    """What followed: the violation of another checker that shows it best."""
    effect_spans: tuple[Span, ...]
    steps: tuple[tuple[TraceEvent, Evidence], ...]
    """The steps that the specification forbids, those that belong to the cause first."""
    indices: tuple[int, ...]
    """The indices of the log that matter, what matters most first."""

    @property
    def evidence(self) -> Evidence | None:
        """The evidence of the cause."""
        return self.cause.evidence

    @property
    def wrong(self) -> TraceEvent | None:
        """The step of a node that must not happen, if the traces show one."""
        if not self.events:
            return None
        step = self.steps[0][0] if self.steps and self.cause.verdict.checker != CONFORMANCE else None
        if step is not None and step.term in {one.term for one in self.events}:
            return step
        return self.events[-1]


def tell(scene: Scene, verdicts: Sequence[Verdict], cause: Cause) -> Telling:
    """Gather what is known of a cause, with at most two passes over the traces."""
    cause, effect = _told_together(scene, verdicts, cause)
    evidence = cause.evidence
    events = () if evidence is None else _events(scene, evidence)
    spans = () if evidence is None else tuple(scene.operations(evidence.operations[:MOST_OPERATIONS]))
    steps = _forbidden(scene, verdicts, events)
    effect_spans = () if effect is None else tuple(scene.operations(effect.operations[:MOST_OPERATIONS]))
    indices = _indices(scene, cause, events, spans, effect, effect_spans)
    traces = [trace for trace in scene.recording.traces.values() if trace.events]
    found = gather(traces, indices)
    return Telling(scene, cause, found, events, spans, effect, effect_spans, steps, indices)


def _told_together(scene: Scene, verdicts: Sequence[Verdict], cause: Cause) -> tuple[Cause, Evidence | None]:
    """The cause with what followed from it: if some violation of the cause and some harm share an operation,
    the first two that do."""
    by_name = {verdict.checker: verdict for verdict in verdicts}
    of_cause = [
        (place, _numbers(scene, evidence))
        for place, evidence in enumerate(cause.verdict.evidence[:MOST_LOOKED_AT])
    ]
    for name in (name for name in HARM if name in cause.follows and name not in MILD):
        known = by_name[name].evidence[:MOST_LOOKED_AT]
        for harm in known if cause.verdict.checker != CONFORMANCE else ():
            touched = _numbers(scene, harm)
            for place, numbers in of_cause:
                if numbers & touched:
                    return cause._replace(evidence=cause.verdict.evidence[place], place=place), harm
        if known and known[0].operations:  # without, it is about nodes, of which others may show more
            return cause, known[0]
    return cause, _first_effect(scene, by_name, cause)


def _numbers(scene: Scene, evidence: Evidence) -> set[int]:
    return {scene.spans.number(operation) for operation in evidence.operations[:MOST_LOOKED_AT]}


def _first_effect(scene: Scene, by_name: Mapping[str, Verdict], cause: Cause) -> Evidence | None:
    """The earliest consequence, of a checker of nodes if one shows it; None if there is none."""
    found = [
        (name not in NODES_SHOW, time is None, time or 0, number, evidence)
        for number, name in enumerate(cause.follows)
        if name != CONFORMANCE and name not in MILD
        for evidence in by_name[name].evidence[:MOST_LOOKED_AT]
        if evidence.title != NOT_KNOWN
        for time in (time_of(scene, evidence),)
    ]
    return min(found, key=lambda one: one[:4])[4] if found else None


def _events(scene: Scene, evidence: Evidence) -> tuple[TraceEvent, ...]:
    found = (scene.event(ref) for ref in evidence.events[:MOST_LOOKED_AT])
    return tuple(event for event in found if event is not None)


def _forbidden(
    scene: Scene, verdicts: Sequence[Verdict], events: Sequence[TraceEvent]
) -> tuple[tuple[TraceEvent, Evidence], ...]:
    """The steps that the specification forbids: of the cause's nodes and terms first, then by time."""
    steps = [
        (event, evidence)
        for verdict in verdicts
        if verdict.checker == CONFORMANCE and verdict.validity is Validity.INVALID
        for evidence in verdict.evidence[:MOST_LOOKED_AT]
        for event in _events(scene, evidence)
    ]
    terms = {event.term for event in events}
    places = {(event.node, event.life, event.seq) for event in events}

    def rank(one: tuple[TraceEvent, Evidence]) -> tuple[bool, bool, bool, int]:
        event, _ = one
        time = scene.time(event)
        return (
            (event.node, event.life, event.seq) not in places,
            event.term not in terms,
            time is None,
            time or 0,
        )

    return tuple(sorted(steps, key=rank))


def _indices(
    scene: Scene,
    cause: Cause,
    events: Sequence[TraceEvent],
    spans: Sequence[Span],
    effect: Evidence | None,
    effect_spans: Sequence[Span],
) -> tuple[int, ...]:
    """Where the logs matter: what the evidence names, then its operations, then the consequence's."""
    found: dict[int, None] = {}

    def add(numbers: Iterable[int | None]) -> None:
        found.update(dict.fromkeys(number for number in numbers if number))

    if cause.evidence is not None:
        add(_named(cause.evidence.title))
    add(index_of(event) for event in events if event.event in OF_ENTRIES)
    by_operation: dict[int, int] = {}
    asked = [span.index for span in (*spans, *effect_spans) if span.raft_index is None]
    if asked and scene.recording.traces:
        by_operation = indices_of(scene.recording.traces, asked)
    both = {span.index for span in spans} & {span.index for span in effect_spans}
    changing = (span for span in spans if span.f not in READS and span.f != BEAT)
    writes = sorted(changing, key=lambda span: span.index not in both)
    harmed = [span for span in effect_spans if span.f not in READS]
    add(span.raft_index or by_operation.get(span.index) for span in writes[:MOST_WRITES])
    add(span.raft_index or by_operation.get(span.index) for span in harmed[:1])
    if effect is not None:
        add(_named(effect.title))
    return tuple(found)[:MOST_INDICES]


def _named(title: str) -> list[int]:
    """The indices of the log that a title names; of what was lost above an index, the first that was, and of
    logs that differ below one, the last that does."""
    return [int(index) + _STEP[where] for where, index in _INDEX.findall(title)]
