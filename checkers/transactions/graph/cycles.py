"""The anomalies that the graph of a history shows: each cycle is one, named by the weakest kind it needs.

| class | cycles of | |
|---|---|---|
| G0 | ww | dirty writes |
| G1c | ww, wr | circular information flow |
| G-single | these, and one rw | a read skew, a lost update |
| cyclic-versions | these, with ww derived from sessions or real time, and no rw | |
| G-nonadjacent | these, and several rw, no two of them in a row | |
| G2-item | any | a write skew |

Adya 1999, chapters 3 and 4; G-nonadjacent: Cerone & Gotsman (J. ACM 65, 2018), whose theorem makes it, with
all above it, exactly what snapshot isolation forbids. The class is crossed with what the cycle rests on:
values alone, the order within processes too (`-process`), or real time too (`-realtime`).

Whether a cycle of a class exists is a question of strongly connected components, so it takes linear time.
This also holds for "no two rw in a row": that is decided on a graph of twice the size, whose nodes say
whether an rw led there. Only the part of the graph that has cycles is looked at. A component is named for the
weakest class and level in it; stronger ones that it also has would rule out no other model.

To distinguish G-single from G-nonadjacent takes a search for each rw, and so has a budget. A component that
exceeds it is called G-nonadjacent, and `undecided` is set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from checkers.graphs import edges_of, smallest_cycle
from checkers.limits import MOST_CASES
from checkers.transactions.graph.components import EdgesBySource, Trail, by_source, components, shortest
from checkers.transactions.graph.dependencies import LINK, RW, Graph, Small
from checkers.transactions.transactions import Integers, Mask

G0, G1C, G_SINGLE, CYCLIC_VERSIONS, G_NONADJACENT, G2_ITEM = NAMES = (
    "G0",
    "G1c",
    "G-single",
    "cyclic-versions",
    "G-nonadjacent",
    "G2-item",
)
LEVELS = ("", "-process", "-realtime")
MOST_EDGES = 1_000
"""In a component with at most this number of edges, the smallest cycle is looked for; in others, a short one.
"""
STARTS = 24
"""In a larger component, a short cycle is looked for from this number of nodes."""
LOOKS = 40_000_000
"""Edges that all searches for cycles together may look at."""
LOOKS_FOR_ONE = 2_000_000
"""Edges that one search may look at."""


class DependencyStep(NamedTuple):
    """One dependency on a cycle."""

    before: int
    after: int
    kind: int
    version: int


@dataclass
class Cycles:
    """By name of the anomaly, some cycles, and the number of components that have it."""

    cycles: dict[str, list[tuple[DependencyStep, ...]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    undecided: bool = False
    """Whether a G-single may be among those called G-nonadjacent."""


class _Edges(NamedTuple):
    """A graph as arrays of its edges."""

    nodes: int
    source: Small
    target: Small
    number: Integers
    """By edge, its number among all edges."""
    free: Integers


class _Found(NamedTuple):
    members: Integers
    edges: _Edges
    by_source: EdgesBySource


def parts_of(edges: _Edges) -> tuple[Integers, EdgesBySource]:
    """By node, its strongly connected component; and the edges sorted by source."""
    graph = by_source(edges.nodes, edges.source, edges.target)
    part = np.zeros(edges.nodes, dtype=np.int64)
    components.by_size(graph, part)
    return part, graph


def circular(edges: _Edges) -> Iterator[_Found]:
    """The components of at least two nodes."""
    if not len(edges.source):
        return
    part, graph = parts_of(edges)
    members = np.argsort(part, kind="stable")
    sizes = np.bincount(part)
    ends = np.cumsum(sizes)
    for number in np.flatnonzero(sizes > 1).tolist():
        yield _Found(members[ends[number] - sizes[number] : ends[number]], edges, graph)


def find_cycles(graph: Graph, level: int) -> Cycles:
    """All anomalies of a graph, up to a level."""
    found = Cycles()
    whole = _Edges(
        graph.nodes, graph.source, graph.target, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    )
    if not len(graph.source):
        return found
    part, _ = parts_of(whole)
    kept = np.flatnonzero(part[graph.source] == part[graph.target])
    if not len(kept):
        return found
    search = _Search(graph, kept, found)
    for name in (G0, G1C, G_NONADJACENT, G2_ITEM):
        for own_level in range(level + 1):
            search.run(name, own_level)
    return found


class _Search:
    """Looks through the circular rest of a graph, class by class."""

    def __init__(self, graph: Graph, kept: Integers, found: Cycles) -> None:
        self._graph = graph
        self._found = found
        nodes, ends = np.unique(np.concatenate([graph.source[kept], graph.target[kept]]), return_inverse=True)
        self._node = nodes.astype(np.int64)
        self._kept = kept
        self._source, self._target = ends[: len(kept)].astype(np.int32), ends[len(kept) :].astype(np.int32)
        self._kind, self._level, self._at_least = graph.kind[kept], graph.level[kept], graph.at_least[kept]
        self._named: dict[tuple[str, int], Mask] = {}
        self._trail = Trail(*(np.zeros(2 * len(nodes), dtype=np.int64) for _ in range(2)))
        self._mark = 0
        self._left = LOOKS

    def run(self, name: str, level: int) -> None:
        """Name every component of a class and level in which nothing weaker was found."""
        edges = self._edges(name, level)
        # Where something is G-nonadjacent at a lower level, a G-single at this one is still news.
        known_by = NAMES.index(name) - (name == G_NONADJACENT)
        for component in circular(edges):
            nodes = component.members % len(self._node)
            weakest = self._weakest(nodes, level)
            if weakest <= known_by:
                continue
            if name == G_NONADJACENT:
                self._single_or_not(component, nodes, level, weakest)
            else:
                self._name(name, level, nodes, self._short(component))

    def _weakest(self, nodes: Integers, level: int) -> int:
        """The weakest class, as a place in `NAMES`, that some of these nodes have at this level or below."""
        classes = [
            NAMES.index(name)
            for (name, other_level), mask in self._named.items()
            if other_level <= level and mask[nodes].any()
        ]
        return min(classes, default=len(NAMES))

    def _name(self, name: str, level: int, nodes: Integers, cycle: tuple[DependencyStep, ...]) -> None:
        """Give a component its name."""
        mask = self._named.setdefault((name, level), np.zeros(len(self._node), dtype=bool))
        mask[nodes] = True
        self._note(name + LEVELS[level], cycle)

    def _edges(self, name: str, level: int, *, rw: bool = True) -> _Edges:
        """The edges that count in a class, at a level."""
        highest = {G0: 0, G1C: 1}.get(name, 2)
        wanted = (self._level <= level) & (self._at_least <= highest)
        is_rw = self._kind == RW
        if name not in (G_NONADJACENT, G2_ITEM) or not rw:
            # A joint is reached by rw alone, so the edges beyond it are then never on a cycle.
            wanted &= ~is_rw
        chosen = np.flatnonzero(wanted)
        source, target, total = self._source[chosen], self._target[chosen], len(self._node)
        if name == G_NONADJACENT and rw:
            kind = self._kind[chosen]
            # Node n + total is n, reached by an rw; beyond a joint one is still where the rw led.
            hop, link = kind == RW, kind == LINK
            plain = ~hop & ~link
            source = np.concatenate([source, source[plain] + total, source[link] + total])
            target = np.concatenate([target + total * hop, target[plain], target[link] + total])
            chosen = np.concatenate([chosen, chosen[plain], chosen[link]])
            total *= 2
        free = (self._kind[chosen] == LINK).astype(np.int64)
        return _Edges(total, source.astype(np.int32), target.astype(np.int32), chosen, free)

    def _note(self, name: str, cycle: tuple[DependencyStep, ...]) -> None:
        """Count a component, and keep its cycle if few of that name are kept yet."""
        self._found.counts[name] = self._found.counts.get(name, 0) + 1
        if self._found.counts[name] <= MOST_CASES:
            self._found.cycles.setdefault(name, []).append(cycle)

    def _single_or_not(self, component: _Found, nodes: Integers, level: int, weakest: int) -> None:
        """Name a component G-single if one rw closes a path without rw, else G-nonadjacent.

        Name it only if that is weaker than what a part of it has been named: `weakest`.
        """
        plain = self._edges(G_NONADJACENT, level, rw=False)
        inside = np.zeros(len(self._node), dtype=bool)
        inside[nodes] = True
        of_rw = (self._kind == RW) & (self._level <= level)
        graph = by_source(plain.nodes, plain.source, plain.target)
        best: tuple[DependencyStep, ...] | None = None
        for edge in np.flatnonzero(of_rw & inside[self._source] & inside[self._target]).tolist():
            if self._left <= 0:
                if best is None:
                    self._found.undecided = True
                break
            begin, goal = int(self._target[edge]), int(self._source[edge])
            way = self._way(_Found(nodes, plain, graph), begin, goal, self._left)
            if way is None:
                continue
            steps = self._steps([edge, *way])
            if best is None or len(steps) < len(best):
                best = steps
            if len(best) <= 2:
                break
        name = G_SINGLE
        if best is None:
            best = self._short(component)
            name = G_NONADJACENT if any(step.kind == RW for step in best) else CYCLIC_VERSIONS
        if NAMES.index(name) < weakest:
            self._name(name, level, nodes, best)

    def _short(self, component: _Found) -> tuple[DependencyStep, ...]:
        """A short cycle of a component; the smallest one if the component is small."""
        total = len(self._node)
        inside = np.zeros(component.edges.nodes, dtype=bool)
        inside[component.members] = True
        own = np.flatnonzero(inside[component.edges.source] & inside[component.edges.target])
        if len(own) <= MOST_EDGES:
            return self._smallest(component, own)
        begins = component.members[self._node[component.members % total] < self._graph.transactions]
        best: tuple[DependencyStep, ...] | None = None
        for place in np.unique(np.linspace(0, len(begins) - 1, STARTS).astype(np.int64)).tolist():
            if best is not None and (self._left <= 0 or len(best) <= 2):
                break
            begin = int(begins[place])
            # The first is found whatever it takes: a cycle is what proves a verdict.
            limit = len(component.edges.source) + 1 if best is None else min(self._left, LOOKS_FOR_ONE)
            way = self._way(component, begin, begin, limit)
            if way is not None:
                steps = self._steps(way)
                best = steps if best is None or len(steps) < len(best) else best
        assert best is not None, "a component without a cycle"
        return best

    def _smallest(self, component: _Found, own: Integers) -> tuple[DependencyStep, ...]:
        """The smallest cycle of a component with these edges, found with networkx."""
        import networkx as nx  # imported here: a history without a cycle never needs it

        edges, total = component.edges, len(self._node)
        graph = nx.DiGraph()
        for edge in own.tolist():
            source, target = int(edges.source[edge]), int(edges.target[edge])
            weight = 0 if edges.free[edge] else 1
            if not graph.has_edge(source, target) or weight < graph.edges[source, target]["weight"]:
                graph.add_edge(source, target, weight=weight, number=int(edges.number[edge]))
        starts = [
            node for node in component.members.tolist() if self._node[node % total] < self._graph.transactions
        ]
        cycle = smallest_cycle(graph, starts)
        assert cycle is not None, "a component without a cycle"
        return self._steps([graph.edges[edge]["number"] for edge in edges_of(cycle)])

    def _way(self, component: _Found, begin: int, goal: int, limit: int) -> list[int] | None:
        """The edges of a short path, as places among those kept."""
        self._mark += 1
        edges = component.edges
        looked = int(
            shortest.by_size(component.by_source, edges.free, begin, goal, self._mark, self._trail, limit)
        )
        self._left -= abs(looked)
        if looked <= 0:
            return None
        way = []
        node = goal
        while True:
            edge = int(self._trail.via[node])
            way.append(int(edges.number[edge]))
            node = int(edges.source[edge])
            if node == begin:
                return way[::-1]

    def _steps(self, way: Sequence[int]) -> tuple[DependencyStep, ...]:
        """A path of edges as steps between transactions: all that is between two of them is one step."""
        steps: list[DependencyStep] = []
        source, kind, version = -1, LINK, -1
        for edge in way:
            if self._kind[edge] != LINK:
                number = self._kept[edge]
                source = int(self._graph.source[number])
                kind, version = int(self._kind[edge]), int(self._graph.version[number])
            target = int(self._node[self._target[edge]])
            if target < self._graph.transactions:
                steps.append(DependencyStep(source, target, kind, version))
        return tuple(steps)
