"""What a picture of a violation shows: operations, faults, roles, moments, messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checkers.words import plural
from history import Recording
from reports.excerpt import excerpt
from reports.faults import FaultPeriod
from reports.plots.picture.moments import Focus, Message, Moment, Subject, messages, moments
from reports.roles import RoleLanes, Segment, TraceMarks
from reports.spans import Span, Spans

MOST_OPERATIONS = 14
MOST_NAMED = 11
MOST_LANES = 7
MOST_PERIODS = 8


@dataclass(frozen=True)
class Scene:
    """What is drawn. Times are nanoseconds since the run began."""

    operations: tuple[Span, ...]
    """Of clients, by invocation."""
    named: frozenset[int]
    """The numbers of those that the subject names."""
    nodes: tuple[str, ...]
    """The nodes that have a lane; none for a system without traces."""
    lanes: Mapping[str, tuple[Segment, ...]]
    pauses: Mapping[str, tuple[Segment, ...]]
    moments: tuple[Moment, ...]
    messages: tuple[Message, ...]
    periods: tuple[FaultPeriod, ...]
    subject: Subject
    impossible_at: int
    """When the step was taken that must not happen."""
    notes: tuple[str, ...]
    """What the picture leaves out, a sentence each."""

    @property
    def times(self) -> list[int]:
        """Every instant that has a mark."""
        found = [one.begin for one in self.operations]
        found += [one.end for one in self.operations if one.end is not None]
        found += [one.at for one in self.moments]
        found.append(self.impossible_at)
        for message in self.messages:
            found += [message.sent_at, *([] if message.received_at is None else [message.received_at])]
        first, last = min(found), max(found)
        for period in self.periods:
            found += [at for at in (period.begin, period.end) if first < at < last]
        return sorted(set(found))


def scene_of(
    subject: Subject,
    recording: Recording,
    spans: Spans,
    marks: TraceMarks,
    roles: RoleLanes,
    periods: Sequence[FaultPeriod],
) -> Scene | None:
    """The scene of a subject; None if it names nothing that this recording holds."""
    focus = Focus.of(subject, spans, marks)
    if focus is None:
        return None
    notes: list[str] = []
    operations, named = _operations(subject, spans, notes)
    is_traced = any(roles.lanes.values()) and bool(marks.role_events) and not _are_roles_missing(roles, marks)
    chosen: list[Moment] = []
    sent: list[Message] = []
    if is_traced:
        chosen, left_out = moments(recording, marks, focus, subject.lines)
        sent = messages(recording, marks, focus, chosen)
        if left_out:
            few = "1 event of the nodes that matters less is"
            many = f"{plural(left_out, 'event')} of the nodes that matter less are"
            notes.append(f"{few if left_out == 1 else many} not drawn.")
    elif not recording.traces:
        notes.append("The nodes left no trace: the picture has only what clients saw and the faults.")
    else:
        notes.append("The nodes' clocks cannot be compared with the run's: no node is drawn.")
    if not operations and not chosen:
        return None
    nodes = _nodes(recording, subject, chosen, sent, notes) if is_traced else ()
    if not is_traced and any(roles.lanes.values()):
        nodes = _nodes(recording, subject, chosen, sent, notes)
    shown = frozenset(nodes)
    times = [time for one in operations for time in (one.begin, one.end) if time is not None]
    times += [one.at for one in chosen]
    near = [one for one in periods if one.begin <= max(times) and one.end >= min(times)]
    if len(near) > MOST_PERIODS:
        notes.append(f"{plural(len(near) - MOST_PERIODS, 'fault period')} of that time are not drawn.")
        near = sorted(sorted(near, key=lambda one: -one.begin)[:MOST_PERIODS], key=lambda one: one.begin)
    return Scene(
        operations=operations,
        named=named,
        nodes=nodes,
        lanes=roles.lanes,
        pauses=roles.pauses,
        moments=tuple(one for one in chosen if one.node in shown),
        messages=tuple(one for one in sent if {one.sender, one.receiver} <= shown),
        periods=tuple(near),
        subject=subject,
        impossible_at=focus.high if subject.wrong_at is None else subject.wrong_at,
        notes=tuple(notes),
    )


def _are_roles_missing(roles: RoleLanes, marks: TraceMarks) -> bool:
    """Whether the traces cannot be placed in the run's time."""
    return marks.start_ns is None or any("lie outside the run" in reason for reason in roles.missing)


def _operations(subject: Subject, spans: Spans, notes: list[str]) -> tuple[tuple[Span, ...], frozenset[int]]:
    """The operations to draw, and the numbers of those that the subject names."""
    part = excerpt(spans, subject.operations)
    clients = [one for one in part.spans if not one.is_nemesis]
    named = [one for one in clients if one.index in part.named]
    if len(named) > MOST_NAMED:
        notes.append(f"{len(named)} operations matter; the last {MOST_NAMED} are drawn.")
        named = named[-MOST_NAMED:]
    on_the_keys = [one for one in clients if one.index not in part.named and one.key in part.keys]
    others = on_the_keys[: max(MOST_OPERATIONS - len(named), 0)]
    shown = sorted([*named, *others], key=lambda one: one.index)
    return tuple(shown), frozenset(one.index for one in named)


def _nodes(
    recording: Recording,
    subject: Subject,
    chosen: Sequence[Moment],
    sent: Sequence[Message],
    notes: list[str],
) -> tuple[str, ...]:
    """The nodes that have a lane, in the cluster's order; where there are too many, those that take part."""
    if len(recording.nodes) <= MOST_LANES:
        return recording.nodes
    part = dict.fromkeys(subject.nodes)
    part |= dict.fromkeys(one.node for one in sorted(chosen, key=lambda one: -one.weight))
    part |= dict.fromkeys(node for one in sent for node in (one.sender, one.receiver))
    kept = list(part | dict.fromkeys(recording.nodes))[:MOST_LANES]
    notes.append(f"{plural(len(recording.nodes) - MOST_LANES, 'more node')} are not drawn.")
    return tuple(node for node in recording.nodes if node in kept)
