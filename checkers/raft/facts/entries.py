"""Every log entry that some trace names, once and by number; and what nodes did with each.

A cluster of five nodes traces one entry a dozen times. So facts about entries are kept by number, in arrays:
some tens of bytes for each entry and node, however many events there are.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from checkers.raft.facts.compact import NONE, Firsts, Numbers
from history import TraceEntry, TraceEvent

Identity = tuple[int, int, str]
"""(index, term, hash) of an entry."""

EMPTY = -2
"""Stands for the entry below where there is none, as the log was empty."""


def identity(entry: TraceEntry) -> Identity:
    """The index, term and hash of an entry: two entries with the same ones are equal."""
    return (entry.index, entry.term, entry.hash)


class EventPlace(NamedTuple):
    """The place of an event, and its term: all that is kept of most events."""

    node: str
    life: int
    seq: int
    term: int


def place_of(event: TraceEvent) -> EventPlace:
    """The place and the term of an event."""
    return EventPlace(event.node, event.life, event.seq, event.term)


class EventPlaces:
    """At most one event for each entry."""

    def __init__(self) -> None:
        self._nodes: list[str] = []
        self._where = Firsts()
        self._terms = Firsts()

    def has(self, number: int) -> bool:
        """Whether an entry has an event."""
        return self._where.get(number) != NONE

    def put(self, number: int, event: TraceEvent) -> None:
        """Set the event of an entry; it replaces an earlier one."""
        if not self._nodes or self._nodes[-1] != event.node:
            self._nodes.append(event.node)  # nodes are replayed one after the other
        place = (len(self._nodes) - 1) << 54 | event.life << 34 | event.seq
        self._where.put(number, place)
        self._terms.put(number, event.term)

    def get(self, number: int) -> EventPlace:
        """The event of an entry that has one."""
        place = self._where.get(number)
        node = self._nodes[place >> 54]
        return EventPlace(node, place >> 34 & 0xFFFFF, place & 0x3FFFFFFFF, self._terms.get(number))

    def term(self, number: int) -> int:
        """The term of an entry's event; NONE if it has no event."""
        return self._terms.get(number)

    @property
    def terms(self) -> Numbers:
        """The terms of all entries' events, by entry; NONE without an event."""
        return self._terms.values


class Entries:
    """The entries, numbered from 0 in the order in which they are first named."""

    def __init__(self) -> None:
        self.all: list[TraceEntry] = []
        self._places: dict[int, int] = {}
        """By index and term, the number of the first entry that has both."""
        self._others: dict[int, list[int]] = {}
        """By index and term, the numbers of all entries that have both, if there are several."""
        self._sorted: tuple[Numbers, Numbers] | None = None

    def number(self, entry: TraceEntry) -> int:
        """The number of an entry; a new entry gets a new number."""
        place = entry.index << 40 | entry.term
        first = self._places.get(place)
        if first is None:
            self._places[place] = len(self.all)
            self.all.append(entry)
            return len(self.all) - 1
        for number in self._others.get(place, (first,)):
            known = self.all[number]
            if known.hash == entry.hash:
                if known.op is None and entry.op is not None:
                    self.all[number] = entry  # a snapshot names its last entry without the operation
                return number
        self._others.setdefault(place, [first]).append(len(self.all))
        self.all.append(entry)
        return len(self.all) - 1

    def with_place_of(self, number: int) -> list[int]:
        """The numbers of all entries with the same index and term as this one, ascending."""
        entry = self.all[number]
        return self._others.get(entry.index << 40 | entry.term, [number])

    def at(self, index: int) -> list[int]:
        """The numbers of all entries with an index; only asked when all entries are known."""
        if self._sorted is None or len(self._sorted[0]) != len(self.all):
            indices = np.fromiter((entry.index for entry in self.all), np.int64, len(self.all))
            order = np.argsort(indices, kind="stable")
            self._sorted = (indices[order], order)
        indices, order = self._sorted
        first, end = np.searchsorted(indices, (index, index + 1))
        return [int(number) for number in order[first:end]]


class Clash(NamedTuple):
    """Two different entries at one index and term, or one entry above two different ones."""

    one: TraceEntry
    where: EventPlace
    other: TraceEntry
    event: TraceEvent
    belows: tuple[TraceEntry | None, TraceEntry | None] | None = None
    """The two entries below, if these differ; None in it stands for the empty log."""


