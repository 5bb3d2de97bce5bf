"""Who is whose neighbour in Maelstrom's `broadcast`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

Pairs = list[tuple[int, int]]


def grid(count: int) -> Pairs:
    """A square as nearly as can be: each node has those above, below, left and right of it."""
    width = max(1, math.ceil(math.sqrt(count)))
    right = [(n, n + 1) for n in range(count - 1) if (n + 1) % width]
    return right + [(n, n + width) for n in range(count - width)]


def line(count: int) -> Pairs:
    """Each node has the one before and the one after it."""
    return [(n, n + 1) for n in range(count - 1)]


def total(count: int) -> Pairs:
    """Each node has all others."""
    return [(a, b) for a in range(count) for b in range(a + 1, count)]


def tree(children: int) -> Callable[[int], Pairs]:
    """A tree in which each node has this number of children."""
    return lambda count: [((n - 1) // children, n) for n in range(1, count)]


TOPOLOGIES: Mapping[str, Callable[[int], Pairs]] = {
    "grid": grid,
    "line": line,
    "total": total,
    **{f"tree{children}": tree(children) for children in (2, 3, 4)},
}
"""Maelstrom's names of the shapes."""


def topology(name: str, nodes: Sequence[str]) -> dict[str, list[str]]:
    """For each node the list of its neighbours, in the shape of that name."""
    neighbours: dict[str, list[str]] = {node: [] for node in nodes}
    for a, b in TOPOLOGIES[name](len(nodes)):
        neighbours[nodes[a]].append(nodes[b])
        neighbours[nodes[b]].append(nodes[a])
    return neighbours
