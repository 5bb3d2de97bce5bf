"""Which transaction each read saw, which writes count, and the reads that no commit order can explain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.transactions.graph.scan import READ
from checkers.transactions.rw_register import versions_of
from checkers.transactions.transactions import Transactions
from history.history import FAIL, OK
from history.kernels import AnyIntegers, compiled_in_place

Integers = npt.NDArray[Any]
FINE, GARBAGE, ABORTED, INTERMEDIATE, OWN_LATER, OWN_BEFORE = range(6)
"""What is wrong with a read: a value that was never written; of a transaction that failed; that its
transaction overwrote itself; that its own transaction wrote later; other than what that wrote before."""
NO_TRANSACTION = -1


class Steps(NamedTuple):
    """The steps of all transactions, as the kernels take them."""

    first: AnyIntegers
    """One more than there are transactions: where the steps of each begin."""
    key: AnyIntegers
    version: AnyIntegers
    """By step the version written or read; -1 for the initial one."""
    writes: AnyIntegers
    """By step 1 for a write."""
    outcome: AnyIntegers
    """By transaction."""


class Writers(NamedTuple):
    """Who wrote what."""

    writer: AnyIntegers
    """By version its transaction."""
    final: AnyIntegers
    """By version whether it is its transaction's last write of the key."""
    committed: AnyIntegers
    """By transaction whether it committed: by its reply, or because a read saw it."""


class WriteSets(NamedTuple):
    """The keys that committed transactions wrote, by transaction and by key."""

    first: AnyIntegers
    """The keys of transaction t, ascending, are keys[first[t]:first[t + 1]]."""
    keys: AnyIntegers
    of_key: AnyIntegers
    """The writers of key x, ascending, are writers[of_key[x]:of_key[x + 1]]."""
    writers: AnyIntegers


class Sessions(NamedTuple):
    """The committed transactions of each process, in order."""

    session: AnyIntegers
    """By transaction."""
    before: AnyIntegers
    """By transaction the one before in its session; -1 for none, or if it did not commit."""
    place: AnyIntegers
    """By transaction how many committed ones are before it in its session."""


class Reads(NamedTuple):
    """The transactions that each transaction saw, without repetition and without the initial state."""

    first: AnyIntegers
    seen: AnyIntegers


@compiled_in_place
def _find_writers(steps: Steps, writers: Writers, stamp: AnyIntegers, last: AnyIntegers) -> None:
    first, key, version, writes, _ = steps
    writer, final, _ = writers
    for txn in range(len(first) - 1):
        for step in range(first[txn], first[txn + 1]):
            if writes[step]:
                x, v = key[step], version[step]
                writer[v] = txn
                if stamp[x] == txn:
                    final[last[x]] = 0
                stamp[x] = txn
                last[x] = v
                final[v] = 1


@compiled_in_place
def _resolve(
    steps: Steps,
    writers: Writers,
    stamp: AnyIntegers,
    last: AnyIntegers,
    source: AnyIntegers,
    wrong: AnyIntegers,
) -> int:
    """Fill `source` and `wrong` by step; how many reads are wrong. `stamp` comes filled with -1."""
    first, key, version, writes, outcome = steps
    writer, final, committed = writers
    initial = len(first) - 1
    count = 0
    for txn in range(len(first) - 1):
        if outcome[txn] != OK:
            continue
        committed[txn] = 1
        for step in range(first[txn], first[txn + 1]):
            x, v = key[step], version[step]
            if writes[step]:
                stamp[x] = txn
                last[x] = v
            elif stamp[x] == txn:
                if last[x] != v:
                    wrong[step] = OWN_BEFORE
                    count += 1
            elif v < 0:
                source[step] = initial
            else:
                author = writer[v]
                if author < 0:
                    wrong[step] = GARBAGE
                elif author == txn:
                    wrong[step] = OWN_LATER
                elif outcome[author] == FAIL:
                    wrong[step] = ABORTED
                elif final[v] == 0:
                    wrong[step] = INTERMEDIATE
                else:
                    source[step] = author
                    committed[author] = 1
                    continue
                count += 1
    return count


