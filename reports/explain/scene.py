"""Looks things up in one recording: operations, trace events and their times, faults, who led when."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from checkers.registry.names import EXPIRE
from checkers.verdict import EventRef
from history import NodeLife, Recording, TraceEvent
from history.nemesis import NemesisCompletion, read_completion
from history.values import in_words, key_in_words
from reports.faults import FaultPeriod, fault_periods
from reports.roles import TraceMarks
from reports.spans import READS, Span, Spans, end_of_run
from reports.text import clean, seconds, shorten
from reports.text import short as shown

LONGEST_VALUE = 60


class Scene:
    """One recording, as an explanation looks at it."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.marks = TraceMarks(recording)

    @cached_property
    def spans(self) -> Spans:
        """All operations."""
        return Spans.of(self.recording.history)

    @cached_property
    def is_timed(self) -> bool:
        """Whether the history has times; one from a file without times counts its events instead."""
        times = self.recording.history.columns.time
        return not np.array_equal(times, np.arange(len(times)))

    @cached_property
    def end(self) -> int:
        """The last instant of the run, in nanoseconds."""
        return end_of_run(self.recording.history)

    @cached_property
    def nemesis(self) -> list[Span]:
        """What the nemesis did, in order."""
        return self.spans.nemesis()

    @cached_property
    def faults(self) -> list[FaultPeriod]:
        """What was broken, and from when to when."""
        return fault_periods(self.nemesis, self.end, self.recording.fault_kinds)

    def span(self, operation: int) -> Span | None:
        """The operation of this number, or of this completion; None if the history has none such."""
        position = self.spans.position(operation)
        return None if position is None else self.spans.span(position)

    def operations(self, numbers: Sequence[int]) -> list[Span]:
        """The operations of these numbers, each once, those of clients alone."""
        found = (self.span(number) for number in dict.fromkeys(map(self.spans.number, numbers)))
        return [span for span in found if span is not None and not span.is_nemesis]

    def event(self, ref: EventRef) -> TraceEvent | None:
        """The trace event at a place; None if the traces do not have it."""
        return self.marks.event(ref)

    def time(self, event: TraceEvent) -> int | None:
        """When an event happened, in nanoseconds since the run began; None where that is not known."""
        return self.marks.run_time(event)

    def at(self, time: int | None) -> str:
        """` at 3.750 s`; nothing where the time is not known."""
        return "" if time is None or not self.is_timed else f" at {seconds(time)}"

    def when(self, event: TraceEvent) -> str:
        """` at 3.750 s`; nothing where the node's clock cannot be compared with the run's."""
        return self.at(self.time(event))

    def life(self, node: str, life: int) -> NodeLife | None:
        """The process of a node's life; None if the recording does not hold it."""
        return next((one for one in self.recording.lives if (one.node, one.life) == (node, life)), None)

    def ended_by_itself(self, node: str) -> NodeLife | None:
        """The first life of a node that no fault and no teardown ended."""
        lives = [one for one in self.recording.lives if one.node == node and one.ended_at is not None]
        return next((one for one in lives if one.ended_by is None), None)

    def fault_on(self, node: str, time: int) -> FaultPeriod | None:
        """The last fault that had struck this node by then and was not mended."""
        struck = [one for one in self.faults if one.begin <= time <= one.end and node in self.struck_by(one)]
        return struck[-1] if struck else None

    def struck_by(self, period: FaultPeriod) -> tuple[str, ...]:
        """The nodes that a fault struck; of cut links, those that could reach no majority."""
        if period.nodes:
            return period.nodes
        span = self.span(period.operation)
        cut = {} if span is None else _cut_links(read_completion(span.result))
        nodes = self.recording.nodes
        return tuple(node for node in nodes if 2 * (len(nodes) - len(cut.get(node, ()))) <= len(nodes))


def _cut_links(done: NemesisCompletion) -> dict[str, set[str]]:
    """By node, those to or from which it was cut off."""
    cut: dict[str, set[str]] = {}
    for action in done.actions:
        for one, other in action.links if action.took_effect is not False else ():
            cut.setdefault(one, set()).add(other)
            cut.setdefault(other, set()).add(one)
    return cut


def name_of(span: Span) -> str:
    """An operation in words, without its number: `register svc-1 r560`."""
    words = [span.f, key_in_words(span.key or "")]
    if span.argument is not None:
        words.append(_value(span.argument))
    return shorten(clean(" ".join(word for word in words if word)), 2 * LONGEST_VALUE)


def _value(value: Any) -> str:
    """A value in one line: lists with brackets, as checkers write them; all else without quotes."""
    if isinstance(value, list | tuple) and not value:
        return ""
    if isinstance(value, list | tuple) and not any(isinstance(item, dict) for item in value):
        return shorten(clean(in_words(value)), LONGEST_VALUE)
    return shown(value, LONGEST_VALUE)


def numbered(span: Span) -> str:
    """An operation in words: `operation 582 (register svc-1 r560)`."""
    return f"operation {span.index} ({name_of(span)})"


def decided_of(op: str | None) -> str:
    """What an entry that a leader wrote by itself decides on an instance: `: svc-1/10.0.0.3:80 is removed`;
    nothing of another entry."""
    if op is None or not op.startswith(f"{EXPIRE}:") or op.count(":") < 3:
        return ""
    _, to, _, key = op.split(":", 3)
    return f": {clean(key)} is {clean(to)}"


def answer_of(span: Span) -> str:
    """What an operation was answered, in words."""
    match span.outcome:
        case "ok":
            return ("" if span.result is None else _value(span.result)) or "nothing"
        case "fail" | "info":
            return (
                f"{span.outcome} ({shorten(clean(span.error), LONGEST_VALUE)})"
                if span.error
                else span.outcome
            )
    return "nothing yet"


def outcome_of(span: Span) -> str:
    """An operation and what came of it, in words: `n1 acknowledged operation 582 (register svc-1) at index
    233`."""
    where = f" at index {span.raft_index}" if span.raft_index is not None else ""
    if span.end is None or span.outcome in ("pending", "info"):
        sent = f", sent to {span.node}," if span.node is not None else ""
        return f"{numbered(span)}{sent} had no answer that says whether it happened"
    if span.outcome == "fail":
        return f"{numbered(span)} failed{f': {clean(span.error)}' if span.error else ''}"
    if span.f in READS:
        by = f"{span.node} answered " if span.node is not None else ""
        was = " was answered" if span.node is None else ""
        return f"{by}{numbered(span)}{was} with {answer_of(span)}{where}"
    if span.node is not None and span.result in (None, span.argument):
        return f"{span.node} acknowledged {numbered(span)}{where}"
    if span.node is not None:
        return f"{span.node} answered {numbered(span)} with {answer_of(span)}{where}"
    return f"{numbered(span)} of process {span.process} was {answered(span)}"


def answered(span: Span) -> str:
    """How a write was answered: `acknowledged`, or `answered with 3` where the answer says more."""
    return "acknowledged" if span.result in (None, span.argument) else f"answered with {answer_of(span)}"


def ref_of(event: TraceEvent) -> EventRef:
    """The place of an event."""
    return EventRef(event.node, event.life, event.seq)
