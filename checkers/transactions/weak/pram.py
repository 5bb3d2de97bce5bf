"""What pipelined RAM infers: in which order one process saw the transactions of all others.

Lipton & Sandberg (1988), with transactions for single writes: each process sees all writes, those of one
other process in that process's order; two processes may see the writes of others in different orders. So for
each process an order of its own transactions and the writes of all others must exist that agrees with each
process and in which each of its reads sees the last write. (This is polynomial where values differ: Wei et
al., "Verifying PRAM consistency over read/write traces of data replicas", IEEE TPDS 2016.)

For a process, `before[i]` counts, by process, the transactions that must come before its own i-th one: those
that it read, or whose process came to one that it read, and so on. If the i-th one read x from t1, each other
writer t2 of x that is counted comes before t1, and then before all that t1 comes before, which may count
more. Once nothing changes, whatever is not counted may come later. So the process's view exists if and only
if the inferred pairs and the processes' orders close no cycle.

A transaction without a reply whose process went on is a process of its own here, which begins after what that
process did before (`Resolved.overtaken`): where it is counted, what it begins after is counted, too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from checkers.transactions.weak.causal import ByProcess, by_process
from checkers.transactions.weak.orders import INFERRED, INITIAL, READ, SESSION, Pairs, ordered
from checkers.transactions.weak.resolve import Integers, Resolved, Sessions, Steps
from checkers.transactions.weak.views import Inferred, room
from history.kernels import AnyIntegers, compiled_in_place

FULL, CLOSED, CHANGED, DONE = range(4)
"""How a round of `_round` ends: no room for more pairs, a cycle, more is counted, nothing changed."""


class View(NamedTuple):
    """One process's view while it is inferred."""

    own: AnyIntegers
    """The process's transactions in order."""
    before: AnyIntegers
    """By own transaction and process, how many of the process's transactions come before it."""


@compiled_in_place
def _start(
    view: View, process: int, count: int, sessions: Sessions, steps: Steps, source: AnyIntegers
) -> None:
    """Count what each own transaction read. `before` comes as zeros; `count` is that of processes."""
    own, before = view
    initial = len(steps.first) - 1
    for i in range(len(own)):
        row = i * count
        if i:
            for q in range(count):
                before[row + q] = before[row - count + q]
        before[row + process] = i
        for step in range(steps.first[own[i]], steps.first[own[i] + 1]):
            author = source[step]
            if author >= 0 and author != initial:
                at = row + sessions.session[author]
                if sessions.place[author] + 1 > before[at]:
                    before[at] = sessions.place[author] + 1


@compiled_in_place
def _round(
    view: View,
    process: int,
    count: int,
    sessions: Sessions,
    steps: Steps,
    source: AnyIntegers,
    found: ByProcess,
    apart: AnyIntegers,
    inferred: Inferred,
    totals: AnyIntegers,
) -> int:
    """Infer from all reads once. `totals[0]` is how many pairs there are.

    `apart` are the overtaken transactions that begin after another one, in ascending order.
    """
    own, before = view
    initial = len(steps.first) - 1
    changed = closed = False
    for i in range(len(own)):
        row = i * count
        if i:
            for q in range(count):
                if before[row - count + q] > before[row + q]:
                    if q == process:
                        closed = True
                    before[row + q] = before[row - count + q]
        for at in range(len(apart) - 1, -1, -1):
            first = sessions.before[apart[at]]
            q = sessions.session[first]
            if before[row + sessions.session[apart[at]]] and before[row + q] <= sessions.place[first]:
                before[row + q] = sessions.place[first] + 1
                changed = True
                if q == process:
                    closed = True
        for step in range(steps.first[own[i]], steps.first[own[i] + 1]):
            t1 = source[step]
            if t1 < 0:
                continue
            x = steps.key[step]
            # The first of the own transactions that comes after t1, or is t1 itself.
            j = i
            if t1 != initial:
                q1, place1 = sessions.session[t1], sessions.place[t1]
                if q1 == process:
                    j = place1
                else:
                    low, high = 0, i
                    while low < high:
                        middle = (low + high) // 2
                        if before[middle * count + q1] > place1:
                            high = middle
                        else:
                            low = middle + 1
                    j = low
            for entry in range(found.of_key[x], found.of_key[x + 1]):
                q = found.process[entry]
                limit = before[row + q]
                low, high = found.of_entry[entry], found.of_entry[entry + 1]
                while low < high:
                    middle = (low + high) // 2
                    if found.place[middle] < limit:
                        low = middle + 1
                    else:
                        high = middle
                if low == found.of_entry[entry]:
                    continue
                t2, place2 = found.transaction[low - 1], found.place[low - 1]
                if t2 == t1:
                    continue
                at = totals[0]
                if at >= len(inferred.source):
                    return FULL
                inferred.source[at] = t2
                inferred.target[at] = t1
                inferred.step[at] = step
                totals[0] = at + 1
                if t1 == initial or (q == sessions.session[t1] and place2 > sessions.place[t1]):
                    return CLOSED
                if place2 + 1 > before[j * count + q]:
                    if q == process and place2 >= j:
                        return CLOSED
                    before[j * count + q] = place2 + 1
                    changed = True
    if closed:
        return CLOSED
    return CHANGED if changed else DONE


