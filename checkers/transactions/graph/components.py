"""Strongly connected components and shortest cycles, by compiled passes over edges as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from history.kernels import AnyIntegers, Integers, compiled, compiled_in_place


class EdgesBySource(NamedTuple):
    """A graph: the edges of node n are order[at[n]:at[n + 1]]."""

    at: Integers
    """One more than there are nodes."""
    order: Integers
    target: AnyIntegers
    """By edge the node that it leads to."""


class Trail(NamedTuple):
    """Work space for `shortest`, by node."""

    marks: Integers
    """The mark of the last search that reached the node."""
    via: Integers
    """The edge by which it did."""


def by_source(nodes: int, source: AnyIntegers, target: AnyIntegers) -> EdgesBySource:
    """A graph of that many nodes, whose edge e leads from source[e] to target[e]."""
    at, order = np.zeros(nodes + 1, dtype=np.int64), np.zeros(len(source), dtype=np.int64)
    graph = EdgesBySource(at, order, target)
    _sort.by_size(source, graph)
    return graph


@compiled_in_place
def _sort(source: AnyIntegers, graph: EdgesBySource) -> None:
    """Sort edges by their source into `graph`, whose `at` must come as zeros."""
    at, order, _ = graph
    nodes = len(at) - 1
    for edge in range(len(source)):
        at[source[edge] + 1] += 1
    for node in range(nodes):
        at[node + 1] += at[node]
    for edge in range(len(source)):
        order[at[source[edge]]] = edge
        at[source[edge]] += 1
    for node in range(nodes, 0, -1):
        at[node] = at[node - 1]
    at[0] = 0


@compiled
def components(graph: EdgesBySource, part: Integers) -> int:
    """Number each node's strongly connected component in `part`; how many there are.

    Tarjan (SIAM J. Comput. 1, 1972), with a stack of its own in place of recursion.
    """
    at, order, target = graph
    nodes = len(at) - 1
    index = np.full(nodes, -1, dtype=np.int32)
    low = np.zeros(nodes, dtype=np.int32)
    following = np.zeros(nodes, dtype=np.int64)
    path = np.zeros(nodes, dtype=np.int32)
    waiting = np.zeros(nodes, dtype=np.int32)
    seen = found = depth = kept = 0
    for root in range(nodes):
        if index[root] >= 0:
            continue
        path[0] = root
        depth = 1
        while depth:
            node = path[depth - 1]
            if index[node] < 0:
                index[node] = low[node] = seen
                seen += 1
                following[node] = at[node]
                waiting[kept] = node
                kept += 1
                part[node] = -1
            deeper = False
            while following[node] < at[node + 1]:
                other = target[order[following[node]]]
                following[node] += 1
                if index[other] < 0:
                    path[depth] = other
                    depth += 1
                    deeper = True
                    break
                if part[other] < 0 and index[other] < low[node]:
                    low[node] = index[other]
            if deeper:
                continue
            depth -= 1
            if depth and low[node] < low[path[depth - 1]]:
                low[path[depth - 1]] = low[node]
            if low[node] == index[node]:
                while True:
                    kept -= 1
                    member = waiting[kept]
                    part[member] = found
                    if member == node:
                        break
                found += 1
    return found


@compiled
def shortest(
    graph: EdgesBySource, free: Integers, begin: int, goal: int, mark: int, trail: Trail, budget: int
) -> int:
    """Find the path with the fewest edges from `begin` to `goal`, of at least one edge; `free` ones do not
    count.

    The result is how many edges were looked at, negative if no path was found among at most `budget` of them.
    `trail.via` leads back from the goal, edge by edge, to `begin`. `mark` must be new to the trail.
    """
    at, order, target = graph
    marks, via = trail
    level = np.empty(16, dtype=np.int64)
    later = np.empty(16, dtype=np.int64)
    level[0] = begin
    size, more, looked = 1, 0, 0
    while size:
        while size:
            size -= 1
            node = level[size]
            for place in range(at[node], at[node + 1]):
                edge = order[place]
                other = target[edge]
                looked += 1
                if looked > budget:
                    return -looked
                if marks[other] == mark:
                    continue
                marks[other] = mark
                via[other] = edge
                if other == goal:
                    return looked
                if free[edge] == 1:
                    if size == len(level):
                        level = np.concatenate((level, np.empty(len(level), dtype=np.int64)))
                    level[size] = other
                    size += 1
                else:
                    if more == len(later):
                        later = np.concatenate((later, np.empty(len(later), dtype=np.int64)))
                    later[more] = other
                    more += 1
        level, later = later, level
        size, more = more, 0
    return -looked
