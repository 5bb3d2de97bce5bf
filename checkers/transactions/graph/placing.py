"""Where the appends that no read shows can stand in their lists, at a given level.

They come after every element that a read shows; their order among themselves nothing fixes, and no read shows
them, so it adds *ww* dependencies alone. What that decides:

- Read committed and serializability (with processes or real time too) forbid each cycle of some edges. If
  these have no cycle, they have a topological order, and the appends of each key in that order add no cycle.
  So there the dependencies that are known decide, and nothing has to be looked for.
- Cursor stability: a transaction that read the last element that is shown, and whose own append no read
  shows, comes before all others of that key. These edges are forced, and a topological order does the rest.
- Consistent view and snapshot isolation forbid some cycles with several *rw*, and allow others. So an order
  that is topological may close a forbidden one, and another may not. Every cycle lies within one strongly
  connected component of all edges, hence only pairs of appends within one have to be tried: each pair
  that has one possible order gets it, the others are tried in both. A search has a budget (deciding snapshot
  isolation is NP-complete: Papadimitriou 1979 for its core), and beyond it nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from checkers.transactions.graph.components import by_source, components
from checkers.transactions.graph.cycles import DependencyStep
from checkers.transactions.graph.dependencies import LINK, RW, WW, Graph
from checkers.transactions.reading import Reading
from checkers.transactions.transactions import Integers

LOOKS = 3_000_000
"""Edges that the search for an order of unread appends may look at."""
MOST_PAIRS = 2_000
"""Pairs of unread appends in one component; of more, only two orders are tried."""

Cycle = tuple[DependencyStep, ...]


class Pair(NamedTuple):
    """Two transactions that both appended to a key what no read shows, each with its version."""

    first: int
    second: int
    version: int
    """The version of the first."""
    other: int

    def turned(self) -> Pair:
        """The same pair in the other order."""
        return Pair(self.second, self.first, self.other, self.version)


class Refutation(NamedTuple):
    """Why no order is possible: each of these orders of a pair closes a cycle with what is known.

    The orders that the first ones exclude are used by the later ones; the last two are of one pair.
    """

    steps: tuple[tuple[Pair, Cycle], ...]
    tried: int
    """If `steps` do not suffice: how many orders were tried; else 0."""


class Placement(NamedTuple):
    """What was found: all can be placed, or there is a refutation, or the budget was used up."""

    refutation: Refutation | None
    gave_up: bool = False


PLACED = Placement(None)


def unread_pairs(reading: Reading) -> Iterator[list[tuple[int, int]]]:
    """By key with at least two: (transaction, version) of its unread appends."""
    versions, _ = reading.unread
    keys = reading.txns.version_key[versions]
    order = np.argsort(keys, kind="stable")
    versions, keys = versions[order], keys[order]
    heads = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]])) if len(keys) else keys
    for begin, end in zip(heads[:-1].tolist(), heads[1:].tolist(), strict=True):
        if end - begin > 1:
            group = versions[begin:end]
            yield list(zip(reading.writer[group].tolist(), group.tolist(), strict=True))


def forced_first(reading: Reading) -> tuple[Integers, Integers, Integers]:
    """(before, after, version of the one before): who read the last element shown comes first of its key."""
    mine = np.isin(reading.reader, reading.writer[reading.unread[0]])
    read = set(zip(reading.reader[mine].tolist(), reading.read_version[mine].tolist(), strict=True))
    shown = dict(zip(*(column.tolist() for column in reading.unread), strict=True))
    found = [
        (txn, other, version)
        for group in unread_pairs(reading)
        for txn, version in group
        if (txn, shown[version]) in read
        for other, _ in group
        if other != txn
    ]
    before, after, version = np.array(found, dtype=np.int64).reshape(-1, 3).T
    return before, after, version


def place(reading: Reading, graph: Graph, level: int, *, snapshots: bool) -> Placement:
    """Look for an order of unread appends without a forbidden cycle.

    `snapshots`: forbidden are cycles without two rw in a row; else those with at most one rw.
    The graph alone must have none.
    """
    groups = list(unread_pairs(reading))
    if not groups:
        return PLACED
    chosen = np.flatnonzero(graph.level <= level)
    part = np.zeros(graph.nodes, dtype=np.int64)
    components.by_size(by_source(graph.nodes, graph.source[chosen], graph.target[chosen]), part)
    within: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for key, group in enumerate(groups):
        for txn, version in group:
            within.setdefault(int(part[txn]), {}).setdefault(key, []).append((txn, version))
    left = LOOKS
    gave_up = False
    inside = part[graph.source[chosen]] == part[graph.target[chosen]]
    for number, by_key in within.items():
        own = [group for group in by_key.values() if len(group) > 1]
        if not own:
            continue
        edges = chosen[inside & (part[graph.source[chosen]] == number)]
        search = _Search(graph, edges, left, snapshots=snapshots)
        placement = search.decide(own)
        left = search.left
        if placement.refutation is not None:
            return placement
        gave_up |= placement.gave_up
    return Placement(None, gave_up)


def _pair(one: tuple[int, int], other: tuple[int, int]) -> Pair:
    return Pair(one[0], other[0], one[1], other[1])


class _OutOfBudget(Exception):
    pass


class _Search:
    """Tries the orders of pairs within one strongly connected component."""

    def __init__(self, graph: Graph, edges: Integers, left: int, *, snapshots: bool) -> None:
        self._transactions = graph.transactions
        self._snapshots = snapshots
        self.left = left
        self._onward: dict[int, list[tuple[int, int, int]]] = {}
        """By node its edges: (target, kind, version)."""
        self._tried = 0
        for edge in edges.tolist():
            self._onward.setdefault(int(graph.source[edge]), []).append(
                (int(graph.target[edge]), int(graph.kind[edge]), int(graph.version[edge]))
            )

    def decide(self, groups: Sequence[Sequence[tuple[int, int]]]) -> Placement:
        """Whether the (transaction, version) of each group have orders that close no forbidden cycle."""
        try:
            at = {node: place for place, node in enumerate(self._topological())}
            by_edges = [sorted(group, key=lambda one: at[one[0]]) for group in groups]
            by_begin = [sorted(group) for group in groups]
            for orders in (by_edges, by_begin):
                if self._forbidden([_pair(*two) for order in orders for two in pairwise(order)]) is None:
                    return PLACED
            if sum(len(group) * (len(group) - 1) // 2 for group in groups) > MOST_PAIRS:
                return Placement(None, gave_up=True)
            pairs = [_pair(*two) for group in groups for two in combinations(group, 2)]
            steps: list[tuple[Pair, Cycle]] = []
            if self._extend([], pairs, steps):
                return PLACED
        except _OutOfBudget:
            return Placement(None, gave_up=True)
        return Placement(Refutation(tuple(steps), self._tried))

    def _extend(self, fixed: list[Pair], open_: list[Pair], steps: list[tuple[Pair, Cycle]] | None) -> bool:
        """Whether these pairs can be ordered, given those that are. `steps` gets what excludes orders."""
        more = True
        while more:
            more = False
            for pair in list(open_):
                against = [self._forbidden([*fixed, order]) for order in (pair, pair.turned())]
                if steps is not None:
                    orders = zip((pair, pair.turned()), against, strict=True)
                    steps.extend((order, cycle) for order, cycle in orders if cycle is not None)
                if None not in against:
                    return False
                if against != [None, None]:
                    fixed = [*fixed, pair if against[0] is None else pair.turned()]
                    open_.remove(pair)
                    more = True
        if not open_:
            return True
        if steps is not None:
            steps.clear()
        self._tried += 2
        pair, rest = open_[0], open_[1:]
        return any(self._extend([*fixed, order], list(rest), None) for order in (pair, pair.turned()))

    def _forbidden(self, orders: Sequence[Pair]) -> Cycle | None:
        """A cycle that the level forbids, if the pairs are ordered so."""
        added: dict[int, list[tuple[int, int, int]]] = {}
        for pair in orders:
            added.setdefault(pair.first, []).append((pair.second, WW, pair.version))
        if self._snapshots:
            return self._cycle_from([(node, False) for node in self._onward], added)
        cycle = self._cycle_from([(node, False) for node in self._onward], added, missed=False)
        if cycle is not None:
            return cycle
        for node, edges in self._onward.items():
            for target, kind, version in edges:
                if kind == RW:
                    path = self._path(target, node, added)
                    if path is not None:
                        return self._steps([(node, target, kind, version), *path])
        return None

    def _edges(
        self, node: int, added: dict[int, list[tuple[int, int, int]]]
    ) -> Iterator[tuple[int, int, int]]:
        for edge in (*self._onward.get(node, ()), *added.get(node, ())):
            self.left -= 1
            if self.left < 0:
                raise _OutOfBudget
            yield edge

    def _cycle_from(
        self,
        starts: Sequence[tuple[int, bool]],
        added: dict[int, list[tuple[int, int, int]]],
        *,
        missed: bool = True,
    ) -> Cycle | None:
        """A cycle without two rw in a row; without any if not `missed`. A state is a node, and whether an
        rw led there."""
        closed: set[tuple[int, bool]] = set()
        for start in starts:
            if start in closed:
                continue
            path: list[tuple[tuple[int, bool], tuple[int, int, int, int]]] = []
            on_path = {start: 0}
            stack = [(start, self._edges(start[0], added))]
            while stack:
                state, edges = stack[-1]
                for target, kind, version in edges:
                    if kind == RW and (state[1] or not missed):
                        continue
                    following = (target, kind == RW or (kind == LINK and state[1]))
                    edge = (state[0], target, kind, version)
                    if following in on_path:
                        return self._steps([e for _, e in path[on_path[following] :]] + [edge])
                    if following not in closed:
                        path.append((following, edge))
                        on_path[following] = len(path)
                        stack.append((following, self._edges(target, added)))
                        break
                else:
                    stack.pop()
                    closed.add(state)
                    del on_path[state]
                    if path:
                        path.pop()
        return None

    def _path(
        self, begin: int, goal: int, added: dict[int, list[tuple[int, int, int]]]
    ) -> list[tuple[int, int, int, int]] | None:
        """A shortest path without rw."""
        via: dict[int, tuple[int, int, int, int]] = {}
        level = [begin]
        while level and goal not in via:
            following = []
            for node in level:
                for target, kind, version in self._edges(node, added):
                    if kind != RW and target not in via and target != begin:
                        via[target] = (node, target, kind, version)
                        following.append(target)
            level = following
        if goal not in via:
            return None
        path = [via[goal]]
        while path[-1][0] != begin:
            path.append(via[path[-1][0]])
        return path[::-1]

    def _topological(self) -> list[int]:
        """The component's nodes in an order that keeps to all edges but rw."""
        done: list[int] = []
        closed: set[int] = set()
        for start in self._onward:
            if start in closed:
                continue
            closed.add(start)
            stack = [(start, self._edges(start, {}))]
            while stack:
                node, edges = stack[-1]
                for target, kind, _ in edges:
                    if kind != RW and target not in closed:
                        closed.add(target)
                        stack.append((target, self._edges(target, {})))
                        break
                else:
                    stack.pop()
                    done.append(node)
        return done[::-1]

    def _steps(self, path: Sequence[tuple[int, int, int, int]]) -> Cycle:
        """A cycle of edges as steps between transactions: all that is between two of them is one step."""
        begins = next(at for at, edge in enumerate(path) if edge[0] < self._transactions)
        steps = []
        source, kind, version = -1, LINK, -1
        for before, target, own_kind, own_version in (*path[begins:], *path[:begins]):
            if own_kind != LINK:
                source, kind, version = before, own_kind, own_version
            if target < self._transactions:
                steps.append(DependencyStep(source, target, kind, version))
        return tuple(steps)