@compiled_in_place
def _sort_writes(steps: Steps, writers: Writers, sets: WriteSets, by_key: AnyIntegers) -> int:
    """Fill the write sets; how many writes count. `by_key` is room for as many keys as there are writes."""
    first, key, version, writes, _ = steps
    _, final, committed = writers
    set_first, set_keys, of_key, key_writers = sets
    for txn in range(len(first) - 1):
        if committed[txn]:
            for step in range(first[txn], first[txn + 1]):
                if writes[step] and final[version[step]]:
                    of_key[key[step] + 1] += 1
                    set_first[txn + 1] += 1
    for x in range(len(of_key) - 1):
        of_key[x + 1] += of_key[x]
    for txn in range(len(first) - 1):
        set_first[txn + 1] += set_first[txn]
    for txn in range(len(first) - 1):
        if committed[txn]:
            for step in range(first[txn], first[txn + 1]):
                if writes[step] and final[version[step]]:
                    x = key[step]
                    key_writers[of_key[x]] = txn
                    by_key[of_key[x]] = x
                    of_key[x] += 1
    for x in range(len(of_key) - 1, 0, -1):
        of_key[x] = of_key[x - 1]
    of_key[0] = 0
    total = int(of_key[len(of_key) - 1])
    for place in range(total):
        txn = key_writers[place]
        set_keys[set_first[txn]] = by_key[place]
        set_first[txn] += 1
    for txn in range(len(first) - 1, 0, -1):
        set_first[txn] = set_first[txn - 1]
    set_first[0] = 0
    return total


@compiled_in_place
def _chain(committed: AnyIntegers, sessions: Sessions, last: AnyIntegers) -> None:
    session, before, place = sessions
    for txn in range(len(session)):
        if committed[txn]:
            own = session[txn]
            before[txn] = last[own]
            if last[own] >= 0:
                place[txn] = place[last[own]] + 1
            last[own] = txn


@compiled_in_place
def _distinct(steps: Steps, source: AnyIntegers, reads: Reads, stamp: AnyIntegers) -> int:
    """Fill `reads`; how many pairs of a reader and a writer there are."""
    first = steps.first
    read_first, seen = reads
    initial = len(first) - 1
    count = 0
    for txn in range(initial):
        read_first[txn] = count
        for step in range(first[txn], first[txn + 1]):
            author = source[step]
            if author >= 0 and author != initial and stamp[author] != txn:
                stamp[author] = txn
                seen[count] = author
                count += 1
    read_first[initial] = count
    return count


