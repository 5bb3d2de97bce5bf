"""What made an answer about a registration wrong that lives only as long as its client sends beats.

The log shows when a leader removed it, and the history which beats came before the answer: the one that was
taken after the removal brought the registration back, and the last one before it says that it was alive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkers.explanation import StoryLine
from checkers.registry.names import BEAT, EXPIRE, TAKEN
from history import TraceEvent
from reports.explain.headlines import culprit
from reports.explain.scene import outcome_of, ref_of
from reports.explain.telling import Telling
from reports.spans import Span

_IN_A_LIST = re.compile(r" at (\S+), but that instance ")


def lines_of_expiry(telling: Telling) -> Iterator[StoryLine]:
    """The removal of the instance before the wrong answer, and the last beat that was taken before it."""
    if telling.evidence is None or not telling.spans:
        return
    wrong = culprit(telling)
    listed = _IN_A_LIST.search(telling.evidence.text)
    key = f"{wrong.key}/{listed[1]}" if listed is not None else wrong.key
    if key is None or wrong.end is None:
        return
    removal = _removal(telling, key, wrong)
    if removal is not None:
        yield removal
    beat = _last_beat(telling, key, wrong)
    if beat is not None:
        after = removal is not None and removal.time is not None and beat.begin > removal.time
        yield StoryLine(
            text=outcome_of(beat) + (", after the instance had been removed" if after else ""),
            kind="complete",
            time=beat.end if telling.scene.is_timed else None,
            node=beat.node,
            process=beat.process,
            operation=beat.index,
            index=beat.raft_index,
        )


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
    return StoryLine(
        text=f"{event.node}, leader of term {event.term}, appended the removal of {key}, which had sent no "
        f"beat for too long, at index {index} of term {event.term}",
        kind="append",
        time=telling.scene.time(event),
        node=event.node,
        term=event.term,
        index=index,
        event=ref_of(event),
    )


def _last_beat(telling: Telling, key: str, wrong: Span) -> Span | None:
    """The last beat of this instance that was taken before the wrong answer."""
    spans = telling.scene.spans
    columns = spans.columns
    if key not in columns.keys or BEAT not in columns.f_names:
        return None
    is_beat = (spans.f == columns.f_code(BEAT)) & (spans.key == columns.keys.index(key))
    ended = (spans.end >= 0) & (spans.end <= (wrong.end or 0))
    for position in (is_beat & ended).nonzero()[0][::-1].tolist():
        span = spans.span(position)
        if span.outcome == "ok" and span.result == TAKEN:
            return span
    return None
