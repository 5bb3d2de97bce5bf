"""All that an explanation of one violation draws on: the cause, its consequence, and what the traces show of
them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checkers.verdict import Evidence, Validity, Verdict
from history import TraceEvent
from reports.explain.cause import CONFORMANCE, MOST_LOOKED_AT, NOT_KNOWN, Cause, time_of
from reports.explain.gathered import Gathered, gather, indices_of
from reports.explain.scene import Scene
from reports.explain.steps import index_of
from reports.spans import READS, Span

MOST_OPERATIONS = 8
MOST_INDICES = 4
_INDEX = re.compile(r"\bindex (\d{1,15})\b")

SEEN_BY_CLIENTS = (
    "durability",
    "linearizability",
    "set-full",
    "total-queue",
    "lock",
    "lease",
    "bank",
    "expiry",
    "session-guarantees",
    "sessions",
    "index-honesty",
    "applied-once",
    "watch",
    "watch-order",
    "recovery",
    "bounded-staleness",
)
"""Checkers of what clients see, what matters most first."""


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
        if self.cause.verdict.checker == CONFORMANCE or not self.steps:
            return self.events[-1] if self.events else (self.steps[0][0] if self.steps else None)
        return self.steps[0][0] if self._is_of_cause(self.steps[0][0]) else (*self.events, None)[-1]

    def _is_of_cause(self, event: TraceEvent) -> bool:
        return not self.events or event.term in {one.term for one in self.events}


def tell(scene: Scene, verdicts: Sequence[Verdict], cause: Cause) -> Telling:
    """Gather what is known of a cause, with at most two passes over the traces."""
    evidence = cause.evidence
    events = () if evidence is None else _events(scene, evidence)
    spans = () if evidence is None else tuple(scene.operations(evidence.operations[:MOST_OPERATIONS]))
    steps = _forbidden(scene, verdicts, events)
    effect = _effect(scene, verdicts, cause)
    effect_spans = () if effect is None else tuple(scene.operations(effect.operations[:MOST_OPERATIONS]))
    indices = _indices(scene, cause, events, spans, effect, effect_spans)
    traces = [trace for trace in scene.recording.traces.values() if trace.events]
    found = gather(traces, indices)
    return Telling(scene, cause, found, events, spans, effect, effect_spans, steps, indices)


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


def _effect(scene: Scene, verdicts: Sequence[Verdict], cause: Cause) -> Evidence | None:
    """The consequence that says most: what clients see if there is such, and the earliest of it."""
    by_name = {verdict.checker: verdict for verdict in verdicts}
    names = sorted(cause.follows, key=lambda name: (_place(name), cause.follows.index(name)))
    for name in names:
        if name == CONFORMANCE:
            continue
        known = [one for one in by_name[name].evidence[:MOST_LOOKED_AT] if one.title != NOT_KNOWN]
        timed = [
            (time, place) for place, one in enumerate(known) if (time := time_of(scene, one)) is not None
        ]
        if known:
            return known[min(timed)[1]] if timed else known[0]
    return None


def _place(name: str) -> int:
    return SEEN_BY_CLIENTS.index(name) if name in SEEN_BY_CLIENTS else len(SEEN_BY_CLIENTS)


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
        add(map(int, _INDEX.findall(cause.evidence.title)))
    add(index_of(event) for event in events if event.event in ("append", "truncate", "acknowledge", "apply"))
    by_operation: dict[int, int] = {}
    asked = [span.index for span in (*spans, *effect_spans) if span.raft_index is None]
    if asked and scene.recording.traces:
        by_operation = indices_of(scene.recording.traces, asked)
    writes = [span for span in spans if span.f not in READS]
    add(span.raft_index or by_operation.get(span.index) for span in writes)
    if effect is not None:
        add(map(int, _INDEX.findall(effect.title)))
        add(span.raft_index or by_operation.get(span.index) for span in effect_spans if span.f not in READS)
    return tuple(found)[:MOST_INDICES]
