"""Every log entry that some trace names, once and by number; and what nodes did with each of them.

A cluster of five traces one entry a dozen times. Facts about entries are therefore kept by number, in arrays:
some tens of bytes an entry and node, however many events there are.
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
"""In place of the entry below: there is none, the log was empty."""


def identity(entry: TraceEntry) -> Identity:
    """What makes two entries the same."""
    return (entry.index, entry.term, entry.hash)


class EventPlace(NamedTuple):
    """Where an event stands, and the term it happened in: all that is kept of most of them."""

    node: str
    life: int
    seq: int
    term: int


def place_of(event: TraceEvent) -> EventPlace:
    """What is kept of an event."""
    return EventPlace(event.node, event.life, event.seq, event.term)


class EventPlaces:
    """For each entry, at most one event."""

    def __init__(self) -> None:
        self._nodes: list[str] = []
        self._where = Firsts()
        self._terms = Firsts()

    def has(self, number: int) -> bool:
        """Whether there is one."""
        return self._where.get(number) != NONE

    def put(self, number: int, event: TraceEvent) -> None:
        """In the place of another, if there was one."""
        if not self._nodes or self._nodes[-1] != event.node:
            self._nodes.append(event.node)  # nodes are replayed one after the other
        place = (len(self._nodes) - 1) << 54 | event.life << 34 | event.seq
        self._where.put(number, place)
        self._terms.put(number, event.term)

    def get(self, number: int) -> EventPlace:
        """It, of an entry that has one."""
        place = self._where.get(number)
        node = self._nodes[place >> 54]
        return EventPlace(node, place >> 34 & 0xFFFFF, place & 0x3FFFFFFFF, self._terms.get(number))

    def term(self, number: int) -> int:
        """Its term; NONE if there is none."""
        return self._terms.get(number)

    @property
    def terms(self) -> Numbers:
        """Of every entry, as far as there are any."""
        return self._terms.values


class Entries:
    """The entries, numbered from 0 in the order in which they are first named."""

    def __init__(self) -> None:
        self.all: list[TraceEntry] = []
        self._places: dict[int, int] = {}
        """The number of the first entry with an index and term."""
        self._others: dict[int, list[int]] = {}
        """And the numbers of all, where there are several."""
        self._sorted: tuple[Numbers, Numbers] | None = None

    def number(self, entry: TraceEntry) -> int:
        """The entry's number; a new one, if it is new."""
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
        """All that have its index and term, in the order of their numbers."""
        entry = self.all[number]
        return self._others.get(entry.index << 40 | entry.term, [number])

    def at(self, index: int) -> list[int]:
        """All that have that index; once all entries are known."""
        if self._sorted is None or len(self._sorted[0]) != len(self.all):
            indices = np.fromiter((entry.index for entry in self.all), np.int64, len(self.all))
            order = np.argsort(indices, kind="stable")
            self._sorted = (indices[order], order)
        indices, order = self._sorted
        first, end = np.searchsorted(indices, (index, index + 1))
        return [int(number) for number in order[first:end]]


class Clash(NamedTuple):
    """Two entries were put where only one can stand, or one upon two different ones."""

    one: TraceEntry
    where: EventPlace
    other: TraceEntry
    event: TraceEvent
    belows: tuple[TraceEntry | None, TraceEntry | None] | None = None
    """The entries below, where those differ; None in it: the empty log."""


class Placements:
    """Entries put into logs: each is compared with the first of its index and term."""

    def __init__(self, entries: Entries) -> None:
        self.clashes: list[Clash] = []
        self.places = 0
        """Pairs of index and term at which some entry was put."""
        self.copies = 0
        self.blind = 0
        """Entries of which it is not known upon which one they were put."""
        self._entries = entries
        self._first = EventPlaces()
        self._first_of_several: dict[int, int] = {}
        self._upon = EventPlaces()
        self._below = Firsts()

    def has(self, number: int) -> bool:
        """Whether some node put that entry into its log."""
        return self._first.has(number)

    def put(self, number: int, entry: TraceEntry, below: int, event: TraceEvent) -> None:
        """`below`: the number of the entry before it; EMPTY, or NONE if it is not known."""
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
    """An entry that some node took for committed, and the lowest term in which one did."""

    entry: TraceEntry
    event: EventPlace


class CommitClaims:
    """What was taken for committed."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._by = EventPlaces()
        self._order = array("q")

    def __len__(self) -> int:
        return len(self._order)

    def add(self, number: int, event: TraceEvent) -> None:
        """A node takes this entry for committed."""
        term = self._by.term(number)
        if term == NONE:
            self._order.append(number)
        if term == NONE or event.term < term:
            self._by.put(number, event)

    def of(self, number: int) -> CommitClaim | None:
        """Of one entry, if it was."""
        return CommitClaim(self._entries.all[number], self._by.get(number)) if self._by.has(number) else None

    def at(self, index: int) -> list[CommitClaim]:
        """All at one index: more than one is a violation."""
        found = (self.of(number) for number in self._entries.at(index))
        return [claim for claim in found if claim is not None]

    def columns(self) -> tuple[Numbers, Numbers, Numbers]:
        """(number, index, term) of each, in the order in which they were first taken for committed."""
        numbers = np.array(self._order, dtype=np.int64)
        every = self._entries.all
        indices = np.fromiter((every[number].index for number in self._order), np.int64, len(numbers))
        return numbers, indices, self._by.terms[numbers] if len(numbers) else numbers


class Journal:
    """How a log came to be: enough to have it again as it was at each of the marked moments."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._steps: list[tuple[int, int, array[int] | None]] = []

    def put(self, number: int) -> None:
        """An entry at the end; NONE if it is not known."""
        self._numbers.append(number)

    def cut(self, length: int) -> None:
        """Only so many entries are left."""
        self._steps.append((len(self._numbers), length, None))

    def replace(self, log: list[int]) -> None:
        """The whole log is another."""
        self._steps.append((len(self._numbers), 0, array("q", log)))

    def mark(self) -> None:
        """A moment whose log will be asked for."""
        self._steps.append((len(self._numbers), NONE, None))

    def marked(self) -> Iterator[Numbers]:
        """The log at each mark, as numbers; each is overwritten by the next."""
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
