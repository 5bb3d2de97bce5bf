"""Chooses, of the nodes' traces, the few events and messages that a picture of a violation needs.

A trace has thousands of events, and a picture has room for some twenty. So each event gets a weight: most
weigh the ones that the evidence names, then elections and votes of the terms it is about, then what happened
to the log indices it is about, then other changes of role at that time. Most events weigh nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checkers.explanation import Explanation
from checkers.verdict import EventRef, Evidence
from history import Recording, TraceEvent
from reports.roles import TraceMarks
from reports.spans import Spans

MOST_MOMENTS = 24
MOST_MESSAGES = 22
MOST_LOST = 4
MOST_INDICES = 6

_INDEX = re.compile(r"\bindex (\d{1,12})\b")

Place = tuple[str, int, int]
"""Node, life and sequence number of an event."""


@dataclass(frozen=True)
class Subject:
    """What a picture is to show, as evidence or an explanation names it."""

    title: str
    """What must not happen, in a few words."""
    operations: tuple[int, ...]
    events: tuple[EventRef, ...]
    nodes: tuple[str, ...]
    terms: tuple[int, ...]
    indices: tuple[int, ...]
    wrong: tuple[EventRef, ...]
    """The events that have a cross."""
    wrong_at: int | None = None
    """When the impossible step was taken, in nanoseconds since the run began; None: with the last event."""
    lines: Mapping[Place, int] = field(default_factory=dict)
    """By trace event: the number of the line of the story that is about it."""
    began: Mapping[int, int] = field(default_factory=dict)
    """By operation: the number of the line about its invocation."""
    ended: Mapping[int, int] = field(default_factory=dict)
    """By operation: the number of the line about its completion."""

    @classmethod
    def of_evidence(cls, evidence: Evidence) -> Subject:
        """What one piece of evidence names."""
        found = _INDEX.findall(f"{evidence.title} {evidence.text}")
        return cls(
            title=evidence.title,
            operations=evidence.operations,
            events=evidence.events,
            nodes=evidence.nodes,
            terms=(),
            indices=tuple(map(int, found)),
            wrong=evidence.events,
        )

    @classmethod
    def of_explanation(cls, explanation: Explanation) -> Subject | None:
        """What the explanation of a verdict names; None if it says nothing of what to draw."""
        moments = explanation.moments
        if moments is None:
            return None
        story = explanation.story
        wrong = None if moments.wrong is None or moments.wrong >= len(story) else story[moments.wrong]
        numbered = list(enumerate(story, start=1))
        return cls(
            title=explanation.headline if wrong is None else wrong.text,
            operations=moments.operations,
            events=moments.events,
            nodes=moments.nodes,
            terms=moments.terms,
            indices=moments.indices,
            wrong=tuple(one.event for one in story if one.is_wrong and one.event is not None),
            wrong_at=None if wrong is None else wrong.time,
            lines={
                (one.event.node, one.event.life, one.event.seq): number
                for number, one in numbered
                if one.event is not None
            },
            began={
                one.operation: number
                for number, one in numbered
                if one.kind == "invoke" and one.operation is not None
            },
            ended={
                one.operation: number
                for number, one in numbered
                if one.kind == "complete" and one.operation is not None
            },
        )


@dataclass(frozen=True)
class Focus:
    """What a violation is about. Times are nanoseconds since the run began."""

    low: int
    high: int
    named: Mapping[Place, TraceEvent]
    """The trace events that the subject names."""
    wrong: frozenset[Place]
    """Those of them that must not happen."""
    terms: frozenset[int]
    indices: frozenset[int]

    @classmethod
    def of(cls, subject: Subject, spans: Spans, marks: TraceMarks) -> Focus | None:
        """The focus of a subject; None if it names nothing that this recording holds."""
        events = [event for ref in subject.events if (event := marks.event(ref)) is not None]
        positions = [spans.position(operation) for operation in subject.operations]
        operations = [spans.span(position) for position in positions if position is not None]
        times = [at for event in events if (at := marks.run_time(event)) is not None]
        times += [time for one in operations for time in (one.begin, one.end) if time is not None]
        if not times:
            return None
        indices = list(subject.indices)
        indices += [entry.index for event in events if len(event.entries) <= 3 for entry in event.entries]
        indices += [event.index for event in events if event.index]
        indices += [one.raft_index for one in operations if one.raft_index is not None]
        return cls(
            low=min(times),
            high=max(times),
            named={(event.node, event.life, event.seq): event for event in events},
            wrong=frozenset((ref.node, ref.life, ref.seq) for ref in subject.wrong),
            terms=frozenset((*subject.terms, *(event.term for event in events))),
            indices=frozenset(list(dict.fromkeys(indices))[:MOST_INDICES]),
        )


@dataclass(frozen=True)
class Moment:
    """Something that a node did, at `at` nanoseconds since the run began."""

    node: str
    at: int
    words: str
    weight: int
    place: Place
    is_wrong: bool
    """Whether it must not happen."""
    line: int | None
    """The number of the line of the story that is about it."""
    cause: str | None
    """The id of the message that the node was handling; None where it was not known to handle one."""
    received_at: int = 0


@dataclass(frozen=True)
class Message:
    """A message from one node to another; `received_at` is None if it never arrived."""

    sender: str
    receiver: str
    sent_at: int
    received_at: int | None
    name: str


def moments(
    recording: Recording, marks: TraceMarks, focus: Focus, lines: Mapping[Place, int]
) -> tuple[list[Moment], int]:
    """The moments to draw in the order of time, and how many that weigh something are left out."""
    found: list[Moment] = []
    for node in recording.traces:
        found += _weighed(node, recording.traces[node].events, marks, focus, lines)
    leaders = [one for one in found if one.at < focus.low and one.weight == _BEFORE]
    last_leaders = sorted(leaders, key=lambda one: one.at)[-2:]
    found = [one for one in found if one.weight != _BEFORE] + last_leaders
    found.sort(key=lambda one: (-one.weight, abs(focus.high - one.at), one.place))
    # What one node did at one instant is one mark, and takes the place of one.
    kept: dict[tuple[str, int], list[Moment]] = {}
    left_out = 0
    for one in found:
        if (one.node, one.at) in kept or len(kept) < MOST_MOMENTS:
            kept.setdefault((one.node, one.at), []).append(one)
        else:
            left_out += 1
    chosen = [_together(sorted(group, key=lambda one: one.place)) for group in kept.values()]
    return sorted(chosen, key=lambda one: (one.at, one.node)), left_out


def _together(group: Sequence[Moment]) -> Moment:
    """What a node did at one instant, as one moment."""
    words = dict.fromkeys(one.words for one in group)
    wrong = [one for one in group if one.is_wrong]
    lead = (wrong or group)[0]
    line = next((one.line for one in group if one.line is not None), None)
    cause = next((one for one in group if one.cause is not None), lead)
    return replace(lead, words="; ".join(words), cause=cause.cause, received_at=cause.received_at, line=line)


_BEFORE = 40
"""The weight of a change of leader before the violation began, of which the last two are drawn."""


def _weighed(
    node: str, events: Sequence[TraceEvent], marks: TraceMarks, focus: Focus, lines: Mapping[Place, int]
) -> Iterator[Moment]:
    """Each event of a node that weighs something."""
    life, commit, role = 0, 0, "follower"
    cause: TraceEvent | None = None
    for event in events:
        if event.life != life:
            life, commit, role, cause = event.life, event.commit, "follower", None
        match event.event:
            case "receive":
                cause = event
                continue
            case "synced" | "send" | "apply":
                continue
        place = (node, event.life, event.seq)
        weight = 100 if place in focus.named else _weight(event, focus, commit, role, marks)
        commit, role = event.commit, event.role
        at = marks.run_time(event)
        if not weight or at is None:
            continue
        is_handling = cause is not None and event.event not in ("restart", "stop")
        yield Moment(
            node=node,
            at=at,
            words=in_words(event, focus.indices),
            weight=weight,
            place=place,
            is_wrong=place in focus.wrong,
            line=lines.get(place),
            cause=cause.message_id if is_handling and cause is not None else None,
            received_at=(marks.run_time(cause) or 0) if is_handling and cause is not None else 0,
        )


def _weight(event: TraceEvent, focus: Focus, commit: int, role: str, marks: TraceMarks) -> int:
    """How much an event matters that the evidence does not name; 0 for not at all."""
    at = marks.run_time(event) or 0
    is_within = focus.low <= at <= focus.high
    is_of_term = event.term in focus.terms and at <= focus.high
    match event.event:
        case "role" if event.role == "leader":
            return 70 if is_of_term else 50 if is_within else _BEFORE if at < focus.low else 0
        case "role" if event.role == "candidate":
            return 52 if is_of_term else 12 if is_within else 0
        case "role":
            return 45 if is_within and role == "leader" else 0
        case "vote":
            return 60 if is_of_term else 8 if is_within else 0
        case "append":
            first, last = (event.entries[0].index, event.entries[-1].index) if event.entries else (1, 0)
            return 62 if any(first <= index <= last for index in focus.indices) else 0
        case "truncate":
            is_about = any(index >= (event.index or 0) for index in focus.indices)
            return 66 if is_about else 35 if is_within else 0
        case "commit":
            crossed = any(commit < index <= event.commit for index in focus.indices)
            return (58 if event.role == "leader" else 30) if crossed else 0
        case "acknowledge":
            return 64 if event.index in focus.indices else 0
        case "snapshot":
            return 30 if is_within else 0
        case "restart" | "stop":
            return 44 if (is_within and event.seq > 1) or (is_within and event.life > 1) else 0
        case "configuration":
            return 33 if is_within else 0
    return 0


def in_words(event: TraceEvent, indices: frozenset[int] = frozenset()) -> str:
    """An event as a label, short; of several log indices those in `indices`."""
    match event.event:
        case "role" if event.role == "leader":
            return f"leads term {event.term}"
        case "role" if event.role == "candidate":
            return f"stands for term {event.term}"
        case "role":
            return f"{event.role}, term {event.term}"
        case "vote":
            return f"votes for {event.vote}, term {event.term}"
        case "append" if event.entries:
            about = [entry for entry in event.entries if entry.index in indices] or [event.entries[0]]
            return "appends " + ", ".join(f"{entry.index} of term {entry.term}" for entry in about[:3])
        case "truncate":
            return f"truncates from {event.index}"
        case "commit":
            return f"commits {event.commit}"
        case "acknowledge":
            return f"acknowledges {event.index}"
        case "snapshot":
            return f"snapshot to {event.index}"
        case "term":
            return f"term {event.term}"
        case "restart":
            return f"starts again in term {event.term}" if event.life > 1 else f"starts in term {event.term}"
        case "stop":
            return "stops"
        case "configuration":
            return f"members {', '.join(event.members or ())}"
        case "synced":
            return f"{event.index} is on disk"
        case "apply" if event.entries:
            return f"applies {event.entries[-1].index}"
    return str(event.event)


def messages(
    recording: Recording, marks: TraceMarks, focus: Focus, chosen: Sequence[Moment]
) -> list[Message]:
    """The messages that led to the chosen moments, and some that carried an index in focus and were lost."""
    wanted = {one.cause: one for one in chosen if one.cause is not None}
    found: list[tuple[int, Message]] = []
    perhaps_lost: dict[str, Message] = {}
    for node, trace in recording.traces.items():
        for event in trace.events:
            if event.event != "send" or event.message_id is None or event.peer is None:
                continue
            sent_at = marks.run_time(event) or 0
            moment = wanted.get(event.message_id)
            if moment is not None and moment.node == event.peer:
                message = Message(node, moment.node, sent_at, moment.received_at, str(event.message))
                found.append((moment.weight, message))
            elif len(perhaps_lost) < 400 and _may_matter(event, focus, sent_at):
                name = str(event.message)
                perhaps_lost[event.message_id] = Message(node, event.peer, sent_at, None, name)
    found.sort(key=lambda one: (-one[0], one[1].sent_at))
    lost = _without_received(recording, perhaps_lost) if perhaps_lost else []
    return [message for _, message in found[:MOST_MESSAGES]] + lost[:MOST_LOST]


def _may_matter(event: TraceEvent, focus: Focus, sent_at: int) -> bool:
    """Whether a message would matter if it was lost."""
    if not focus.low <= sent_at <= focus.high:
        return False
    if event.message == "AppendEntries":
        first = (event.index or 0) + 1
        return any(first <= index < first + event.count for index in focus.indices)
    return event.message == "RequestVote" and event.term in focus.terms


def _without_received(recording: Recording, candidates: Mapping[str, Message]) -> list[Message]:
    """Those of the messages that no trace of their receiver takes; none where that trace has gaps."""
    left = {
        id_: message
        for id_, message in candidates.items()
        if message.receiver in recording.traces and not recording.traces[message.receiver].gaps
    }
    for trace in recording.traces.values():
        for event in trace.events:
            if event.event == "receive" and event.message_id in left:
                del left[event.message_id]
    first_of: dict[tuple[str, str], Message] = {}
    for message in sorted(left.values(), key=lambda one: one.sent_at):
        first_of.setdefault((message.sender, message.receiver), message)
    return sorted(first_of.values(), key=lambda one: one.sent_at)
