"""A second witness, for wrong indices: writes in the order of the log, and each read where it fits.

A history may have an order although an index is wrong. Then the order of the writes is taken from the traces
(or from their replies, if no trace shows them). Each read, in order of invocation, is placed at the earliest
moment at which its key held what the read showed: after all operations that had completed when it began, and
before all that began after it had completed. An early place loses nothing, as it leaves more room for later
reads. An order that is found is a proof; if none is found, that proves nothing.

A list fits where all keys of its service hold at the same moment what the list shows.
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
    """A claim that fits nowhere in this order, and the keys that prevent it."""

    claim: int
    keys: tuple[int, ...] = ()


@dataclass
class _Timeline:
    """What one key holds, by the number of writes of the part: from since[n] writes on, value[n]."""

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
        """What the key holds after a number of writes."""
        return self.value[bisect_right(self.since, place) - 1]

    def next_with(self, value: int, place: int) -> int:
        """The first place from `place` on at which the key holds a value; `NEVER` if there is none."""
        for number in range(bisect_right(self.since, place) - 1, len(self.since)):
            if self.value[number] == value:
                return max(place, self.since[number])
        return NEVER


def fit(claims: Claims, members: Integers, keys: tuple[int, ...], first: Mapping[int, int]) -> Misfit | None:
    """Look for such an order of one part's claims (`members`, by invocation); None if there is one."""
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
    """Apply one write; returns whether its reply agrees with what the key held."""
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
    """The first place from `place` to `last` at which all keys hold these values; or the keys that prevent
    it."""
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