def pram_violation(resolved: Resolved) -> Pairs | None:
    """The pairs of the first process whose view cannot exist, which hold a cycle; None if each has a view."""
    sessions = resolved.sessions
    count = int(sessions.session.max()) + 1 if len(sessions.session) else 0
    found = by_process(resolved)
    members = resolved.by_session
    starts = np.searchsorted(sessions.session[members], np.arange(count + 1))
    chain_to = np.flatnonzero(sessions.before >= 0).astype(np.int32)
    chain = (sessions.before[chain_to], chain_to)
    size = 1024
    alone = resolved.overtaken
    apart = alone[sessions.before[alone] >= 0].astype(np.int32)
    for process in range(count):
        own = members[starts[process] : starts[process + 1]]
        while True:
            inferred, closed = _view(resolved, process, own, count, found, apart, size)
            if inferred is not None:
                break
            size *= 4
        if not len(inferred.source) and not closed:
            continue
        ends = (np.concatenate([chain[0], inferred.source]), np.concatenate([chain[1], inferred.target]))
        if closed or ordered(resolved.initial + 1, *ends) is None:
            return _pairs(resolved, own, chain, inferred)
    return None


def _view(
    resolved: Resolved,
    process: int,
    own: Integers,
    count: int,
    found: ByProcess,
    apart: Integers,
    size: int,
) -> tuple[Inferred | None, bool]:
    """(the pairs inferred for a process, whether they close a cycle); None where `size` is too few."""
    view = View(own, np.zeros(len(own) * count, dtype=np.int32))
    steps, sessions, source = resolved.steps, resolved.sessions, resolved.source
    _start.by_size(view, process, count, sessions, steps, source)
    inferred, totals = room(size), np.zeros(1, dtype=np.int64)
    end = CHANGED
    while end == CHANGED:
        # The last round infers all pairs again; earlier ones are kept, since later ones rest on them.
        end = int(
            _round.by_size(view, process, count, sessions, steps, source, found, apart, inferred, totals)
        )
    if end == FULL:
        return None, False
    return Inferred(*(column[: int(totals[0])] for column in inferred)), end == CLOSED


def _pairs(
    resolved: Resolved, own: Integers, chain: tuple[AnyIntegers, AnyIntegers], inferred: Inferred
) -> Pairs:
    """All pairs of one process's view, each with its reason."""
    reads = resolved.reads
    readers = np.repeat(own, np.diff(reads.first)[own])
    seen = np.concatenate(
        [np.zeros(0, dtype=np.int32), *(reads.seen[reads.first[t] : reads.first[t + 1]] for t in own)]
    )
    late = inferred.source[inferred.target == resolved.initial]
    sources = [chain[0], seen, inferred.source, np.full(len(late), resolved.initial)]
    targets = [chain[1], readers, inferred.target, late]
    kinds = (SESSION, READ, INFERRED, INITIAL)
    return Pairs(
        np.concatenate(sources),
        np.concatenate(targets),
        np.concatenate([np.full(len(one), kind) for one, kind in zip(sources, kinds, strict=True)]),
        np.concatenate(
            [
                inferred.step if kind == INFERRED else np.full(len(one), -1)
                for one, kind in zip(sources, kinds, strict=True)
            ]
        ),
        for_process=True,
    )
