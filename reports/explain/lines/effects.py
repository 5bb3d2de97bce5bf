"""Why an instance is not there although a write of it was acknowledged: what the applied log did to its key.

The log is the nodes' order, and a write may have no effect in it: an update finds no instance, or a later
entry removes what a registration put there. Each is an entry at an index, which a leader put into the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from checkers.explanation import StoryLine
from checkers.registry.applied import REMOVED, applied_ops
from checkers.registry.names import DEREGISTER, EXPIRE, REGISTER, UPDATE, WRITES
from history import TraceEntry, TraceEvent
from reports.explain.scene import Scene, name_of, numbered, ref_of
from reports.explain.telling import Telling
from reports.spans import Span


class Change(NamedTuple):
    """What one applied entry did to a key."""

    at_index: int
    before: str | None
    """The registration id that the key held before."""
    after: str | None
    span: Span | None
    """The client's operation; None for the removal of an instance that sent no beat."""
    registered: int | None = None
    """Of such a removal, the index of the registration that it removes."""


class Written(NamedTuple):
    """An entry, and the event with which a leader put it into the log."""

    event: TraceEvent
    entry: TraceEntry


def lines_of_effects(telling: Telling) -> Iterator[StoryLine]:
    """For the write that clients miss: what it did in the log, and which entry took its effect away."""
    found = _own(telling)
    if found is None:
        return
    own, changes = found
    if own.span is not None and own.after != own.span.argument:
        why = f"index {own.at_index} changed nothing, as {_why_empty(own, changes)}"
        yield _line(telling.scene, own, why, f": {numbered(own.span)}")
        return
    later = next((one for one in changes[changes.index(own) + 1 :] if one.after != own.after), None)
    if later is not None:
        took = "removed" if later.after is None else "replaced"
        yield _line(telling.scene, later, f"{_entry(later)} {took} {own.after}")


def without_effect(telling: Telling) -> str:
    """`, as index 15 changed nothing`, where that is why clients miss a write; else nothing."""
    found = _own(telling)
    if found is None or found[0].span is None or found[0].after == found[0].span.argument:
        return ""
    return f", as index {found[0].at_index} changed nothing"


def _own(telling: Telling) -> tuple[Change, list[Change]] | None:
    """What the write that clients miss did in the log, and all that was done to its key."""
    missed = _missed(telling)
    if missed is None or missed.key is None:
        return None
    changes = changes_of(telling.scene, missed.key)
    own = next((one for one in changes if one.span is not None and one.span.index == missed.index), None)
    return None if own is None else (own, changes)


def _missed(telling: Telling) -> Span | None:
    """The acknowledged registration or update that the harm is about."""
    for evidence, spans in (
        (telling.evidence, telling.spans),
        (telling.effect, telling.effect_spans),
    ):
        if evidence is None or " was lost" not in evidence.title:
            continue
        for span in spans:
            if span.f in (REGISTER, UPDATE) and f"registration {span.argument}" in evidence.title:
                return span
    return None


def _entry(change: Change) -> str:
    """`index 15 (operation 31, update svc-0/10.0.0.11:8080 r18)`."""
    if change.span is None:
        return f"index {change.at_index}, the removal of an instance that sent no beat,"
    return f"index {change.at_index} (operation {change.span.index}, {name_of(change.span)})"


def _why_empty(own: Change, changes: list[Change]) -> str:
    """Why there was nothing to update: which entry had removed it, or that none had registered it."""
    before = [one for one in changes if one.at_index < own.at_index and one.before is not None]
    if not before:
        return "no entry had registered that instance"
    last = max(before, key=lambda one: one.at_index)
    return f"{_entry(last)} had removed the instance".replace(",)", ")")


def _line(scene: Scene, change: Change, words: str, about: str = "") -> StoryLine:
    """A line about an applied entry, at the time when it was first applied."""
    applied = first_applied(scene, change.at_index)
    who = written_at(scene, change.at_index)
    by = "" if who is None else f"; {who.event.node}, leader of term {who.entry.term}, had appended it"
    span = change.span
    return StoryLine(
        text=f"{words}{by}{about}",
        kind="apply",
        time=None if applied is None else scene.time(applied),
        node=None if applied is None else applied.node,
        operation=None if span is None else span.index,
        term=None if applied is None else applied.term,
        index=change.at_index,
        event=None if applied is None else ref_of(applied),
    )


def changes_of(scene: Scene, key: str) -> list[Change]:
    """What the applied log did to a key, entry by entry."""
    spans = scene.spans
    if key not in spans.columns.keys:
        return []
    writes = {spans.columns.f_code(name) for name in WRITES if name in spans.columns.f_names}
    code = spans.columns.keys.index(key)
    own = {
        spans.span(place).index: spans.span(place)
        for place in (spans.key == code).nonzero()[0].tolist()
        if int(spans.f[place]) in writes
    }
    found: list[Change] = []
    held: str | None = None
    registered = 0
    done: set[int] = set()
    for index, op in sorted(applied_ops(scene.recording.traces).items()):
        if op is None:
            continue
        if op.startswith(f"{EXPIRE}:{REMOVED}:"):
            at, of_key = op.split(":", 3)[2:]
            if of_key == key and held is not None and int(at) == registered:
                found.append(Change(index, held, None, None, registered))
                held = None
            continue
        if not op.isdecimal() or int(op) not in own or int(op) in done:
            continue
        span = own[int(op)]
        done.add(span.index)
        before = held
        if span.f == REGISTER:
            held, registered = str(span.argument), index
        elif span.f == DEREGISTER:
            held = None
        elif held is not None:
            held = str(span.argument)
        found.append(Change(index, before, held, span))
    return found


def first_applied(scene: Scene, index: int) -> TraceEvent | None:
    """The first event with which a node applied the entry at an index, by the nodes' clocks."""
    found: TraceEvent | None = None
    for trace in scene.recording.traces.values():
        for event in trace.events:
            if event.event == "apply" and event.entries:
                is_in = event.entries[0].index <= index <= event.entries[-1].index
                if is_in and (found is None or event.at < found.at):
                    found = event
                    break
    return found


def written_at(scene: Scene, index: int) -> Written | None:
    """The leader that put the entry which was applied at an index into the log."""
    applied = first_applied(scene, index)
    if applied is None:
        return None
    entry = next((one for one in applied.entries if one.index == index), None)
    for trace in scene.recording.traces.values():
        for event in trace.events:
            if event.event == "append" and event.role == "leader":
                for one in event.entries:
                    if entry is not None and one.index == index and one.hash == entry.hash:
                        return Written(event, one)
    return None
