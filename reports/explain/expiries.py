"""What made an answer about a registration wrong that lives only as long as its client sends beats.

The log shows when a leader removed it, and the history which beats came before the answer: the one that was
taken after the removal brought the registration back, and the last one before it says that it was alive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from checkers.explanation import StoryLine
from checkers.registry.names import BEAT, EXPIRE, TAKEN, WRITES
from history import TraceEntry, TraceEvent
from reports.explain.scene import outcome_of, ref_of
from reports.explain.sentences.of_clients import culprit
from reports.explain.telling import Telling
from reports.spans import Span

_OF_NOTHING = re.compile(r"index (\d+) says that the registration of index (\d+) is")
_IN_A_LIST = re.compile(r" at (\S+), but that instance ")


def lines_of_expiry(telling: Telling) -> Iterator[StoryLine]:
    """The registration, its removal before the wrong answer, and the last beat that was taken before it."""
    if telling.evidence is None:
        return
    yield from _of_nothing(telling, telling.evidence.text)
    if not telling.spans:
        return
    wrong = culprit(telling)
    listed = _IN_A_LIST.search(telling.evidence.text)
    key = f"{wrong.key}/{listed[1]}" if listed is not None else wrong.key
    if key is None or wrong.end is None:
        return
    registration = _registration(telling, key, wrong)
    if registration is not None:
        yield _answered(telling, registration)
    removal = _removal(telling, key, wrong)
    if removal is not None:
        yield removal
    beat = _last_beat(telling, key, wrong)
    if beat is not None:
        after = removal is not None and removal.time is not None and beat.begin > removal.time
        yield _answered(telling, beat, ", after the instance had been removed" if after else "")


def _of_nothing(telling: Telling, text: str) -> Iterator[StoryLine]:
    """Where an entry expires a registration that no client made: who appended it, and upon which beat."""
    found = _OF_NOTHING.search(text)
    if found is None:
        return
    expiry, made = (_appended(telling, int(index)) for index in found.groups())
    if expiry is None or made is None or expiry[1].op is None:
        return
    key, (event, entry) = expiry[1].op.split(":", 3)[3], made
    yield _append(telling, event, entry.index, f"a registration of {key} that no client asked for")
    spans, columns = telling.scene.spans, telling.scene.spans.columns
    if key in columns.keys and BEAT in columns.f_names and telling.scene.is_timed:
        of_key = (spans.key == columns.keys.index(key)) & (spans.f == columns.f_code(BEAT))
        for position in of_key.nonzero()[0].tolist():
            span = spans.span(position)
            if span.begin <= event.at and (span.end is None or event.at <= span.end):
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


def _removal(telling: Telling, key: str, wrong: Span) -> StoryLine | None:
    """The last entry before the wrong answer with which a leader removed this instance."""
    found: tuple[int, TraceEvent] | None = None
    for trace in telling.scene.recording.traces.values():
        for event in trace.events:
            if event.event != "append" or event.role != "leader":
                continue
            for entry in event.entries:
                is_removal = entry.op is not None and entry.op.startswith(f"{EXPIRE}:removed:")
                if (
                    is_removal
                    and str(entry.op).endswith(f":{key}")
                    and entry.index <= (wrong.raft_index or 0)
                ):
                    found = max(found or (entry.index, event), (entry.index, event), key=lambda one: one[0])
    if found is None:
        return None
    index, event = found
    return _append(telling, event, index, f"the removal of {key}, which had sent no beat for too long")


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
