"""A second witness, where the claimed indices are no order: writes by the log, each read where it fits.

An index may lie, and a history still have an order. The writes' order is then taken from the traces (from
their own claims where a trace lacks them), and each read, in order of invocation, is put at the earliest
moment that shows what it saw: after all that had completed when it began, before all that began when it had
completed. Putting reads as early as can be is no loss, since an earlier read only leaves more room to later
ones. As with the first witness, an order that is found is a proof; that none is found proves nothing.

A list fits where all keys of its service hold at once what it showed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.registry.linearizability.claims import (
    CHANGE,
    EXPIRY,
    FALSE,
    NOTHING,
    PUT,
    READ,
    REMOVE,
    SNAPSHOT,
    UNPLACED,
    Claims,
    Integers,
)


@dataclass(frozen=True)
class Misfit:
    """A claim that fits nowhere in this order, and the keys that say so."""

    claim: int
    keys: tuple[int, ...] = ()


@dataclass
class _Timeline:
    """What one key holds after how many writes of the part: from since[n] on, value[n]."""

    since: list[int] = field(default_factory=lambda: [0])
    value: list[int] = field(default_factory=lambda: [NOTHING])
    registered: int = UNPLACED

    @property
    def now(self) -> int:
        return self.value[-1]

    def put(self, place: int, value: int) -> None:
        self.since.append(place)
        self.value.append(value)

    def at(self, place: int) -> int:
        """What it holds after so many writes."""
        return self.value[bisect_right(self.since, place) - 1]

    def next_with(self, value: int, place: int) -> int:
        """The first place from `place` on at which it holds that; `NEVER` if there is none."""
        for number in range(bisect_right(self.since, place) - 1, len(self.since)):
            if self.value[number] == value:
                return max(place, self.since[number])
        return NEVER


def fit(claims: Claims, members: Integers, keys: tuple[int, ...], first: Mapping[int, int]) -> Misfit | None:
    """Look for such an order of one part's claims (`members`, by invocation). None: there is one."""
    index = {
        claim: first.get(int(claims.invoked[claim]), int(claims.index[claim]))
        for claim in members[claims.effect[members] < READ].tolist()
    }
    missing = next((claim for claim, at in index.items() if at == UNPLACED), None)
    if missing is not None:
        return Misfit(missing)
    writes = sorted(index, key=lambda claim: (index[claim], not claims.presumed[claim]))
    timelines = {key: _Timeline() for key in keys}
    for place, claim in enumerate(writes, start=1):
        if not _write(claims, timelines[int(claims.key[claim])], claim, place, index[claim]):
            return Misfit(claim, (int(claims.key[claim]),))
    return _fit_reads(claims, members, writes, timelines)


def _write(claims: Claims, line: _Timeline, claim: int, place: int, index: int) -> bool:
    """Apply one write; whether its reply is what it met."""
    held, value = line.now, int(claims.value[claim])
    known = claims.completed[claim] != NEVER
    match int(claims.effect[claim]):
        case int(effect) if effect == PUT:
            line.put(place, value)
            line.registered = index
        case int(effect) if effect == REMOVE:
            line.put(place, NOTHING)
            return not known or held == value
        case int(effect) if effect == EXPIRY:
            if held != NOTHING and line.registered == value:
                line.put(place, NOTHING)
        case int(effect) if effect == CHANGE:
            if held != NOTHING and value != FALSE:
                line.put(place, value)
            return not known or (held == NOTHING) == (value == FALSE)
    return True


def _fit_reads(
    claims: Claims, members: Integers, writes: list[int], timelines: Mapping[int, _Timeline]
) -> Misfit | None:
    invoked = [int(claims.invoked[claim]) for claim in writes]
    completed = [int(claims.completed[claim]) for claim in writes]
    latest = 0
    for claim, began, ended in zip(writes, invoked, completed, strict=True):
        if ended < latest:
            return Misfit(claim)
        latest = max(latest, began)
    by_end = sorted(range(len(writes)), key=completed.__getitem__)
    ends = [completed[number] for number in by_end]
    done = [0, *accumulate((number + 1 for number in by_end), max)]
    by_begin = sorted(range(len(writes)), key=invoked.__getitem__)
    begins = [invoked[number] for number in by_begin]
    room = list(accumulate(reversed(by_begin), min, initial=len(writes)))[::-1]
    shown: dict[int, dict[int, int]] = {}
    entries = claims.listings
    for entry in np.flatnonzero(np.isin(entries.claim, members)).tolist():
        shown.setdefault(int(entries.claim[entry]), {})[int(entries.key[entry])] = int(entries.value[entry])

    reads = members[claims.effect[members] >= READ]
    finished = sorted(reads.tolist(), key=lambda claim: int(claims.completed[claim]))
    placed: dict[int, int] = {}
    next_finished = floor = 0
    for claim in reads.tolist():
        began, ended = int(claims.invoked[claim]), int(claims.completed[claim])
        while int(claims.completed[finished[next_finished]]) < began:
            floor = max(floor, placed[finished[next_finished]])
            next_finished += 1
        place = max(floor, done[bisect_left(ends, began)])
        last = room[bisect_right(begins, ended)]
        if claims.effect[claim] == SNAPSHOT:
            wanted = shown.get(claim, {})
            asked = {key: wanted.get(key, NOTHING) for key in timelines}
        else:
            asked = {int(claims.key[claim]): int(claims.value[claim])}
        found = _first_moment(timelines, asked, place, last)
        if isinstance(found, Misfit):
            return Misfit(claim, found.keys)
        placed[claim] = found
    return None


def _first_moment(
    timelines: Mapping[int, _Timeline], asked: Mapping[int, int], place: int, last: int
) -> int | Misfit:
    """The first place from `place` to `last` at which all keys hold what is asked; or who prevents it."""
    pushed: list[int] = []
    moved = True
    while moved:
        moved = False
        for key, value in asked.items():
            at = timelines[key].next_with(value, place)
            if at > place:
                pushed.append(key)
                if at > last:
                    return Misfit(-1, tuple(dict.fromkeys(reversed(pushed))))
                place, moved = at, True
    return place
