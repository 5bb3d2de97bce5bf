"""Sets, without a search: element by element, and where each element is added once, at once.

**Without `read`** every operation concerns one element, and elements do not know of each other: a history has
an order exactly if each element's operations have one (Herlihy & Wing 1990, theorem 1). An element that is
added by one operation only is in the set from a moment a in that until a moment r in the one removal that
takes it out. Who found it there (or took it out) was not yet done at a, and r not yet before they began; with
A the first of those ends and the add's own, and R the last of those beginnings and the removal's own, it is
necessary that add.begin < A and R < removal.end and add.begin < removal.end, and it is enough if each
operation that found nothing began before A or ended after R: if A < R, a just before A and r just after R are
right for all operations; if R < A, a and r next to each other are, of which each operation misses one. If no
reply shows which removal took it out, the best one is the first to begin of those that end neither before an
operation found the element nor before the add began; if there is none, r never comes. Linear, as in Abdulla
et al. (PLDI 2025).

**With `read`, and nothing removed**: what reads showed must grow, each a subset of the next. So an order can
only be: what the first read shows is added, those that read it, what the second shows beyond that is added,
and so on, last what no read shows. Each operation, as early as that allows, must come before its own end.

What is left to the search: an element added twice, reads where something is also removed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.linearizability.distinct_values.rows import UNTOLD, HistoryRows, numbered, pairs_of
from checkers.linearizability.part import Integers
from history import values
from history.values import frozen

FUNCTIONS = ("add", "remove", "contains", "read")
ADD, REMOVE, CONTAINS, READ = range(4)
Mask = npt.NDArray[np.bool_]


def prepared(rows: HistoryRows) -> HistoryRows:
    """With, as the value, the element of each operation; of a read, `UNTOLD`."""
    return replace(
        rows, value=numbered(rows.history.columns, np.where(rows.f == READ, UNTOLD, rows.argument))
    )


def elements(rows: HistoryRows) -> Integers:
    """By operation a number of its key and element."""
    return pairs_of(rows.key, rows.value)[0]


def ambiguous(rows: HistoryRows) -> Mask:
    """By operation, whether its element is added twice, or a reply about it is neither true nor false."""
    dense, key_of = pairs_of(rows.key, rows.value)
    adds = np.bincount(dense[rows.f == ADD], minlength=len(key_of))
    odd = (
        (rows.f == CONTAINS) & (rows.completed < NEVER) & (rows.result != rows.yes) & (rows.result != rows.no)
    )
    return np.asarray(((adds > 1) | (np.bincount(dense[odd], minlength=len(key_of)) > 0))[dense])


def impossible(rows: HistoryRows) -> Mask:
    """By operation, whether no order explains those of its element; there are no reads, and one add each."""
    dense, key_of = pairs_of(rows.key, rows.value)
    count = len(key_of)
    begin, end = rows.invoked, rows.completed
    yes, no = rows.result == rows.yes, rows.result == rows.no
    add, remove = rows.f == ADD, rows.f == REMOVE
    found, took, silent = (rows.f == CONTAINS) & yes, remove & yes, remove & ~yes & ~no

    def first(mask: Mask, moments: Integers) -> Integers:
        least = np.full(count, NEVER)
        np.minimum.at(least, dense[mask], moments[mask])
        return least

    def latest(mask: Mask, moments: Integers) -> Integers:
        most = np.full(count, -1)
        np.maximum.at(most, dense[mask], moments[mask])
        return most

    added, add_end = first(add, begin), first(add, end)
    taken, removal_end, found_last = first(took, begin), first(took, end), latest(found, begin)
    able = silent & (end > np.maximum(found_last, np.where(added < NEVER, added, -1))[dense])
    removed = np.where(taken < NEVER, taken, first(able, begin))
    until = np.minimum(add_end, first(found, end))
    since = np.maximum(removed, found_last)
    noticed = (found_last >= 0) | (taken < NEVER)
    bad = noticed & ((added > until) | (added == NEVER) | (found_last > removal_end) | (added > removal_end))
    bad |= np.bincount(dense[took], minlength=count) > 1
    bad[dense[add & no]] = True  # it was there already, but no other operation added it
    # An add of unknown outcome that no reply shows can be left out; nothing begins after its end here.
    missed = (~add & no) | (silent & (end < NEVER))
    bad[dense[missed & (begin > until[dense]) & (end < since[dense])]] = True
    return np.asarray(bad[dense])


def elements_of(shown: list[Any]) -> frozenset[Hashable]:
    """What a read showed. Most elements are hashable as they are, and reads are long."""
    items = values.elements(shown) or []
    return frozenset(items if {*map(type, items)} <= {int, str} else map(frozen, items))


class Conflict(NamedTuple):
    """What contradicts in a set that only grows."""

    elements: frozenset[Hashable]
    """As the model has them."""
    kept: Mask
    """All operations on these elements, and the reads that tell it."""


class _Member(NamedTuple):
    """One operation of a growing set: the stage of the order it belongs to, and when it can take effect."""

    stage: int
    begin: int
    end: int
    row: int


class Growing:
    """One key's set with reads, from which nothing is removed, and whose elements are added once each."""

    def __init__(self, rows: HistoryRows) -> None:
        self._rows = rows
        columns = rows.history.columns
        self._elements: dict[Hashable, int] = {}
        named = np.flatnonzero(rows.f != READ)
        decoded: dict[int, Hashable] = {}
        for code, value in zip(rows.argument[named].tolist(), rows.value[named].tolist(), strict=True):
            if value not in decoded:
                decoded[value] = frozen(columns.decoded(code))
                self._elements[decoded[value]] = value
        self._named = decoded
        answered = np.flatnonzero((rows.f == READ) & (rows.completed < NEVER))
        shown = {
            code: elements_of(columns.decoded(code)) for code in np.unique(rows.result[answered]).tolist()
        }
        self._read_of: dict[frozenset[Hashable], int] = {}
        """A place of a read, by what it showed."""
        self._reads = [(place, shown[int(rows.result[place])]) for place in answered.tolist()]
        for place, elements in self._reads:
            self._read_of.setdefault(elements, place)
        self._chain = sorted(self._read_of, key=len)

    def conflict(self) -> Conflict | None:
        """What no order explains, or None if there is one."""
        rows = self._rows
        level: dict[Hashable, int] = {}
        before: frozenset[Hashable] = frozenset()
        for number, elements in enumerate(self._chain):
            if not before <= elements:
                pair = {next(iter(before - elements)), next(iter(elements - before))}
                return self._conflict(pair, self._read_of[before], self._read_of[elements])
            level.update(dict.fromkeys(elements - before, number))
            before = elements
        adds = {int(rows.value[row]): int(row) for row in np.flatnonzero(rows.f == ADD)}
        for element, number in level.items():
            if self._elements.get(element) not in adds:
                return self._conflict({element}, self._read_of[self._chain[number]])
        members: list[_Member] = []
        windows = self._windows(adds)
        if isinstance(windows, Conflict):
            return windows
        for value, (begin, end, noticed) in windows.items():
            element = self._named[value]
            if element in level or noticed or end < NEVER:
                members.append(_Member(2 * level.get(element, len(self._chain)), begin, end, adds[value]))
        place_of = {elements: number for number, elements in enumerate(self._chain)}
        for place, elements in self._reads:
            begin, end = int(rows.invoked[place]), int(rows.completed[place])
            members.append(_Member(2 * place_of[elements] + 1, begin, end, place))
        members.sort()
        latest = earlier = _Member(-1, -1, -1, -1)
        for place, member in enumerate(members):
            if place and members[place - 1].stage < member.stage:
                earlier = latest
            if earlier.begin > member.end:
                return self._too_late(earlier, member)
            latest = max(latest, member, key=lambda one: one.begin)
        return None

    def _windows(self, adds: Mapping[int, int]) -> dict[int, tuple[int, int, bool]] | Conflict:
        """By element when its add can take effect, for what other operations than reads saw."""
        rows = self._rows
        windows = {
            value: (int(rows.invoked[row]), int(rows.completed[row]), False) for value, row in adds.items()
        }
        for row in np.flatnonzero((rows.f == CONTAINS) & (rows.completed < NEVER)).tolist():
            value, seen = int(rows.value[row]), bool(rows.result[row] == rows.yes)
            if value in windows:
                begin, end, noticed = windows[value]
                if seen:
                    windows[value] = (begin, min(end, int(rows.completed[row])), True)
                else:
                    windows[value] = (max(begin, int(rows.invoked[row])), end, noticed)
            elif seen:
                return self._conflict({self._named[value]})
        for value, row in adds.items():
            begin, end, _ = windows[value]
            if begin > end or rows.result[row] == rows.no:
                return self._conflict({self._named[value]})
        return windows

    def _too_late(self, earlier: _Member, member: _Member) -> Conflict:
        """`member` was over before `earlier`, which must come first, began."""
        added = [
            self._named[int(self._rows.value[one.row])] for one in (earlier, member) if one.stage % 2 == 0
        ]
        reads = [one.row for one in (earlier, member) if one.stage % 2]
        if len(reads) == 2:
            between = self._chain[member.stage // 2] - self._chain[earlier.stage // 2]
            added = [next(iter(between))]
        if not reads:
            reads = [self._read_of[self._chain[earlier.stage // 2]]]
        return self._conflict(set(added), *reads)

    def _conflict(self, elements: set[Hashable], *reads: int) -> Conflict:
        numbers = [self._elements[element] for element in elements if element in self._elements]
        kept = np.isin(self._rows.value, numbers)
        kept[list(reads)] = True
        return Conflict(frozenset(elements), kept)
