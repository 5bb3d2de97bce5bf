"""What each node was over time: down, paused, or up as follower, candidate or leader in a term.

Up and down come from the processes' lives, roles and terms from the nodes' traces. A trace's `at` is
the node's own monotonic clock; on one machine all processes share CLOCK_MONOTONIC, so it becomes run
time by subtracting `options["monotonic_start_ns"]`, that clock's reading at run time 0. Without it
(or where the result falls outside the run, as from another machine's clock) roles are not placed
in time, and `RoleLanes.missing` has the reason. Nothing is judged from these times; they are only drawn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from checkers.verdict import EventRef
from history import NodeLife, PolledStatus, Recording, TraceEvent
from history.units import SECOND_NS
from reports.faults import FaultPeriod

ROLE_EVENTS = frozenset({"restart", "term", "role", "stop"})
_SLACK_NS = 60 * SECOND_NS
"""How far outside the run an aligned event may lie before its clock cannot be the run's."""


@dataclass(frozen=True)
class Segment:
    """A node's state from `begin` to `end` (ns). `state`: follower, candidate, leader, up, down or paused."""

    state: str
    term: int | None
    begin: int
    end: int


@dataclass(frozen=True)
class RoleLanes:
    """The states of each node over time; pauses are kept apart because they lie over a role."""

    lanes: Mapping[str, tuple[Segment, ...]]
    pauses: Mapping[str, tuple[Segment, ...]]
    missing: tuple[str, ...]
    """What could not be drawn and for what reason, a sentence each."""


class TraceMarks:
    """The few events of the traces that reports need, found in one pass each."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        start = recording.options.get("monotonic_start_ns")
        self.start_ns = start if isinstance(start, int) and not isinstance(start, bool) else None

    @cached_property
    def role_events(self) -> dict[str, list[TraceEvent]]:
        """By node: restart, term, role and stop events in the node's order."""
        return {
            node: [event for event in trace.events if event.event in ROLE_EVENTS]
            for node, trace in self._recording.traces.items()
        }

    def leader_changes(self) -> int | None:
        """How many (node, term) pairs became leader, less the first; None without any trace or answer."""
        answers = self._recording.statuses
        if not self._recording.traces:
            led = {(status.term, status.node) for status in answers if status.role == "leader"}
            return max(len(led) - 1, 0) if answers else None
        won = {
            (event.term, node)
            for node, events in self.role_events.items()
            for event in events
            if event.event == "role" and event.role == "leader"
        }
        return max(len(won) - 1, 0)

    def event(self, ref: EventRef) -> TraceEvent | None:
        """The event that evidence names; None if the trace does not have it."""
        trace = self._recording.traces.get(ref.node)
        if trace is None:
            return None
        wanted = (ref.life, ref.seq)
        at = bisect_left(trace.events, wanted, key=lambda event: (event.life, event.seq))
        if at < len(trace.events) and (trace.events[at].life, trace.events[at].seq) == wanted:
            return trace.events[at]
        return None

    def run_time(self, event: TraceEvent) -> int | None:
        """When it happened, in nanoseconds since the run began; None where the clocks cannot be aligned."""
        return None if self.start_ns is None else event.at - self.start_ns


def role_lanes(
    recording: Recording, marks: TraceMarks, periods: Sequence[FaultPeriod], end_of_run: int
) -> RoleLanes:
    """Every node's lane; empty where there is neither a life nor a trace with an aligned clock."""
    missing: list[str] = []
    events = marks.role_events
    if not recording.traces:
        missing.append(
            "Roles and terms are what the nodes answered when they were asked: they write no trace."
            if recording.statuses
            else "Roles and terms are not shown: the nodes left no trace."
        )
        events = {}
    elif marks.start_ns is None:
        missing.append(
            "Roles and terms are not shown: the options lack `monotonic_start_ns`, the monotonic clock when "
            "the run began. Without it, the nodes' clocks cannot be compared with the run's."
        )
        events = {}
    elif any(_misaligned(marks, node_events, end_of_run) for node_events in events.values()):
        missing.append(
            "Roles and terms are not shown: by `monotonic_start_ns` the traces lie outside the run. So the "
            "nodes' clocks are not the harness's: the nodes ran on another machine, or it was restarted."
        )
        events = {}
    if not recording.lives and events:
        missing.append("Down times are not shown: the recording holds no process lives.")

    lanes: dict[str, tuple[Segment, ...]] = {}
    for node in recording.nodes:
        lives = sorted((life for life in recording.lives if life.node == node), key=lambda life: life.life)
        answers = [status for status in recording.statuses if status.node == node]
        lanes[node] = tuple(_lane(lives, events.get(node, []), answers, marks, end_of_run))
    pauses = {
        node: tuple(
            Segment("paused", None, period.begin, period.end)
            for period in periods
            if period.kind == "pause" and node in period.nodes
        )
        for node in recording.nodes
    }
    return RoleLanes(lanes=lanes, pauses=pauses, missing=tuple(missing))


