"""From versions to the graph: which transaction must come before which, and why.

Adya 1999, section 4.4.2: a transaction that installs a version depends on the writer of the one before
(*ww*); one that reads a version depends on its writer (*wr*); one that
missed a version, having read the one before, precedes its writer (*rw*). Beyond these, a process does one
thing after the other, and what completed before another began came first in real time.

Besides transactions the graph has helper nodes: moments in time, so that n transactions in
real time are 3n edges and not n^2; and joints, where many readers of one version precede many writers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checkers.transactions.reading import Reading, VersionOrders
from checkers.transactions.transactions import Integers, Transactions
from history.history import FAIL, OK

Small = npt.NDArray[np.int32]
Kinds = npt.NDArray[np.int8]
WW, WR, RW, PROCESS, REAL_TIME, LINK = range(6)
"""Kinds of edges. A `LINK` leads on from a helper node."""
PAIRS_AT_ONCE = 64
"""From this number of pairs on, the readers of a version and the writers after it are connected by joints."""


@dataclass(frozen=True)
class Graph:
    """Edges among `nodes` nodes, of which the first `transactions` are transactions."""

    nodes: int
    transactions: int
    source: Small
    target: Small
    kind: Kinds
    level: Kinds
    """What an edge rests on: 0 the values alone, 1 processes too, 2 real time too."""
    at_least: Kinds
    """From which class of anomalies on (see `cycles`) an edge counts."""
    version: Small
    """For ww and rw the version before; for wr the version read; else -1."""


class _Edges:
    def __init__(self, transactions: int) -> None:
        self.nodes = transactions
        self._transactions = transactions
        self._parts: list[tuple[Small, Small, Small]] = []
        self._marks: list[tuple[int, int, int, int]] = []
        """Of each part how many edges it has, and their kind, level and class."""

    def add(
        self, source: Integers, target: Integers, kind: int, *, level: int, at_least: int, version: Integers
    ) -> None:
        kept = (source != target) & (source >= 0) & (target >= 0)
        self._parts.append(
            (source[kept].astype(np.int32), target[kept].astype(np.int32), version[kept].astype(np.int32))
        )
        self._marks.append((len(self._parts[-1][0]), kind, level, at_least))

    def join(self, readers: Integers, authors: Integers, version: int, level: int, at_least: int) -> None:
        """Each reader before each author but itself, over two chains of joints.

        One joint leads to all authors up to some place, another to all from some place on.
        """
        total = len(authors)
        upto, onward = self.nodes + np.arange(total), self.nodes + total + np.arange(total)
        self.nodes += 2 * total
        none = np.full(total, -1, dtype=np.int64)
        for source, target in (
            (upto, authors),
            (onward, authors),
            (upto[1:], upto[:-1]),
            (onward[:-1], onward[1:]),
        ):
            self.add(source, target, LINK, level=level, at_least=at_least, version=none[: len(source)])
        order = np.argsort(authors)
        place = np.minimum(np.searchsorted(authors[order], readers), total - 1)
        mine = np.where(authors[order][place] == readers, order[place], -1)
        sources = np.concatenate([readers, readers[mine > 0]])
        after = np.where(mine + 1 < total, onward[(mine + 1) % total], -1)
        targets = np.concatenate([after, upto[mine[mine > 0] - 1]])
        self.add(sources, targets, RW, level=level, at_least=at_least, version=np.full(len(sources), version))

    def graph(self) -> Graph:
        source, target, version = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        counts, *marks = np.array(self._marks, dtype=np.int64).T
        kind, level, at_least = (np.repeat(mark.astype(np.int8), counts) for mark in marks)
        return Graph(self.nodes, self._transactions, source, target, kind, level, at_least, version)


def dependencies(reading: Reading, level: int) -> Graph:
    """The graph of a history; with the order of processes from level 1 on, with real time from 2 on."""
    txns = reading.txns
    edges = _Edges(len(txns))
    edges.add(
        reading.writer[reading.read_version],
        reading.reader,
        WR,
        level=0,
        at_least=1,
        version=reading.read_version,
    )
    by_version = np.argsort(reading.read_version, kind="stable")
    version, readers = reading.read_version[by_version], reading.reader[by_version]
    for orders in reading.orders:
        _add_orders(edges, reading, orders, version, readers)
    if level >= 1:
        _add_processes(edges, txns)
    if level >= 2:
        _add_real_time(edges, txns)
    return edges.graph()


def _add_orders(
    edges: _Edges, reading: Reading, orders: VersionOrders, version: Integers, readers: Integers
) -> None:
    """ww from writer to writer, rw from each who read the version before to the writer of the one after."""
    author = reading.writer[orders.after]
    edges.add(
        reading.writer[orders.before],
        author,
        WW,
        level=orders.level,
        at_least=orders.at_least,
        version=orders.before,
    )
    by_before = np.argsort(orders.before, kind="stable")
    before, author = orders.before[by_before], author[by_before]
    low, high = np.searchsorted(version, before, side="left"), np.searchsorted(version, before, side="right")
    heads = np.flatnonzero(np.concatenate([[True], before[1:] != before[:-1]])) if len(before) else before
    sizes = np.diff(np.concatenate([heads, [len(before)]])).astype(np.int64)
    joined = (sizes > 1) & (sizes * (high - low)[heads] > PAIRS_AT_ONCE)
    at_least = max(orders.at_least, 2)  # an rw edge counts from the class on that knows them
    for head, size in zip(heads[joined].tolist(), sizes[joined].tolist(), strict=True):
        group = slice(head, head + size)
        edges.join(
            readers[low[head] : high[head]],
            np.unique(author[group]),
            int(before[head]),
            orders.level,
            at_least,
        )
    apart = ~np.repeat(joined, sizes)
    low, high, author, before = low[apart], high[apart], author[apart], before[apart]
    many = high - low
    sources = np.repeat(low - np.cumsum(many) + many, many) + np.arange(many.sum())
    edges.add(
        readers[sources],
        np.repeat(author, many),
        RW,
        level=orders.level,
        at_least=at_least,
        version=np.repeat(before, many),
    )


def _add_processes(edges: _Edges, txns: Transactions) -> None:
    before, after = txns.sessions(np.flatnonzero(txns.outcome != FAIL))
    none = np.full(len(before), -1, dtype=np.int64)
    edges.add(before, after, PROCESS, level=1, at_least=0, version=none)


def _add_real_time(edges: _Edges, txns: Transactions) -> None:
    """A moment for each completion: the transaction leads to it, it to the next, and to who began since."""
    ended = np.flatnonzero(txns.outcome == OK)
    ended = ended[np.argsort(txns.completed[ended])]
    moment = edges.nodes + np.arange(len(ended))
    edges.nodes += len(ended)
    none = np.full(len(txns), -1, dtype=np.int64)
    edges.add(ended, moment, REAL_TIME, level=2, at_least=0, version=none[: len(ended)])
    edges.add(moment[:-1], moment[1:], LINK, level=2, at_least=0, version=none[: max(0, len(moment) - 1)])
    alive = np.flatnonzero(txns.outcome != FAIL)
    latest = np.searchsorted(txns.completed[ended], txns.invoked[alive]) - 1
    begun = latest >= 0
    edges.add(
        moment[latest[begun]], alive[begun], LINK, level=2, at_least=0, version=none[: int(begun.sum())]
    )
