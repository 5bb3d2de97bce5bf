"""Graphs made for people: the smallest cycle of a graph that must not have one.

Whether a graph has a cycle at all is decided in linear time, however large it is. The smallest cycle is then
looked for with networkx in the part of the graph that holds a cycle, if that part is small enough. networkx
is imported only then, so a valid history never loads it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import networkx as nx

Node = TypeVar("Node", bound=Hashable)

MOST_EDGES = 10_000
"""The largest part of a graph in which the smallest cycle is looked for; of a larger one, any cycle is shown.
"""


def small_cycle(after: Mapping[Node, Iterable[Node]]) -> list[Node] | None:
    """A cycle of a graph, as small as can be found; None if the graph has none.

    Args:
        after: by node, the nodes to which its edges lead.

    Returns:
        The nodes in the order of the edges; the last has an edge to the first.
    """
    before: dict[Node, list[Node]] = {}
    for source, targets in after.items():
        for target in targets:
            before.setdefault(target, []).append(source)
    try:
        TopologicalSorter(before).prepare()
    except CycleError as error:
        found: list[Node] = error.args[1][:-1]
    else:
        return None
    import networkx as nx

    graph = nx.DiGraph((source, target) for source, targets in after.items() for target in targets)
    inside = next(part for part in nx.strongly_connected_components(graph) if found[0] in part)
    part = graph.subgraph(inside)
    if part.number_of_edges() > MOST_EDGES:
        return found
    return smallest_cycle(part, sorted(inside, key=list(graph).index)) or found


def smallest_cycle(graph: nx.DiGraph, starts: Sequence[Node], *, weight: str = "weight") -> list[Node] | None:
    """The cycle with the least weight through one of some nodes; None if there is none.

    An edge without the attribute `weight` weighs 1. Of equal cycles the first is returned, by the order of
    `starts`. Once a cycle is known, each further search ends at its weight.
    """
    import networkx as nx

    best: list[Node] | None = None
    least: float | None = None
    for start in starts:
        lengths, paths = nx.single_source_dijkstra(graph, start, cutoff=least, weight=weight)
        for last in graph.predecessors(start):
            if last not in lengths:
                continue
            total = lengths[last] + graph.edges[last, start].get(weight, 1)
            if least is None or total < least:
                best, least = paths[last], total
    return best


def edges_of(cycle: Sequence[Node]) -> list[tuple[Node, Node]]:
    """The edges of a cycle, from its first node round to it again."""
    return list(pairwise([*cycle, cycle[0]]))
