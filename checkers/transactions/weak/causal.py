"""What causal consistency infers: which of two writers of a key committed first.

A transaction t3 read x from t1, and t2, which wrote x, too, happened before t3: a chain of reads and of
processes leads from t2 to t3. Then t2 comes before t1. Of each process only its last such t2 matters.

AWDIT keeps a vector clock for each transaction, with one number for each process. Here the processes are
taken a few at a time: one pass over all transactions computes, for these few, how many transactions of each
happened before. So memory does not grow with the number of processes, and one line of the processor's cache
holds what is known of one transaction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from checkers.transactions.weak.resolve import Integers, Reads, Resolved, Sessions, Steps, WriteSets
from checkers.transactions.weak.views import Inferred, room
from history.kernels import AnyIntegers, compiled_in_place

LANES = 16
"""Processes that one pass is about: as many numbers of 32 bits as a line of the cache holds."""


class Seen(NamedTuple):
    """The versions that reads saw, each a pair of a key and the transaction that wrote it."""

    key: AnyIntegers
    author: AnyIntegers
    """The transaction, or the initial state's number."""
    example: AnyIntegers
    """A read of the version."""
    reader: AnyIntegers
    """By read that counts, in order, the transaction ..."""
    version: AnyIntegers
    """... and the version that it saw."""


class Earlier(NamedTuple):
    """By place in an order the transactions right before each: what it saw, and its process's last one."""

    first: AnyIntegers
    other: AnyIntegers
    session: AnyIntegers
    """By pair the other's process ..."""
    up_to: AnyIntegers
    """... and how many of this process's transactions there are up to it."""


class ByProcess(NamedTuple):
    """By key the processes that wrote it, and by each of these the places of the transactions that did."""

    of_key: AnyIntegers
    """The processes of key x are the entries from of_key[x] on."""
    process: AnyIntegers
    """By entry, ascending for each key."""
    of_entry: AnyIntegers
    """The places of an entry, ascending, are those from of_entry[entry] on."""
    place: AnyIntegers
    transaction: AnyIntegers


@compiled_in_place
def _number_versions(
    steps: Steps, source: AnyIntegers, order: AnyIntegers, seen: Seen, slots: AnyIntegers, totals: AnyIntegers
) -> None:
    """Number the versions that were read. `totals` ends as the numbers of versions and of reads that count.

    `slots` is a table of zeros, of size 2 ** n.
    """
    of_key, author, example, reader, version = seen
    known = reads = 0
    for at in range(len(order)):
        txn = order[at]
        for step in range(steps.first[txn], steps.first[txn + 1]):
            if source[step] < 0:
                continue
            t1, x = source[step], steps.key[step]
            h = (t1 * 0x2545F491 + x * 0x1E3779B1) & 0x3FFFFFFFFFFFFFF
            slot = (h ^ (h >> 17)) & (len(slots) - 1)
            found = known
            while slots[slot] > 0:
                other = slots[slot] - 1
                if author[other] == t1 and of_key[other] == x:
                    found = other
                    break
                slot = (slot + 1) & (len(slots) - 1)
            if found == known:
                slots[slot] = known + 1
                author[known] = t1
                of_key[known] = x
                example[known] = step
                known += 1
            reader[reads] = txn
            version[reads] = found
            reads += 1
    totals[0] = known
    totals[1] = reads


@compiled_in_place
def _earlier(order: AnyIntegers, reads: Reads, sessions: Sessions, earlier: Earlier) -> int:
    """Fill `earlier`; how many pairs there are."""
    first, other, session, up_to = earlier
    pairs = 0
    for at in range(len(order)):
        txn = order[at]
        first[at] = pairs
        for which in range(reads.first[txn] - 1, reads.first[txn + 1]):
            before = sessions.before[txn] if which < reads.first[txn] else reads.seen[which]
            if before >= 0:
                other[pairs] = before
                session[pairs] = sessions.session[before]
                up_to[pairs] = sessions.place[before] + 1
                pairs += 1
    first[len(order)] = pairs
    return pairs


