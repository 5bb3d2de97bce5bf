"""What monotonic atomic view and read atomic infer: which of two writers of a key committed first.

A transaction t3 read x from t1, and t2 wrote x, too. Then t2 comes before t1

- for monotonic atomic view, if t3 had read anything from t2 before it read x;
- for read atomic, if t3 read anything from t2 at all, or, with sessions, comes after t2 in its process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from checkers.transactions.weak.resolve import (
    NO_TRANSACTION,
    Integers,
    Reads,
    Resolved,
    Sessions,
    Steps,
    WriteSets,
)
from history.kernels import AnyIntegers, compiled_in_place, inlined


class Inferred(NamedTuple):
    """Pairs of transactions, the first of which comes before the second in every commit order."""

    source: AnyIntegers
    target: AnyIntegers
    step: AnyIntegers
    """The read from which that follows: it saw the target's write of a key that the source wrote, too."""


class Nearby(NamedTuple):
    """Work space by key for one transaction at a time."""

    stamp: AnyIntegers
    """The last transaction that used the entry."""
    step: AnyIntegers
    """A read of the key ..."""
    other: AnyIntegers
    """... and a read of it that saw another transaction; -1 for none."""


@inlined
def _wrote(sets: WriteSets, txn: int, x: int) -> bool:
    """Whether the transaction wrote the key."""
    low, high = sets.first[txn], sets.first[txn + 1]
    while low < high:
        middle = (low + high) // 2
        if sets.keys[middle] < x:
            low = middle + 1
        else:
            high = middle
    return bool(low < sets.first[txn + 1] and sets.keys[low] == x)


@inlined
def _note(source: AnyIntegers, nearby: Nearby, txn: int, x: int, step: int) -> None:
    """Note a read of a key, in front of those that were noted before."""
    stamp, near, other = nearby
    if stamp[x] != txn:
        stamp[x] = txn
        near[x] = step
        other[x] = NO_TRANSACTION
    elif source[near[x]] != source[step]:
        other[x] = near[x]
        near[x] = step


@compiled_in_place
def monotonic(
    steps: Steps,
    source: AnyIntegers,
    sets: WriteSets,
    nearby: Nearby,
    first_read: AnyIntegers,
    inferred: Inferred,
) -> int:
    """Infer for monotonic atomic view; how many pairs there are, of which those with room are written.

    `first_read` is work space by transaction.
    """
    first, key = steps.first, steps.key
    initial = len(first) - 1
    count = 0
    for txn in range(initial):
        begin, end = first[txn], first[txn + 1]
        reads = 0
        for step in range(end - 1, begin - 1, -1):
            if source[step] >= 0:
                reads += 1
                first_read[source[step]] = step
        if reads < 2:
            continue
        noted = 0
        for step in range(end - 1, begin - 1, -1):
            t2 = source[step]
            if t2 < 0:
                continue
            if t2 != initial and first_read[t2] == step and noted:
                few = sets.first[t2 + 1] - sets.first[t2] <= 4 * noted
                low = sets.first[t2] if few else step + 1
                high = sets.first[t2 + 1] if few else end
                for place in range(low, high):
                    if few:
                        x = sets.keys[place]
                        if nearby.stamp[x] != txn:
                            continue
                    else:
                        if source[place] < 0:
                            continue
                        x = key[place]
                        if nearby.step[x] != place or not _wrote(sets, t2, x):
                            continue
                    cause = nearby.step[x]
                    if source[cause] == t2:
                        cause = nearby.other[x]
                        if cause < 0:
                            continue
                    if count < len(inferred.source):
                        inferred.source[count] = t2
                        inferred.target[count] = source[cause]
                        inferred.step[count] = cause
                    count += 1
            _note(source, nearby, txn, key[step], step)
            noted += 1
    return count


