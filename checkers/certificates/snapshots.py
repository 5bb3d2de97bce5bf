"""Orders the snapshots and commits of transactions as their dependencies allow."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

import numpy as np

from checkers.transactions.graph.dependencies import LINK, REAL_TIME, RW, Graph
from checkers.transactions.graph.scan import READ
from checkers.transactions.transactions import Transactions

MOST_REPAIRS = 100
"""How many pairs of transactions that write one key are put in an order of our choice."""


def snapshot_order(
    graph: Graph, txns: Transactions, happened: Sequence[bool]
) -> list[tuple[str, int]] | None:
    """Pairs of `snapshot` or `commit` and the number of a transaction that happened; None if none was found.

    A dependency goes from commit to snapshot, but a read that missed a write only says that its snapshot came
    before the commit. A helper node of real time leads to snapshots; one that joins reads with later writes
    leads to commits. Two transactions that write one key never overlap: where no dependency says which comes
    first, one is chosen.
    """
    total, count = graph.nodes, len(txns)
    source, target = graph.source.astype(np.int64), graph.target.astype(np.int64)
    of_time = np.zeros(total, dtype=bool)
    of_time[target[graph.kind == REAL_TIME]] = True
    missed = graph.kind == RW
    to_commit = missed | ((graph.kind == LINK) & ~of_time[source])
    own = np.arange(count)
    # Node n is n's snapshot, n + total its commit.
    before = [*np.where((source < count) & ~missed, source + total, source).tolist(), *own.tolist()]
    after = [
        *np.where((target < count) & to_commit, target + total, target).tolist(),
        *(own + total).tolist(),
    ]
    order = soon_committed(before, after, total)
    for _ in range(MOST_REPAIRS):
        if order is None:
            return None
        overlap = _overlap(order, total, txns, happened)
        if overlap is None:
            snapshots = (("snapshot", node) if node < total else ("commit", node - total) for node in order)
            return [(what, node) for what, node in snapshots if node < count and happened[node]]
        first, second = overlap
        order = soon_committed([*before, first + total], [*after, second], total)
        if order is None:
            first, second = second, first
            order = soon_committed([*before, first + total], [*after, second], total)
        before.append(first + total)
        after.append(second)
    return None


def _overlap(
    order: list[int], total: int, txns: Transactions, happened: Sequence[bool]
) -> tuple[int, int] | None:
    """A transaction that commits a key while another one that writes it is open; None if there is none."""
    written: list[set[int]] = [set() for _ in range(len(txns))]
    for txn, f, key in zip(txns.of.tolist(), txns.f.tolist(), txns.key.tolist(), strict=True):
        if f != READ and happened[txn]:
            written[txn].add(key)
    writer: dict[int, int] = {}
    """By key, the open transaction that writes it."""
    for node in order:
        txn = node % total
        if txn >= len(txns):
            continue
        for key in written[txn]:
            if node >= total:
                del writer[key]
            elif key in writer:
                return writer[key], txn
            else:
                writer[key] = txn
    return None


def soon_committed(before: list[int], after: list[int], total: int) -> list[int] | None:
    """All 2 * `total` nodes in an order that the edges allow; None in a circle.

    So that few transactions overlap, a commit comes as soon as it can, and a snapshot comes early if its
    commit waits for it alone.

    Args:
        before: by edge, the node that comes first.
        after: by edge, the node that comes later.
        total: how many snapshots there are; the commit of snapshot n is n + `total`.
    """
    following: list[list[int]] = [[] for _ in range(2 * total)]
    waits = [0] * (2 * total)
    for one, other in zip(before, after, strict=True):
        following[one].append(other)
        waits[other] += 1

    def rank(node: int) -> tuple[int, int]:
        return (0 if node >= total else 1 if waits[node + total] == 1 else 2), node

    ready = [rank(node) for node in range(2 * total) if not waits[node]]
    heapify(ready)
    order, done = [], [False] * (2 * total)
    while ready:
        _, node = heappop(ready)
        if done[node]:
            continue
        done[node] = True
        order.append(node)
        for other in following[node]:
            waits[other] -= 1
            if not waits[other]:
                heappush(ready, rank(other))
            elif waits[other] == 1 and other >= total and not waits[other - total]:
                heappush(ready, rank(other - total))  # this snapshot may come early now
    return order if len(order) == 2 * total else None
