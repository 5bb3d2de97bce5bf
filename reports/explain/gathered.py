"""What the traces show of a few entries, terms and nodes, gathered in one pass over each trace.

A trace of a large run has millions of events, nearly all of them messages. So what is looked for is known
before: the indices of the entries that matter. All elections, votes and lives are kept, which are few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from history import NodeTrace, TraceEntry, TraceEvent

MOST_KEPT = 20_000
"""How many elections and votes are kept; the story of a run with more is made of these."""

FactKind = Literal["append", "disk", "commit", "apply", "truncate", "lost", "acknowledge", "snapshot"]


class Fact(NamedTuple):
    """Something that happened to the entry at an index on a node."""

    kind: FactKind
    event: TraceEvent
    at_index: int
    entry: TraceEntry | None
    """The entry, where it is known."""


class Reign(NamedTuple):
    """A node led in a term, from one event to another; None while it still leads at the end of its trace."""

    begin: TraceEvent
    end: TraceEvent | None
    first: TraceEvent | None = None
    """The first append of a client's operation by this leader in this term."""

    @property
    def node(self) -> str:
        """The leader."""
        return self.begin.node

    @property
    def term(self) -> int:
        """The term in which it led."""
        return self.begin.term


@dataclass
class Gathered:
    """What one pass over all traces found."""

    facts: list[Fact] = field(default_factory=list)
    reigns: list[Reign] = field(default_factory=list)
    votes: list[TraceEvent] = field(default_factory=list)
    restarts: list[TraceEvent] = field(default_factory=list)
    terms: list[TraceEvent] = field(default_factory=list)
    configurations: list[TraceEvent] = field(default_factory=list)
    last: dict[tuple[str, int], TraceEvent] = field(default_factory=dict)
    """By node and life, its last change of log, vote, term or role."""
    taken: dict[tuple[str, int], TraceEvent] = field(default_factory=dict)
    """By node and life, the last message that it took."""
    restored: list[TraceEvent] = field(default_factory=list)
    """Snapshots that were installed, and lives that began with a snapshot or an applied log."""

    def of(self, index: int, *kinds: FactKind) -> list[Fact]:
        """What happened to the entries at an index, node by node."""
        return [fact for fact in self.facts if fact.at_index == index and (not kinds or fact.kind in kinds)]


def indices_of(traces: Mapping[str, NodeTrace], operations: Collection[int]) -> dict[int, int]:
    """By operation, the lowest index at which a leader appended it; without those that no leader appended."""
    wanted = {str(number) for number in operations}
    found: dict[int, int] = {}
    if not wanted:
        return found
    for trace in traces.values():
        for event in trace.events:
            if event.event == "append" and event.role == "leader":
                for entry in event.entries:
                    if entry.op in wanted:
                        number = int(entry.op)
                        found[number] = min(entry.index, found.get(number, entry.index))
    return found


def gather(traces: Iterable[NodeTrace], indices: Collection[int]) -> Gathered:
    """Pass over the traces once, looking for what happened at these indices of the log."""
    found = Gathered()
    for trace in traces:
        _Pass(found, sorted(set(indices))).over(trace)
    return found


