"""A history's transactions as points of time: which orders between them are certain, what each read may have
seen.

Under serializability a transaction is one point. Under snapshot isolation it is two: all of its reads see
what was written when it began, its writes are there when it ends, and of two writers of a key one ends before
the other begins (Berenson et al., SIGMOD 1995; Cerone & Gotsman, J. ACM 65, 2018, show that this is the same
as having no cycle without two anti-dependencies in a row).

Left out are transactions that failed, and those of unknown outcome of which no read shows anything: wherever
there is an order with them, there is one without them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.transactions.reading import Shape
from checkers.transactions.transactions import Integers, Mask, Transactions
from history.history import FAIL, OK

INITIAL = -1
"""The candidate that stands for a key's version before any write."""
WITHIN, WRITE_READ, SESSION, REAL_TIME, MOMENT = range(5)
"""Why an order is certain: a transaction begins before it ends, another read what it wrote, ..."""


@dataclass(frozen=True)
class CertainOrders:
    """Pairs of points, the first before the second."""

    source: Integers
    target: Integers
    kind: Integers


@dataclass(frozen=True)
class Writers:
    """The last write of each transaction to each key, sorted by key; its place here is its *slot*."""

    key: Integers
    member: Integers
    version: Integers
    at: Integers
    """By key its first slot; one more than there are keys."""


@dataclass(frozen=True)
class Reads:
    """The first step of each transaction on a key, where that reads; sorted by key."""

    key: Integers
    member: Integers
    version: Integers
    at: Integers
    candidates_at: Integers
    """By read where its candidates begin; one more than there are reads."""
    candidate: Integers
    """The slot of a write that the read may have seen, or `INITIAL`."""


@dataclass(frozen=True)
class Problem:
    """Is there an order of the points that agrees with the certain orders and explains every read?"""

    txns: Transactions
    level: int
    """What the order keeps to: 0 the values alone, 1 the order of sessions too, 2 real time too."""
    snapshots: bool
    """Whether a transaction has two points."""
    member: Integers
    """By number here, the transaction of the history."""
    writers: Writers
    reads: Reads
    points: int
    certain: CertainOrders

    @property
    def width(self) -> int:
        """How many points a transaction has."""
        return 2 if self.snapshots else 1

    def begin(self, members: Integers) -> Integers:
        """The points at which these members read."""
        return members * self.width

    def end(self, members: Integers) -> Integers:
        """The points at which these members write."""
        return members * self.width + self.width - 1


def _starts(keys: Integers, total: int) -> Integers:
    """By key where its part of a sorted array begins, and the end."""
    return np.searchsorted(keys, np.arange(total + 1)).astype(np.int64)


def _candidates(
    txns: Transactions, writes: Integers, reads: Integers, version: Integers, initial: Integers
) -> tuple[Integers, Integers]:
    """By read where its candidates begin, and the candidates: places in `writes`, or `INITIAL`.

    `version` is what each read saw, `initial` by read whether that may be the version before any write.
    """
    order = np.argsort(txns.version[writes], kind="stable")
    written = txns.version[writes][order]
    low = np.searchsorted(written, version, side="left")
    high = np.searchsorted(written, version, side="right")
    many = (high - low) + initial
    read_of = np.repeat(np.arange(len(reads)), many)
    place = np.arange(int(many.sum())) - np.repeat(np.cumsum(many) - many, many) - initial[read_of]
    found = np.where(place < 0, INITIAL, 0)
    real = place >= 0
    found[real] = order[(low[read_of] + place)[real]]
    # A transaction whose first step on a key is a read did not read its own later write of it.
    own = np.zeros(len(found), dtype=bool)
    own[real] = txns.of[writes[found[real]]] == txns.of[reads[read_of[real]]]
    counts = np.bincount(read_of[~own], minlength=len(reads))
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), found[~own]


def problem(txns: Transactions, form: Shape, level: int, *, snapshots: bool, is_initial: Mask) -> Problem:
    """The problem of a history whose reads each have at least one candidate.

    `is_initial` says by version whether it is also what its key held before any write; its last element says
    that of a read of nothing.
    """
    reads = form.external(txns)
    reads = reads[np.argsort(txns.key[reads], kind="stable")]
    seen = txns.version[reads].astype(np.int64)
    writes = np.flatnonzero(form.final & (txns.outcome[txns.of] != FAIL))
    writes = writes[np.argsort(txns.key[writes], kind="stable")]
    candidates_at, candidate = _candidates(txns, writes, reads, seen, is_initial[seen].astype(np.int64))

    counts = txns.outcome == OK
    shown = txns.of[writes[candidate[candidate >= 0]]]
    counts[shown] = True
    member = np.flatnonzero(counts)
    number = np.full(len(txns), -1, dtype=np.int64)
    number[member] = np.arange(len(member))
    kept = counts[txns.of[writes]]
    slot = np.cumsum(kept) - 1
    writes = writes[kept]
    candidate[candidate >= 0] = slot[candidate[candidate >= 0]]
    writers = Writers(
        txns.key[writes].astype(np.int64),
        number[txns.of[writes]],
        txns.version[writes].astype(np.int64),
        _starts(txns.key[writes], txns.keys),
    )
    found = Reads(
        txns.key[reads].astype(np.int64),
        number[txns.of[reads]],
        seen,
        _starts(txns.key[reads], txns.keys),
        candidates_at,
        candidate,
    )
    points, certain = _certain(txns, member, level, 2 if snapshots else 1, writers, found)
    return Problem(txns, level, snapshots, member, writers, found, points, certain)


def _certain(
    txns: Transactions, member: Integers, level: int, width: int, writers: Writers, reads: Reads
) -> tuple[int, CertainOrders]:
    """How many points there are, and the orders between them that are certain."""
    total = len(member)
    begin = np.arange(total) * width
    end = begin + width - 1
    pairs: list[tuple[Integers, Integers, int]] = []
    if width == 2:
        pairs.append((begin, end, WITHIN))
    single = np.flatnonzero(np.diff(reads.candidates_at) == 1)
    author = reads.candidate[reads.candidates_at[single]]
    single, author = single[author >= 0], author[author >= 0]
    pairs.append((end[writers.member[author]], begin[reads.member[single]], WRITE_READ))
    if level >= 1:
        number = np.full(len(txns), -1, dtype=np.int64)
        number[member] = np.arange(total)
        before, after = txns.sessions(member)
        pairs.append((end[number[before]], begin[number[after]], SESSION))
    points = total * width
    if level >= 2:
        done = np.flatnonzero(txns.completed[member] != NEVER)
        done = done[np.argsort(txns.completed[member[done]])]
        moment = points + np.arange(len(done))
        points += len(done)
        latest = np.searchsorted(txns.completed[member[done]], txns.invoked[member]) - 1
        begun = np.flatnonzero(latest >= 0)
        pairs.append((end[done], moment, REAL_TIME))
        pairs.append((moment[:-1], moment[1:], MOMENT))
        pairs.append((moment[latest[begun]], begin[begun], MOMENT))
    return points, CertainOrders(
        np.concatenate([source for source, _, _ in pairs]).astype(np.int64),
        np.concatenate([target for _, target, _ in pairs]).astype(np.int64),
        np.repeat([kind for _, _, kind in pairs], [len(source) for source, _, _ in pairs]),
    )
