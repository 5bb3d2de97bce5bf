"""Which entry is applied at each index, and whether commitIndex and lastApplied only grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from checkers.raft.facts.compact import Firsts
from checkers.raft.facts.entries import Entries, EventPlace, EventPlaces
from history import TraceEntry, TraceEvent


class Differs(NamedTuple):
    """Two entries were applied at one index."""

    known: TraceEntry
    where: EventPlace
    entry: TraceEntry
    event: TraceEvent


class OutOfOrder(NamedTuple):
    """An entry was applied that does not follow the last one."""

    entry: TraceEntry
    event: TraceEvent
    applied_before: int


class Disorder(NamedTuple):
    """An event at which commitIndex, lastApplied and the log's end are out of order, or one went back."""

    wrong: str
    before: TraceEvent | None
    event: TraceEvent


@dataclass
class StateOrder:
    """The order of one node's commitIndex and lastApplied, event by event."""

    wrong: list[Differs | OutOfOrder] = field(default_factory=list)
    disorders: list[Disorder] = field(default_factory=list)
    commits: int = 0
    applied: int = 0
    """Entries applied, in all lives."""
    applied_before: int = 0
    _reported: set[str] = field(default_factory=set)
    """The kinds of disorder reported in this life: only the first of each is, as later events repeat it."""

    def see(self, before: TraceEvent | None, event: TraceEvent) -> None:
        """Take the next event, and the one before it."""
        if event.event in ("restart", "snapshot"):
            self.applied_before = event.applied
        elif event.event == "commit":
            self.commits += 1
        if before is None or before.life != event.life:
            before = None
            self._reported.clear()
        elif before.commit <= event.commit <= event.last and before.applied <= event.applied <= event.commit:
            return
        wrong = wrong_order(before, event)
        if wrong is not None and wrong not in self._reported:
            self._reported.add(wrong)
            self.disorders.append(Disorder(wrong, before, event))


def wrong_order(before: TraceEvent | None, event: TraceEvent) -> str | None:
    """How an event's indices contradict each other or those of the event before; None if they do not."""
    if before is not None and event.commit < before.commit:
        return "commitIndex went back"
    if before is not None and event.applied < before.applied:
        return "lastApplied went back"
    if event.applied > event.commit:
        return "applied an entry that is not committed"
    if event.commit > event.last:
        return "commitIndex lies beyond the end of the log"
    return None


class AppliedEntries:
    """The first entry applied at each index, by whichever node."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._places: dict[int, int] = {}
        """By index: which of the columns below is about it."""
        self._where = EventPlaces()
        self._numbers = Firsts()
        self._odd: dict[int, TraceEntry] = {}
        """Where the first entry applied has another operation than is known of it elsewhere."""

    @property
    def indices(self) -> int:
        """How many have something applied."""
        return len(self._places)

    def see(self, event: TraceEvent, orders: StateOrder) -> None:
        """Take an `apply` event, and compare its entries with those of other nodes."""
        for entry in event.entries:
            orders.applied += 1
            number = self._entries.number(entry)
            place = self._places.setdefault(entry.index, len(self._places))
            if not self._where.has(place):
                self._where.put(place, event)
                self._numbers.put(place, number)
                if entry.op != self._entries.all[number].op:
                    self._odd[place] = entry
            else:
                known = self._numbers.get(place)
                first = self._odd.get(place, self._entries.all[known])
                if known != number or first.op != entry.op:
                    orders.wrong.append(Differs(first, self._where.get(place), entry, event))
            if entry.index != orders.applied_before + 1:
                orders.wrong.append(OutOfOrder(entry, event, orders.applied_before))
            orders.applied_before = entry.index