class _Pass:
    """One trace, and what its node holds at each index that matters."""

    def __init__(self, found: Gathered, indices: list[int]) -> None:
        self._found = found
        self._indices = indices
        self._held: dict[int, TraceEntry | None] = {}
        self._on_disk: set[int] = set()
        self._committed: set[int] = set()
        self._leads: TraceEvent | None = None
        self._first: TraceEvent | None = None
        self._kept = Counter[str]()

    def over(self, trace: NodeTrace) -> None:
        before: TraceEvent | None = None
        for event in trace.events:
            name = event.event
            if name in ("send", "receive"):
                if name == "receive":
                    self._found.taken[event.node, event.life] = event
                if self._leads is not None and event.role != "leader":
                    self._lead(event)
                continue
            if name == "restart" and before is not None:
                self._found.last[before.node, before.life] = before
            before = event
            if (event.role == "leader") != (self._leads is not None) or self._has_new_term(event):
                self._lead(event)
            if name in _KEPT:
                self._keep(event)
            elif name == "append" and self._leads is not None and self._first is None and _has_op(event):
                self._first = event
            if self._indices:
                self._follow(event)
        if before is not None:
            self._found.last[before.node, before.life] = before
        if self._leads is not None:
            self._found.reigns.append(Reign(self._leads, None, self._first))

    def _has_new_term(self, event: TraceEvent) -> bool:
        return self._leads is not None and self._leads.term != event.term

    def _lead(self, event: TraceEvent) -> None:
        """The node began to lead, or it stopped."""
        if self._leads is not None and self._room("reign"):
            self._found.reigns.append(Reign(self._leads, event, self._first))
        self._leads = event if event.role == "leader" else None
        self._first = None

    def _keep(self, event: TraceEvent) -> None:
        if event.event == "restart":
            self._restart(event)
        if not self._room(event.event):
            return
        found = self._found
        match event.event:
            case "restart":
                found.restarts.append(event)
                if event.applied:
                    found.restored.append(event)
            case "snapshot" if event.peer is not None:
                found.restored.append(event)
            case "vote" if event.vote is not None:
                found.votes.append(event)
            case "term":
                found.terms.append(event)
            case "configuration":
                found.configurations.append(event)

    def _room(self, name: str) -> bool:
        self._kept[name] += 1
        return self._kept[name] <= MOST_KEPT

    def _restart(self, event: TraceEvent) -> None:
        for index in [index for index in self._held if index > event.last]:
            self._note("lost", event, index, self._held.pop(index))
            self._on_disk.discard(index)
        self._on_disk |= set(self._held)
        self._committed = {index for index in self._committed if index <= event.commit}

    def _follow(self, event: TraceEvent) -> None:
        match event.event:
            case "append" if event.entries:
                first, last = event.entries[0].index, event.entries[-1].index
                for index in self._indices:
                    if first <= index <= last:
                        entry = next((one for one in event.entries if one.index == index), None)
                        self._held[index] = entry
                        self._on_disk.discard(index)
                        self._note("append", event, index, entry)
            case "truncate" if event.index is not None:
                for index in [one for one in self._held if one >= (event.index or 0)]:
                    self._note("truncate", event, index, self._held.pop(index))
                    self._on_disk.discard(index)
                    self._committed.discard(index)
            case "synced" if event.index is not None:
                for index, entry in self._held.items():
                    if index <= event.index and index not in self._on_disk:
                        self._on_disk.add(index)
                        self._note("disk", event, index, entry)
            case "commit":
                for index in self._indices:
                    if index <= event.commit and index not in self._committed:
                        self._committed.add(index)
                        self._note("commit", event, index, self._held.get(index))
            case "apply" if event.entries:
                first, last = event.entries[0].index, event.entries[-1].index
                for index in self._indices:
                    if first <= index <= last:
                        entry = next((one for one in event.entries if one.index == index), None)
                        self._note("apply", event, index, entry)
            case "acknowledge" if event.index in self._indices:
                self._note("acknowledge", event, event.index or 0, self._held.get(event.index or 0))
            case "snapshot" if event.index is not None and event.peer is not None:
                for index in self._indices:
                    if index <= event.index and index not in self._held:
                        self._held[index] = None
                        self._note("snapshot", event, index, None)

    def _note(self, kind: FactKind, event: TraceEvent, index: int, entry: TraceEntry | None) -> None:
        if self._room(kind):
            self._found.facts.append(Fact(kind, event, index, entry))


def _has_op(event: TraceEvent) -> bool:
    return any(entry.op is not None for entry in event.entries)


_KEPT = frozenset({"restart", "vote", "term", "configuration", "snapshot"})
