"""What happened to the entries that a story is about, and to those that took their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from checkers.explanation import StoryLine
from reports.explain.gathered import Fact
from reports.explain.scene import decided_of, numbered, ref_of
from reports.explain.telling import Telling
from reports.text import seconds

_Identity = tuple[int, str]
"""Term and hash of an entry."""


def lines_of_entries(telling: Telling) -> Iterator[tuple[int, StoryLine]]:
    """What happened to the entries that matter, and to the first one that took the place of each: lines with
    their ranks, as `story` has them."""
    for number, index in enumerate(telling.indices):
        rank = 1 if number == 0 else 2
        facts = sorted(telling.found.of(index), key=lambda fact: fact.event.at)
        if number == 0 and telling.cause.verdict.checker == "log-matching":
            yield from _who_put_what(telling, facts)
        wanted = _wanted_entry(telling, facts)
        mine = [fact for fact in facts if wanted is None or fact.entry is None or _identity(fact) == wanted]
        by_leaders = [fact for fact in facts if fact.kind == "append" and fact.event.role == "leader"]
        yield from ((rank, _fact(telling, fact)) for fact in by_leaders if fact in mine)
        others = [fact for fact in by_leaders if fact not in mine]
        yield from ((rank + 1, _fact(telling, fact)) for fact in others[:1])
        for kind in ("truncate", "lost", "acknowledge", "commit"):
            of_kind = [fact for fact in mine if fact.kind == kind]
            most = 1 if kind == "commit" else 3
            later = rank + (kind == "commit")
            yield from ((later, _fact(telling, fact)) for fact in of_kind[:most])
        on_disk = _on_disk(telling, mine, index)
        if on_disk is not None:
            yield (rank + 1, on_disk)


def _who_put_what(telling: Telling, facts: Sequence[Fact]) -> Iterator[tuple[int, StoryLine]]:
    """Of two logs that differ: of each entry that stands at the index, the leader that made it, and the node
    of the evidence that took it over."""
    nodes = {event.node for event in telling.events}
    first: dict[_Identity | None, Fact] = {}
    for fact in facts:
        if fact.kind == "append" and fact.entry is not None:
            known = first.setdefault(_identity(fact), fact)
            if known.event.role != "leader" and fact.event.role == "leader":
                first[_identity(fact)] = fact
    held = [fact for fact in facts if fact.kind == "append" and fact.event.node in nodes]
    for identity, fact in first.items():
        if any(_identity(one) == identity for one in held):
            yield 0, _fact(telling, fact)
    for fact in held:
        if fact.entry is not None and first[_identity(fact)].event.node != fact.event.node:
            yield 1, _fact(telling, fact)


def _wanted_entry(telling: Telling, facts: Sequence[Fact]) -> _Identity | None:
    """Which entry at one index the story is about: one of the evidence's operations, else the first."""
    known = [fact for fact in facts if fact.entry is not None]
    for spans in (telling.spans, telling.effect_spans):
        ops = {str(span.index) for span in spans}
        for fact in known:
            if fact.entry is not None and fact.entry.op in ops:
                return _identity(fact)
    return _identity(known[0]) if known else None


def _entry(telling: Telling, fact: Fact) -> tuple[str, str, int | None]:
    """The entry of a fact, its operation at the end of a sentence, and the number of that operation.

    The index comes first, as a long operation may be cut where there is little room.
    """
    entry = fact.entry
    op = fact.event.op if entry is None else entry.op
    span = telling.scene.span(int(op)) if op is not None and op.isdecimal() else None
    where = f"index {fact.at_index}" if entry is None else f"index {fact.at_index} of term {entry.term}"
    return (where, decided_of(op), None) if span is None else (where, f": {numbered(span)}", span.index)


def _fact(telling: Telling, fact: Fact) -> StoryLine:
    event = fact.event
    entry, what, operation = _entry(telling, fact)
    role = f", {event.role} of term {event.term}," if event.role == "leader" else ""
    words = {
        "append": f"{event.node}{role} appended {entry}{what}",
        "truncate": f"{event.node}{role} removed {entry} from its log, in term {event.term}{what}",
        "lost": f"{event.node} came back in term {event.term} without {entry}{what}",
        "acknowledge": f"{event.node}{role} acknowledged {entry}{what}",
        "commit": f"{event.node}{role} took {entry} for committed, in term {event.term}{what}",
        "apply": f"{event.node} applied {entry}{what}",
        "disk": f"{event.node} had {entry} on disk{what}",
        "snapshot": f"{event.node} installed a snapshot that holds index {fact.at_index}",
    }
    return StoryLine(
        text=words[fact.kind],
        kind="truncate" if fact.kind == "lost" else fact.kind,
        time=telling.scene.time(event),
        node=event.node,
        operation=operation,
        term=event.term,
        index=fact.at_index,
        event=ref_of(event),
    )


def _on_disk(telling: Telling, facts: list[Fact], index: int) -> StoryLine | None:
    """Which nodes had the entry on disk, and when, in one line; for the entry that the story is about."""
    held = [fact for fact in facts if fact.kind == "disk"]
    if not held:
        return None
    first = min(held, key=lambda fact: fact.event.at)
    same = [fact for fact in held if _identity(fact) == _identity(first)]
    by_node = {fact.event.node: fact for fact in reversed(same)}
    entry, what, operation = _entry(telling, first)
    parts = [
        f"{node} at {seconds(at)}" if (at := telling.scene.time(fact.event)) is not None else node
        for node, fact in sorted(by_node.items(), key=lambda one: one[1].event.at)
    ]
    return StoryLine(
        text=f"on disk had {entry}: {', '.join(parts)}{what.replace(':', ';', 1)}",
        kind="disk",
        time=telling.scene.time(first.event),
        node=first.event.node,
        operation=operation,
        term=first.event.term,
        index=index,
        event=ref_of(first.event),
    )


def _identity(fact: Fact) -> _Identity | None:
    return None if fact.entry is None else (fact.entry.term, fact.entry.hash)