@compiled_in_place
def atomic(
    steps: Steps,
    source: AnyIntegers,
    sets: WriteSets,
    reads: Reads,
    nearby: Nearby,
    inferred: Inferred,
) -> int:
    """Infer for read atomic from what was read; how many pairs there are."""
    first, key = steps.first, steps.key
    initial = len(first) - 1
    count = 0
    for txn in range(initial):
        begin, end = first[txn], first[txn + 1]
        if reads.first[txn] == reads.first[txn + 1]:
            continue
        noted = 0
        for step in range(begin, end):
            if source[step] >= 0:
                _note(source, nearby, txn, key[step], step)
                noted += 1
        if noted < 2:
            continue
        for pair in range(reads.first[txn], reads.first[txn + 1]):
            t2 = reads.seen[pair]
            few = sets.first[t2 + 1] - sets.first[t2] <= 4 * noted
            low = sets.first[t2] if few else begin
            high = sets.first[t2 + 1] if few else end
            for place in range(low, high):
                if few:
                    x = sets.keys[place]
                    if nearby.stamp[x] != txn:
                        continue
                else:
                    if source[place] < 0:
                        continue
                    x = key[place]
                    if nearby.step[x] != place or not _wrote(sets, t2, x):
                        continue
                for which in range(2):
                    cause = nearby.step[x] if which == 0 else nearby.other[x]
                    if cause < 0 or source[cause] == t2:
                        continue
                    if count < len(inferred.source):
                        inferred.source[count] = t2
                        inferred.target[count] = source[cause]
                        inferred.step[count] = cause
                    count += 1
    return count


@compiled_in_place
def own_writes(
    steps: Steps,
    source: AnyIntegers,
    sets: WriteSets,
    sessions: Sessions,
    order: AnyIntegers,
    stamp: AnyIntegers,
    last: AnyIntegers,
    inferred: Inferred,
) -> int:
    """Infer for read atomic from the order of each process; how many pairs there are.

    `order` are the committed transactions, session after session; `stamp` (filled with -1) and `last` are
    work space by key.
    """
    first, key = steps.first, steps.key
    count = 0
    for at in range(len(order)):
        txn = order[at]
        own = sessions.session[txn]
        for step in range(first[txn], first[txn + 1]):
            if source[step] >= 0:
                x = key[step]
                if stamp[x] == own and last[x] != source[step]:
                    if count < len(inferred.source):
                        inferred.source[count] = last[x]
                        inferred.target[count] = source[step]
                        inferred.step[count] = step
                    count += 1
        for place in range(sets.first[txn], sets.first[txn + 1]):
            stamp[sets.keys[place]] = own
            last[sets.keys[place]] = txn
    return count


def room(most: int) -> Inferred:
    """Room for this number of pairs."""
    return Inferred(*(np.zeros(most, dtype=np.int32) for _ in range(3)))


def all_pairs(guess: int, infer: Callable[[Inferred], int]) -> Inferred:
    """The pairs that a kernel infers; it runs again if there are more than `guess`."""
    while True:
        inferred = room(guess)
        count = int(infer(inferred))
        if count <= guess:
            return Inferred(*(column[:count] for column in inferred))
        guess = count


def by_key(resolved: Resolved) -> Integers:
    """Work space by key, filled with -1."""
    return np.full(resolved.txns.keys, NO_TRANSACTION, dtype=np.int32)


def monotonic_pairs(resolved: Resolved) -> Inferred:
    """The pairs that monotonic atomic view infers."""

    def infer(inferred: Inferred) -> int:
        nearby = Nearby(*(by_key(resolved) for _ in range(3)))
        first_read = np.zeros(resolved.initial + 1, dtype=np.int32)
        return monotonic.by_size(
            resolved.steps, resolved.source, resolved.write_sets, nearby, first_read, inferred
        )

    return all_pairs(len(resolved.source) // 4 + 16, infer)


def atomic_pairs(resolved: Resolved, *, sessions: bool) -> tuple[Inferred, ...]:
    """The pairs that read atomic infers, from reads and, with `sessions`, from the order of processes."""

    def infer(inferred: Inferred) -> int:
        nearby = Nearby(*(by_key(resolved) for _ in range(3)))
        return atomic.by_size(
            resolved.steps, resolved.source, resolved.write_sets, resolved.reads, nearby, inferred
        )

    def infer_own(inferred: Inferred) -> int:
        return own_writes.by_size(
            resolved.steps,
            resolved.source,
            resolved.write_sets,
            resolved.sessions,
            resolved.by_session,
            by_key(resolved),
            by_key(resolved),
            inferred,
        )

    guess = len(resolved.source) // 4 + 16
    seen = all_pairs(guess, infer)
    return (seen, all_pairs(guess, infer_own)) if sessions else (seen,)