@compiled_in_place
def _entries(sets: WriteSets, sessions: Sessions, sorted_writers: AnyIntegers, found: ByProcess) -> int:
    """Fill `found`; how many entries there are. `sorted_writers` are by key, and there process by process."""
    of_key, process, of_entry, place, transaction = found
    entries = 0
    for x in range(len(sets.of_key) - 1):
        of_key[x] = entries
        last = -1
        for at in range(sets.of_key[x], sets.of_key[x + 1]):
            txn = sorted_writers[at]
            if sessions.session[txn] != last:
                last = sessions.session[txn]
                process[entries] = last
                of_entry[entries] = at
                entries += 1
            place[at] = sessions.place[txn]
            transaction[at] = txn
    of_key[len(sets.of_key) - 1] = entries
    of_entry[entries] = len(sorted_writers)
    return entries


@compiled_in_place
def _past(base: int, order: AnyIntegers, earlier: Earlier, past: AnyIntegers) -> None:
    """For the processes from `base` on, how many transactions of each happened before each transaction.

    `past` has LANES numbers for each transaction and the initial state, and comes as zeros.
    """
    first, others, session, up_to = earlier
    for at in range(len(order)):
        own = order[at] * LANES
        for pair in range(first[at], first[at + 1]):
            other = others[pair] * LANES
            for lane in range(LANES):
                if past[other + lane] > past[own + lane]:
                    past[own + lane] = past[other + lane]
            mine = session[pair] - base
            if 0 <= mine < LANES and up_to[pair] > past[own + mine]:
                past[own + mine] = up_to[pair]


@compiled_in_place
def _furthest(seen: Seen, past: AnyIntegers, reach: AnyIntegers) -> None:
    """By version and lane, the furthest past of any transaction that read it; `reach` comes as zeros."""
    for read in range(len(seen.reader)):
        own, to = seen.reader[read] * LANES, seen.version[read] * LANES
        for lane in range(LANES):
            if past[own + lane] > reach[to + lane]:
                reach[to + lane] = past[own + lane]


@compiled_in_place
def _infer(
    base: int,
    seen: Seen,
    found: ByProcess,
    cursor: AnyIntegers,
    past: AnyIntegers,
    reach: AnyIntegers,
    count: int,
    inferred: Inferred,
) -> int:
    """Infer from the processes from `base` on; how many pairs there are now.

    `cursor` is by key the first entry of a process that is not below `base`.
    """
    of_key, process, of_entry, place, transaction = found
    for x in range(len(cursor)):
        while cursor[x] < of_key[x + 1] and process[cursor[x]] < base:
            cursor[x] += 1
    for version in range(len(seen.key)):
        x = seen.key[version]
        t1 = seen.author[version]
        entry = cursor[x]
        while entry < of_key[x + 1] and process[entry] < base + LANES:
            lane = process[entry] - base
            limit = reach[version * LANES + lane]
            known = past[t1 * LANES + lane]
            if limit > known:
                low, high = of_entry[entry], of_entry[entry + 1]
                while low < high:
                    middle = (low + high) // 2
                    if place[middle] < limit:
                        low = middle + 1
                    else:
                        high = middle
                if low > of_entry[entry]:
                    t2 = transaction[low - 1]
                    # What happened before t1 comes before it anyway.
                    if t2 != t1 and place[low - 1] >= known:
                        if count < len(inferred.source):
                            inferred.source[count] = t2
                            inferred.target[count] = t1
                            inferred.step[count] = seen.example[version]
                        count += 1
            entry += 1
    return count


