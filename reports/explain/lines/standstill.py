"""Who kept a cluster from going on, where a checker shows only who was left without an answer.

Reads that time out, a node that stays behind, a cluster without a leader: what happened shows at those who
waited, and the step that was not taken is another node's. The traces have it:

- a leader that was refused by a follower, and sent it the same once more: the follower's log never grows;
- a candidate that had received the votes of a majority, and did not lead;
- a node that asked for votes while a leader of the term before was well;
- without either, the leader that took nothing more for committed, or the node that asked for votes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import structs

from checkers.explanation import StoryLine
from checkers.words import plural
from history import TraceEvent
from reports.explain.cause import time_of
from reports.explain.gathered import Reign
from reports.explain.lines.under_way import held_by
from reports.explain.scene import Scene, numbered
from reports.explain.steps import line_of, newest_reign
from reports.explain.telling import Telling
from reports.spans import READS, Span
from reports.text import seconds

STANDING_STILL = frozenset({"convergence", "liveness", "recovery"})
"""The checkers whose violations show who waited, and not for whom."""
FEWEST_REFUSED = 3
"""So often a leader may be refused before it has gone back far enough; more rarely, it says nothing."""
MOST_MESSAGES = 2_000_000
"""Lines of all traces that are looked through; a larger run's story does without."""


class Standstill(NamedTuple):
    """Who kept a cluster from going on."""

    words: str
    """A sentence about the node, without its end."""
    step: TraceEvent
    is_wrong: bool
    """Whether the step is one that must not happen, or the last thing before nothing happened."""
    span: Span | None = None
    """The operation that the step is about."""


def standstill_of(telling: Telling) -> Standstill | None:
    """Who kept the cluster of a violation from going on; None where the traces do not show it."""
    scene, evidence = telling.scene, telling.evidence
    if telling.cause.verdict.checker not in STANDING_STILL or evidence is None:
        return None
    deposed = _deposed(telling)
    if deposed is not None:
        return deposed
    at = _moment(telling)
    if at is None or sum(len(trace.events) for trace in scene.recording.traces.values()) > MOST_MESSAGES:
        return None
    reign = newest_reign(scene, telling.found, at)
    if reign is not None:
        behind = {event.node for event in telling.events} if not telling.spans or evidence.events else set()
        return _refused(scene, reign, at, behind) or _nothing_committed(scene, reign, at)
    return _elected_in_vain(telling, at)


def lines_of_standstill(telling: Telling, found: Standstill) -> Iterator[StoryLine]:
    """The step, as a line of a story."""
    line = line_of(telling.scene, found.step, found.words, is_wrong=found.is_wrong)
    yield line if found.span is None else structs.replace(line, operation=found.span.index)


def _moment(telling: Telling) -> int | None:
    """When the cluster stood still: when that shows; until a write was acknowledged after all."""
    scene, evidence = telling.scene, telling.evidence
    assert evidence is not None
    if telling.cause.verdict.checker == "recovery":
        late = [span for span in telling.spans if span.outcome == "ok" and span.f not in READS]
        return late[-1].begin if late else scene.end
    found = time_of(scene, evidence)
    ends = [span.end for span in telling.spans if span.end is not None]
    return max([found, *ends]) if found is not None else max(ends, default=None)


# ---- a leader, and whom it does not bring up to date ------------------------------------------------------


class _Refusals(NamedTuple):
    """What a follower refused in one term since it last took something."""

    first: TraceEvent
    last: TraceEvent
    number: int


def _refused(scene: Scene, reign: Reign, at: int, behind: set[str]) -> Standstill | None:
    """The leader that sends a follower again what it refused; of several followers, one that is behind."""
    found = {
        node: refusals
        for node in scene.recording.nodes
        if node != reign.node and (refusals := _refusals(scene, node, reign, at)) is not None
    }
    wanted = {node: one for node, one in found.items() if node in behind} or found
    if not wanted:
        return None
    node, refusals = max(wanted.items(), key=lambda one: (one[1].number, one[0]))
    step = _sent_again(scene, reign, node, refusals, at)
    if step is None or step.index is None:
        return None
    until = scene.time(refusals.last)
    times = f"{plural(refusals.number, 'time')}{'' if until is None else f' up to {seconds(until)}'}"
    index_of = held_by(scene, reign.node, step)
    operation = next((op for op, index in index_of.items() if index == step.index), None)
    if operation is None:
        above = [op for op, index in index_of.items() if index > step.index]
        operation = above[0] if above else next(reversed(index_of), None)
    span = None if operation is None else scene.span(operation)
    about = "" if span is None else f" ({numbered(span)})"
    words = (
        f"{reign.node}, leader of term {reign.term}, sent {node} only what follows index {step.index}{about},"
        f" which {node} refused {times}, as its log ended at index {refusals.first.last}"
    )
    return Standstill(words, step, is_wrong=True, span=span)


def _refusals(scene: Scene, node: str, reign: Reign, at: int) -> _Refusals | None:
    first: TraceEvent | None = None
    last: TraceEvent | None = None
    number = 0
    for event in _until(scene, node, at):
        if event.event != "send" or event.message != "AppendEntriesReply" or event.peer != reign.node:
            continue
        if event.term != reign.term:
            continue
        if event.ok:
            first, number = None, 0
        else:
            first, last, number = first or event, event, number + 1
    if first is None or last is None or number < FEWEST_REFUSED:
        return None
    return _Refusals(first, last, number)