def _misaligned(marks: TraceMarks, events: Sequence[TraceEvent], end_of_run: int) -> bool:
    times = [marks.run_time(event) for event in (*events[:1], *events[-1:])]
    return any(time is not None and not -_SLACK_NS <= time <= end_of_run + _SLACK_NS for time in times)


def _lane(
    lives: Sequence[NodeLife],
    events: Sequence[TraceEvent],
    answers: Sequence[PolledStatus],
    marks: TraceMarks,
    end_of_run: int,
) -> list[Segment]:
    by_life: dict[int, list[TraceEvent]] = {}
    for event in events:
        by_life.setdefault(event.life, []).append(event)
    if not lives and by_life:
        # It is not known when a life ended: each is drawn until the next one's first event.
        starts = [0, *(marks.run_time(found[0]) or 0 for found in list(by_life.values())[1:])]
        lives = [
            NodeLife(events[0].node, life, 0, started_at=start, ended_at=end)
            for life, start, end in zip(by_life, starts, [*starts[1:], None], strict=True)
        ]
    if not lives:
        return []
    segments: list[Segment] = []
    up_to = 0
    for life in lives:
        begin = max(life.started_at, 0)
        end = end_of_run if life.ended_at is None else min(life.ended_at, end_of_run)
        if begin > up_to:
            segments.append(Segment("down", None, up_to, begin))
        traced = [_traced(event, marks) for event in by_life.get(life.life, [])]
        answered = [
            (status.time, status.role, status.term or None)
            for status in answers
            if begin <= status.time < end
        ]
        segments.extend(_life(traced or answered, begin, end))
        up_to = max(up_to, end)
    if up_to < end_of_run:
        segments.append(Segment("down", None, up_to, end_of_run))
    return segments


_Change = tuple[int, str, int | None]
"""A time in the run, and the state and term of a node from then on."""


def _traced(event: TraceEvent, marks: TraceMarks) -> _Change:
    at = marks.run_time(event) or 0
    return (at, "down", None) if event.event == "stop" else (at, str(event.role), event.term)


def _life(changes: Sequence[_Change], begin: int, end: int) -> list[Segment]:
    """One life's segments: `up` until its first change, then one a (state, term), never outside the life."""
    segments: list[Segment] = []
    state: str = "up"
    term: int | None = None
    since = begin
    for time, next_state, next_term in changes:
        at = min(max(time, begin), end)
        if (next_state, next_term) == (state, term):
            continue
        if at > since:
            segments.append(Segment(state, term, since, at))
        state, term, since = next_state, next_term, at
    if end > since and not (state == "down" and since == end):
        segments.append(Segment(state, term, since, end))
    return segments


RANK = {"leader": 5, "candidate": 4, "follower": 3, "up": 2, "down": 1}
"""Which state of several within one column of pixels is drawn."""


def coarsened(segments: Sequence[Segment], end_of_run: int, columns: int) -> list[Segment]:
    """At most `columns` segments, each some whole columns wide, with the highest-ranking state in them."""
    best: list[Segment | None] = [None] * columns
    for segment in segments:
        first = min(segment.begin * columns // end_of_run, columns - 1)
        last = min(max(segment.end - 1, segment.begin) * columns // end_of_run, columns - 1)
        for column in range(first, last + 1):
            held = best[column]
            if held is None or RANK.get(segment.state, 0) > RANK.get(held.state, 0):
                best[column] = segment
    merged: list[Segment] = []
    for column, chosen in enumerate(best):
        if chosen is None:
            continue
        begin, end = column * end_of_run // columns, (column + 1) * end_of_run // columns
        if (
            merged
            and merged[-1].end >= begin
            and (merged[-1].state, merged[-1].term) == (chosen.state, chosen.term)
        ):
            merged[-1] = Segment(chosen.state, chosen.term, merged[-1].begin, end)
        else:
            merged.append(Segment(chosen.state, chosen.term, begin, end))
    return merged
