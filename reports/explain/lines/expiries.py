"""What made an answer about a registration wrong that lives only as long as its client sends beats.

The log shows which leader decided that it is removed, at which index; and the history which beats came before
the answer: the one that was taken after the removal brought the registration back, and the last one before it
says that it was alive. An answer without an instance that no entry removes shows a node that removed it from
its own state, by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import structs

from checkers.explanation import StoryLine
from checkers.registry.applied import REMOVED
from checkers.registry.names import BEAT, EXPIRE, TAKEN, WRITES
from history import TraceEntry, TraceEvent
from reports.explain.lines.effects import Change, Written, changes_of, written_at
from reports.explain.scene import numbered, outcome_of, ref_of
from reports.explain.sentences.of_clients import culprit
from reports.explain.telling import Telling
from reports.spans import READS, Span

_OF_NOTHING = re.compile(r"index (\d+) says that the registration of index (\d+) is")
_SHOWED_NOTHING = re.compile(r"it showed nothing\b")
_IN_A_LIST = re.compile(r" at (\S+), but that instance ")


class Forgotten(NamedTuple):
    """An instance that is missing in an answer, though no entry of the log removes it."""

    key: str
    id: str
    wrong: Span
    """The answer without it."""
    made: Change
    """The entry that put it there."""
    by: Written | None
    shown: Span | None
    """The last answer of the same node that showed it."""


def lines_of_expiry(telling: Telling) -> Iterator[StoryLine]:
    """The registration, its removal before the wrong answer, and the last beat that was taken before it."""
    if telling.evidence is None:
        return
    yield from _of_nothing(telling)
    found = asked(telling)
    if found is None:
        return
    key, wrong = found
    registration = _registration(telling, key, wrong)
    if registration is not None:
        yield _answered(telling, registration)
    removal = removal_of(telling, key, wrong)
    if removal is not None:
        event, index = removal
        yield _append(telling, event, index, f"the removal of {key}, which had sent no beat for too long")
    forgotten = forgotten_by_one(telling)
    if forgotten is not None:
        yield from _lines_of_forgotten(telling, forgotten)
    beat = _last_beat(telling, key, wrong)
    if beat is not None:
        time = None if removal is None else telling.scene.time(removal[0])
        after = time is not None and beat.begin > time
        yield _answered(telling, beat, ", after the instance had been removed" if after else "")


def asked(telling: Telling) -> tuple[str, Span] | None:
    """The instance that the wrong answer is about, and that answer."""
    if telling.evidence is None or not telling.spans:
        return None
    wrong = culprit(telling)
    listed = _IN_A_LIST.search(telling.evidence.text)
    key = f"{wrong.key}/{listed[1]}" if listed is not None else wrong.key
    return None if key is None or wrong.end is None else (key, wrong)


def forgotten_by_one(telling: Telling) -> Forgotten | None:
    """The instance that only the node which answered has removed; None if the log removes it, or the answer
    is wrong in another way."""
    found = asked(telling)
    if found is None or telling.evidence is None or not _SHOWED_NOTHING.search(telling.evidence.text):
        return None
    key, wrong = found
    scene = telling.scene
    changes = [one for one in changes_of(scene, key) if one.at_index <= (wrong.raft_index or 0)]
    if not changes or changes[-1].after is None:
        return None
    made = next(one for one in changes if one.after == changes[-1].after)
    return Forgotten(
        key,
        changes[-1].after,
        wrong,
        made,
        written_at(scene, made.at_index),
        _shown_last(telling, key, wrong),
    )


def _shown_last(telling: Telling, key: str, wrong: Span) -> Span | None:
    """The last answer of the same node, before the wrong one, that showed the instance or took its beat."""
    spans = telling.scene.spans
    service, _, instance = key.partition("/")
    codes = [spans.columns.keys.index(name) for name in (key, service) if name in spans.columns.keys]
    of_key = np.isin(spans.key, codes) & (spans.end >= 0) & (spans.end < wrong.begin)
    for position in of_key.nonzero()[0][::-1].tolist():
        span = spans.span(position)
        if span.node != wrong.node or span.outcome != "ok":
            continue
        shows = instance in span.result if isinstance(span.result, dict) else span.key == key
        if shows and span.result is not None and span.f in (*READS, BEAT):
            return span
    return None


def _lines_of_forgotten(telling: Telling, forgotten: Forgotten) -> Iterator[StoryLine]:
    """Who put the instance there, the last answer with it, and whose state lost it."""
    if forgotten.by is not None:
        what = f"the registration of {forgotten.key}"
        span = forgotten.made.span
        line = _append(telling, forgotten.by.event, forgotten.made.at_index, what)
        number = None if span is None else span.index
        about = "" if span is None else f": {numbered(span)}"
        yield structs.replace(line, operation=number, text=f"{line.text}{about}")
    if forgotten.shown is not None and forgotten.shown.f != BEAT:
        yield _answered(telling, forgotten.shown)
    wrong = forgotten.wrong
    why = f"; no entry up to index {wrong.raft_index} removes {forgotten.key}: {wrong.node} did so by itself"
    yield structs.replace(_answered(telling, wrong, why), is_wrong=True)


class OfNothing(NamedTuple):
    """An entry that expires a registration which no client made."""

    key: str
    expiry: tuple[TraceEvent, TraceEntry]
    made: tuple[TraceEvent, TraceEntry]
    """The entry that made the registration."""


def expired_nothing(telling: Telling) -> OfNothing | None:
    """The two entries, where the evidence is about such an expiry."""
    found = None if telling.evidence is None else _OF_NOTHING.search(telling.evidence.text)
    if found is None:
        return None
    expiry, made = (_appended(telling, int(index)) for index in found.groups())
    if expiry is None or made is None or expiry[1].op is None:
        return None
    return OfNothing(expiry[1].op.split(":", 3)[3], expiry, made)


def beats_then(telling: Telling, key: str, event: TraceEvent) -> Iterator[Span]:
    """The beats of an instance that were under way when a node took a step."""
    spans, columns = telling.scene.spans, telling.scene.spans.columns
    time = telling.scene.time(event)
    if key in columns.keys and BEAT in columns.f_names and telling.scene.is_timed and time is not None:
        of_key = (spans.key == columns.keys.index(key)) & (spans.f == columns.f_code(BEAT))
        for position in of_key.nonzero()[0].tolist():
            span = spans.span(position)
            if span.begin <= time and (span.end is None or time <= span.end):
                yield span


def _of_nothing(telling: Telling) -> Iterator[StoryLine]:
    """Where an entry expires a registration that no client made: who appended it, and upon which beat."""
    found = expired_nothing(telling)
    if found is None:
        return
    event, entry = found.made
    yield _append(telling, event, entry.index, f"a registration of {found.key} that no client asked for")
    for span in beats_then(telling, found.key, event):
        yield _answered(telling, span, ", and the instance was there again")


def _appended(telling: Telling, index: int) -> tuple[TraceEvent, TraceEntry] | None:
    """The event by which a leader appended the entry at an index, and the entry."""
    for trace in telling.scene.recording.traces.values():
        for event in trace.events:
            if event.event == "append" and event.role == "leader":
                for entry in event.entries:
                    if entry.index == index:
                        return event, entry
    return None


def _answered(telling: Telling, span: Span, more: str = "") -> StoryLine:
    """What a client was answered, and when."""
    return StoryLine(
        text=outcome_of(span) + more,
        kind="complete",
        time=span.end if telling.scene.is_timed else None,
        node=span.node,
        process=span.process,
        operation=span.index,
        index=span.raft_index,
    )


def _registration(telling: Telling, key: str, wrong: Span) -> Span | None:
    """The last write of this instance that was acknowledged before the wrong answer."""
    return _last(telling, key, WRITES, wrong)


def removal_of(telling: Telling, key: str, wrong: Span) -> tuple[TraceEvent, int] | None:
    """The last entry before the wrong answer with which a leader removed this instance: how the leader
    appended it, and its index."""
    found: tuple[TraceEvent, int] | None = None
    for trace in telling.scene.recording.traces.values():
        for event in trace.events:
            if event.event != "append" or event.role != "leader":
                continue
            for entry in event.entries:
                is_removal = entry.op is not None and entry.op.startswith(f"{EXPIRE}:{REMOVED}:")
                is_before = entry.index <= (wrong.raft_index or 0)
                if is_removal and str(entry.op).endswith(f":{key}") and is_before:
                    found = (event, entry.index) if found is None or entry.index >= found[1] else found
    return found


def _append(telling: Telling, event: TraceEvent, index: int, what: str) -> StoryLine:
    """What a leader appended at an index."""
    leader = f"{event.node}, leader of term {event.term}"
    return StoryLine(
        text=f"{leader}, appended {what}, at index {index} of term {event.term}",
        kind="append",
        time=telling.scene.time(event),
        node=event.node,
        term=event.term,
        index=index,
        event=ref_of(event),
    )


def _last_beat(telling: Telling, key: str, wrong: Span) -> Span | None:
    """The last beat of this instance that was taken before the wrong answer."""
    return _last(telling, key, (BEAT,), wrong, result=TAKEN)


def _last(
    telling: Telling, key: str, names: Sequence[str], wrong: Span, result: str | None = None
) -> Span | None:
    """The last operation on an instance, of these names, that ended ok before the wrong answer; if a result
    is given, with that result.
    """
    spans = telling.scene.spans
    columns = spans.columns
    codes = [columns.f_code(name) for name in names if name in columns.f_names]
    if key not in columns.keys or not codes:
        return None
    of_instance = np.isin(spans.f, codes) & (spans.key == columns.keys.index(key))
    ended = (spans.end >= 0) & (spans.end <= (wrong.end or 0))
    for position in (of_instance & ended).nonzero()[0][::-1].tolist():
        span = spans.span(position)
        if span.outcome == "ok" and result in (None, span.result):
            return span
    return None