def _sent_again(scene: Scene, reign: Reign, node: str, refusals: _Refusals, at: int) -> TraceEvent | None:
    """The first message with which the leader, after it had a refusal, sent no earlier entries; None if it
    went back."""
    wanted = refusals.first.index or 0
    was_refused = False
    again: TraceEvent | None = None
    for event in _until(scene, reign.node, at):
        if event.term != reign.term or event.peer != node:
            continue
        if event.event == "receive" and event.message_id == refusals.first.message_id:
            was_refused = True
        elif was_refused and event.event == "send" and event.message == "AppendEntries":
            if (event.index or 0) < wanted:
                return None
            again = again or event
        elif was_refused and event.event == "send" and event.message == "InstallSnapshot":
            return None
    return again


def _nothing_committed(scene: Scene, reign: Reign, at: int) -> Standstill | None:
    """The leader that has entries above what it takes for committed, since when, and the first of them."""
    since: TraceEvent | None = None
    last: TraceEvent | None = None
    for event in _until(scene, reign.node, at):
        if event.term != reign.term or event.role != "leader":
            continue
        if since is None or event.commit != since.commit:
            since = event
        last = event
    if since is None or last is None or last.last <= last.commit:
        return None
    index_of = held_by(scene, reign.node, None)
    operation = next((op for op, index in index_of.items() if index > last.commit), None)
    words = (
        f"{reign.node}, leader of term {reign.term}, took nothing above index {last.commit} for committed up "
        f"to {seconds(at)}, and had index {last.last} in its log"
    )
    span = None if operation is None else scene.span(operation)
    about = "" if span is None else f"; the first of these: {numbered(span)}"
    return Standstill(f"{words}{about}", since, is_wrong=False, span=span)


# ---- a leader that was deposed ----------------------------------------------------------------------------


def _deposed(telling: Telling) -> Standstill | None:
    """The node that began the term in which a leader was deposed; None if the violation is another one."""
    began = telling.events[-1] if telling.events and telling.events[-1].event == "term" else None
    if began is None:
        return None
    asked = [one for one in telling.found.votes if one.term == began.term and one.vote == one.node]
    before = max((one for one in telling.found.reigns if one.term < began.term), key=_term, default=None)
    if not asked or before is None:
        return None
    first = min(asked, key=lambda one: one.at)
    words = (
        f"{first.node} asked for votes in term {first.term}{telling.scene.when(first)}, when {before.node} "
        f"led term {before.term}, and {began.node} entered that term"
    )
    return Standstill(words, first, is_wrong=True)


def _term(reign: Reign) -> int:
    return reign.term


# ---- no leader ------------------------------------------------------------------------------------------


def _elected_in_vain(telling: Telling, at: int) -> Standstill | None:
    """The first candidate after the last leader that received the votes of a majority and did not lead."""
    scene = telling.scene
    ends = [
        time
        for reign in telling.found.reigns
        if (time := scene.time(reign.end or reign.begin)) is not None and time <= at
    ]
    since = max(ends, default=0)
    granted = {
        event.message_id: event.node
        for node in scene.recording.nodes
        for event in _until(scene, node, at, since)
        if event.event == "send" and event.message == "RequestVoteReply" and event.ok
    }
    won = sorted(
        (step for node in scene.recording.nodes for step in _wins(scene, node, granted, since, at)),
        key=lambda one: one[0].at,
    )
    if not won:
        return None
    step, votes, members = won[0]
    time = scene.time(won[-1][0])
    often = f", the last in term {won[-1][0].term}{'' if time is None else f' at {seconds(time)}'}"
    words = (
        f"{step.node} had received the votes of {', '.join(votes)} in term {step.term}, a majority of "
        f"{', '.join(members)}, and did not lead"
        f"{'' if len(won) == 1 else f' (so {len(won)} times{often})'}"
    )
    return Standstill(words, step, is_wrong=True)


def _wins(
    scene: Scene, node: str, granted: dict[str | None, str], since: int, at: int
) -> Iterator[tuple[TraceEvent, Sequence[str], Sequence[str]]]:
    """The terms in which a node received the votes of a majority of the members that it knew, with the
    message that made them one, and in which it took a later step and had not led."""
    members: Sequence[str] = scene.recording.nodes
    votes: set[str] = set()
    term, won, has_gone_on = 0, None, False
    for event in _until(scene, node, at):
        if event.event == "configuration" and event.members is not None:
            members = event.members
        time = scene.time(event)
        if time is None or time < since:
            continue
        if event.event == "restart" or event.term != term:
            if won is not None and has_gone_on:
                yield won
            term, votes, won, has_gone_on = event.term, set(), None, False
        if event.role == "leader":
            won = None
            votes = set()
            continue
        if won is not None:
            has_gone_on = True
        if event.event == "vote" and event.vote == node:
            votes.add(node)
        elif event.event == "receive" and event.message_id in granted and event.role == "candidate":
            votes.add(granted[event.message_id])
        if won is None and 2 * len(votes & set(members)) > len(members):
            won = (event, sorted(votes & set(members)), members)
    if won is not None and has_gone_on:
        yield won


def _until(scene: Scene, node: str, at: int, since: int = 0) -> Iterator[TraceEvent]:
    """A node's events from one time of the run to another."""
    trace = scene.recording.traces.get(node)
    for event in () if trace is None else trace.events:
        time = scene.time(event)
        if time is not None and since <= time <= at:
            yield event