class Placements:
    """The entries that nodes put into logs, each compared with the first of its index and term."""

    def __init__(self, entries: Entries) -> None:
        self.clashes: list[Clash] = []
        self.places = 0
        """The number of pairs of index and term at which some node put an entry."""
        self.copies = 0
        self.blind = 0
        """The number of entries for which the entry below is not known."""
        self._entries = entries
        self._first = EventPlaces()
        self._first_of_several: dict[int, int] = {}
        self._upon = EventPlaces()
        self._below = Firsts()

    def has(self, number: int) -> bool:
        """Whether some node put an entry into its log."""
        return self._first.has(number)

    def put(self, number: int, entry: TraceEntry, below: int, event: TraceEvent) -> None:
        """A node put an entry above the one with the number `below` (EMPTY, or NONE if it is not known)."""
        several = self._entries.with_place_of(number)
        first = number
        if len(several) > 1:
            earlier = next((other for other in several if self._first.has(other)), number)
            first = self._first_of_several.setdefault(several[0], earlier)
        if not self._first.has(number):
            self._first.put(number, event)
            if first == number:
                self.places += 1
            else:
                self.copies += 1
        else:
            self.copies += 1
        if first != number:
            self.clashes.append(Clash(self._entries.all[first], self._first.get(first), entry, event))
        if below == NONE:
            self.blind += 1
        elif not self._upon.has(first):
            self._upon.put(first, event)
            self._below.put(first, below)
        elif self._below.get(first) != below:
            belows = (self._named(self._below.get(first)), self._named(below))
            one = self._entries.all[first]
            self.clashes.append(Clash(one, self._upon.get(first), entry, event, belows))

    def _named(self, number: int) -> TraceEntry | None:
        return None if number == EMPTY else self._entries.all[number]


class CommitClaim(NamedTuple):
    """An entry that a node took for committed, with the event in the lowest term in which one did."""

    entry: TraceEntry
    event: EventPlace


class CommitClaims:
    """The entries that nodes took for committed."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._by = EventPlaces()
        self._order = array("q")

    def __len__(self) -> int:
        return len(self._order)

    def add(self, number: int, event: TraceEvent) -> None:
        """Note that a node takes an entry for committed."""
        term = self._by.term(number)
        if term == NONE:
            self._order.append(number)
        if term == NONE or event.term < term:
            self._by.put(number, event)

    def of(self, number: int) -> CommitClaim | None:
        """The claim that an entry is committed, if a node made it."""
        return CommitClaim(self._entries.all[number], self._by.get(number)) if self._by.has(number) else None

    def at(self, index: int) -> list[CommitClaim]:
        """All entries at one index that nodes took for committed; more than one is a violation."""
        found = (self.of(number) for number in self._entries.at(index))
        return [claim for claim in found if claim is not None]

    def columns(self) -> tuple[Numbers, Numbers, Numbers]:
        """Number, index and term of each such entry, in the order in which they were first claimed."""
        numbers = np.array(self._order, dtype=np.int64)
        every = self._entries.all
        indices = np.fromiter((every[number].index for number in self._order), np.int64, len(numbers))
        return numbers, indices, self._by.terms[numbers] if len(numbers) else numbers


class Journal:
    """The changes of a log, from which it can be rebuilt as it was at each marked moment."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._steps: list[tuple[int, int, array[int] | None]] = []

    def put(self, number: int) -> None:
        """Add an entry at the end; NONE if it is not known which."""
        self._numbers.append(number)

    def put_unknown(self, count: int) -> None:
        """Add this number of entries that are not known."""
        self._numbers.extend(array("q", [NONE]) * count)

    def cut(self, length: int) -> None:
        """Cut the log to a length."""
        self._steps.append((len(self._numbers), length, None))

    def replace(self, log: list[int]) -> None:
        """Replace the whole log."""
        self._steps.append((len(self._numbers), 0, array("q", log)))

    def mark(self) -> None:
        """Mark a moment whose log will be needed."""
        self._steps.append((len(self._numbers), NONE, None))

    def marked(self) -> Iterator[Numbers]:
        """The log at each mark, as numbers of entries; each array is overwritten by the next."""
        numbers = np.array(self._numbers, dtype=np.int64)
        most = len(numbers) + max((len(new) for _, _, new in self._steps if new is not None), default=0)
        log, length, taken = np.empty(most, dtype=np.int64), 0, 0
        for until, keep, new in self._steps:
            log[length : length + until - taken] = numbers[taken:until]
            length, taken = length + until - taken, until
            if keep == NONE:
                yield log[:length]
            elif new is None:
                length = keep
            else:
                length = len(new)
                log[:length] = new