def by_process(resolved: Resolved) -> ByProcess:
    """The writers of each key, process by process."""
    sets, sessions, keys = resolved.write_sets, resolved.sessions, resolved.txns.keys
    of_writers = np.repeat(np.arange(keys), np.diff(sets.of_key))
    writers = sets.writers[np.lexsort((sets.writers, sessions.session[sets.writers], of_writers))]
    found = ByProcess(
        np.zeros(keys + 1, dtype=np.int32),
        np.zeros(len(writers), dtype=np.int32),
        np.zeros(len(writers) + 1, dtype=np.int32),
        np.zeros(len(writers), dtype=np.int32),
        np.zeros(len(writers), dtype=np.int32),
    )
    _entries.by_size(sets, sessions, writers, found)
    return found


def causal_pairs(resolved: Resolved, order: Integers) -> Inferred:
    """The pairs that causal consistency infers; `order` agrees with all reads and processes.

    The step of a pair is some read of the version; `reader_of` finds one that the pair follows from.
    """
    order = order[(order != resolved.initial)]
    order = order[resolved.writers.committed[order] == 1]
    sessions = resolved.sessions
    seen = _versions_seen(resolved, order)
    earlier = _pairs_before(resolved, order)
    found = by_process(resolved)
    past = np.zeros((resolved.initial + 1) * LANES, dtype=np.int32)
    reach = np.zeros(len(seen.key) * LANES, dtype=np.int32)
    inferred, count = room(len(resolved.source) + 16), 0
    cursor = found.of_key[:-1].copy()
    for base in range(0, int(sessions.session.max()) + 1 if len(order) else 0, LANES):
        past[:] = 0
        reach[:] = 0
        _past.by_size(base, order, earlier, past)
        _furthest.by_size(seen, past, reach)
        total = int(_infer.by_size(base, seen, found, cursor, past, reach, count, inferred))
        if total > len(inferred.source):
            more = room(2 * total)
            inferred = Inferred(
                *(np.concatenate([old[:count], new]) for old, new in zip(inferred, more, strict=True))
            )
            total = int(_infer.by_size(base, seen, found, cursor, past, reach, count, inferred))
        count = total
    return Inferred(*(column[:count] for column in inferred))


def _versions_seen(resolved: Resolved, order: Integers) -> Seen:
    most = int((resolved.source >= 0).sum())
    columns = [np.zeros(most, dtype=np.int32) for _ in range(5)]
    slots = np.zeros(1 << max(4, (3 * most // 2).bit_length()), dtype=np.int32)
    totals = np.zeros(2, dtype=np.int64)
    _number_versions.by_size(resolved.steps, resolved.source, order, Seen(*columns), slots, totals)
    versions, reads = totals.tolist()
    return Seen(*(column[:versions] for column in columns[:3]), *(column[:reads] for column in columns[3:]))


def _pairs_before(resolved: Resolved, order: Integers) -> Earlier:
    most = len(resolved.reads.seen) + len(order)
    first = np.zeros(len(order) + 1, dtype=np.int32)
    columns = [np.zeros(most, dtype=np.int32) for _ in range(3)]
    total = _earlier.by_size(order, resolved.reads, resolved.sessions, Earlier(first, *columns))
    return Earlier(first, *(column[:total] for column in columns))


def reader_of(resolved: Resolved, source: int, step: int) -> int:
    """A read of the version that `step` read, by a transaction that `source` happened before."""
    reads, sessions = resolved.reads, resolved.sessions
    same = (resolved.source == resolved.source[step]) & (resolved.steps.key == resolved.steps.key[step])
    candidates = np.flatnonzero(same)
    known: set[int] = set()
    for read in candidates.tolist():
        waiting = [int(resolved.txns.of[read])]
        while waiting:
            txn = waiting.pop()
            if txn in known:
                continue
            known.add(txn)
            waiting += reads.seen[reads.first[txn] : reads.first[txn + 1]].tolist()
            if sessions.before[txn] >= 0:
                waiting.append(int(sessions.before[txn]))
        if source in known:
            return int(read)
    return step