@dataclass(frozen=True)
class Resolved:
    """A history of registers, each read with the transaction that it saw.

    The number `initial`, one after the last transaction, stands for the initial state.
    """

    txns: Transactions
    steps: Steps
    writers: Writers
    source: Integers
    """By step that reads from outside of its transaction what it saw: a transaction or `initial`; else -1."""
    wrong: Integers
    """By step what is wrong with it, as `GARBAGE`."""
    wrong_count: int

    @property
    def initial(self) -> int:
        """The number of the initial state among the transactions."""
        return len(self.txns)

    @cached_property
    def write_sets(self) -> WriteSets:
        """The keys that committed transactions wrote."""
        most = int(self.writers.final.sum())
        sets = WriteSets(
            np.zeros(len(self.txns) + 1, dtype=np.int32),
            np.zeros(most, dtype=np.int32),
            np.zeros(self.txns.keys + 1, dtype=np.int32),
            np.zeros(most, dtype=np.int32),
        )
        total = _sort_writes.by_size(self.steps, self.writers, sets, np.zeros(most, dtype=np.int32))
        return WriteSets(sets.first, sets.keys[:total], sets.of_key, sets.writers[:total])

    @cached_property
    def sessions(self) -> Sessions:
        """The order of each process."""
        process = self.txns.process
        if len(process) and (process.min() < 0 or process.max() > 4 * len(process)):
            process = np.unique(process, return_inverse=True)[1]
        count = len(process)
        session = process.astype(np.int32)
        session[self.overtaken] = int(process.max() if count else 0) + 1 + np.arange(len(self.overtaken))
        found = Sessions(
            session, np.full(count, NO_TRANSACTION, dtype=np.int32), np.zeros(count, dtype=np.int32)
        )
        last = np.full(int(session.max()) + 1 if count else 0, NO_TRANSACTION, dtype=np.int32)
        _chain.by_size(self.writers.committed, found, last)
        if len(self.overtaken):
            before, after = self.txns.sessions(np.flatnonzero(self.writers.committed))
            apart = np.isin(after, self.overtaken)
            found.before[after[apart]] = before[apart]
        return found

    @cached_property
    def overtaken(self) -> Integers:
        """Committed transactions without a reply whose process went on, as some tools let it.

        They took effect at any later time, so what their process did next need not come after them. Each is
        a session of its own, which begins after the one before it in its process.
        """
        silent = np.flatnonzero(self.writers.committed & (self.txns.outcome != OK))
        if not len(silent):
            return silent
        members = np.flatnonzero(self.writers.committed)
        process = self.txns.process[members]
        latest = members[np.lexsort((members, process))]
        ends = np.append(np.flatnonzero(np.diff(self.txns.process[latest])), len(latest) - 1)
        return np.setdiff1d(silent, latest[ends])

    @cached_property
    def by_session(self) -> Integers:
        """The committed transactions, process after process, each in its order."""
        members = np.flatnonzero(self.writers.committed).astype(np.int32)
        return members[np.argsort(self.sessions.session[members], kind="stable")]

    @cached_property
    def reads(self) -> Reads:
        """The pairs of transactions of which the second saw the first."""
        count = len(self.txns)
        found = Reads(np.zeros(count + 1, dtype=np.int32), np.zeros(len(self.source), dtype=np.int32))
        total = _distinct.by_size(
            self.steps, self.source, found, np.full(count, NO_TRANSACTION, dtype=np.int32)
        )
        return Reads(found.first, found.seen[:total])


def resolve(txns: Transactions, initial: Any = None) -> Resolved:
    """Find out what each read of a history of registers saw.

    `initial` is what each key held before its first write; None is nothing. No transaction writes it.
    """
    version = np.ascontiguousarray(txns.version, dtype=np.int32)
    if initial is not None:
        is_initial = np.zeros(txns.versions + 1, dtype=bool)
        is_initial[versions_of(txns, initial)] = True
        # A read of nothing, which the last entry stands for, is then one of what was never written.
        version = np.where(is_initial[version], -1, np.where(version < 0, txns.versions, version))
        version = version.astype(np.int32)
    steps = Steps(
        txns.first.astype(np.int32),
        np.ascontiguousarray(txns.key, dtype=np.int32),
        version,
        np.asarray(txns.f != READ, dtype=np.int8),
        txns.outcome.astype(np.int8),
    )
    writers = Writers(
        np.full(txns.versions + 1, NO_TRANSACTION, dtype=np.int32),
        np.zeros(txns.versions + 1, dtype=np.int8),
        np.zeros(len(txns), dtype=np.int8),
    )
    stamp, last = (np.full(txns.keys, NO_TRANSACTION, dtype=np.int32) for _ in range(2))
    _find_writers.by_size(steps, writers, stamp, last)
    source, wrong = (
        np.full(len(txns.of), NO_TRANSACTION, dtype=np.int32),
        np.zeros(len(txns.of), dtype=np.int8),
    )
    stamp[:] = NO_TRANSACTION
    count = _resolve.by_size(steps, writers, stamp, last, source, wrong)
    return Resolved(txns, steps, writers, source, wrong, int(count))
