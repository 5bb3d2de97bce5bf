"""Shapes of partitions: which links between nodes a network fault hits.

The shapes are Jepsen's (`nemesis.clj`: complete-grudge, bridge, majorities-ring) and one-way cuts, which
need links that carry the messages of one direction alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.generator.draw import Draw
from harness.nemesis.action import Link
from harness.nemesis.targets import TargetError, leader_or_any, target_of
from harness.nemesis.view import ClusterView
from history import Operation

Names = Sequence[str]


def between(left: Names, right: Names) -> tuple[Link, ...]:
    """Every link from one side to the other, both ways."""
    return tuple([(a, b) for a in left for b in right] + [(b, a) for a in left for b in right])


def halves(view: ClusterView, draw: Draw) -> tuple[Link, ...]:  # noqa: ARG001 (a shape without choice)
    """The first half of the nodes apart from the second, which is the larger if they are odd in number."""
    names = tuple(view.nodes)
    return between(names[: len(names) // 2], names[len(names) // 2 :])


def random_halves(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """Halves as above, of the nodes in a drawn order."""
    names = draw.shuffled(tuple(view.nodes), "halves")
    return between(names[: len(names) // 2], names[len(names) // 2 :])


def isolate_one(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """A drawn node apart from all others."""
    return _isolated((draw.choose(tuple(view.nodes), "isolated"),), view)


def isolate_leader(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """The leader apart from all others; a drawn node while none is known."""
    return _isolated(leader_or_any(view, tuple(view.nodes), draw), view)


def majorities_ring(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """Every node hears a majority, itself included, and no two hear the same one.

    The nodes stand on a ring in a drawn order, and each hears those nearest to it. Where a majority
    is an even number, it hears one more on its right than on its left. Below three nodes there is no
    such ring, and nothing is cut.
    """
    ring = draw.shuffled(tuple(view.nodes), "ring")
    size, majority = len(ring), view.majority()
    if size < 3:
        return ()
    left = (majority - 1) // 2
    links: list[Link] = []
    for place, hearer in enumerate(ring):
        heard = {ring[(place + step) % size] for step in range(-left, majority - left)}
        links.extend((name, hearer) for name in ring if name not in heard)
    return tuple(links)


def stochastic_majorities_ring(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """Every node hears a majority, itself included, drawn for each by itself.

    Unlike the perfect ring it has no symmetry: two may hear the same nodes, and one may be heard by all.
    Below three nodes nothing is cut.
    """
    names = tuple(view.nodes)
    if len(names) < 3:
        return ()
    links: list[Link] = []
    for hearer in names:
        others = tuple(name for name in names if name != hearer)
        heard = draw.sample(others, view.majority() - 1, f"heard by {hearer}")
        links.extend((name, hearer) for name in others if name not in heard)
    return tuple(links)


def isolate_minority(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """Each node of a drawn minority, the largest there is, apart from all others and from one another."""
    names = tuple(view.nodes)
    alone = draw.sample(names, len(names) - view.majority(), "isolated")
    return tuple((a, b) for a in names for b in names if a != b and (a in alone or b in alone))


def grid(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """Any links at all: each ordered pair is cut or not, at a drawn rate."""
    names = tuple(view.nodes)
    percent = draw.choose((10, 25, 50, 75), "rate")
    return tuple((a, b) for a in names for b in names if a != b and draw.chance(percent, 100, f"{a} to {b}"))


def bridge(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """Two halves that cannot hear each other, and a drawn node between them that hears both."""
    names = draw.shuffled(tuple(view.nodes), "bridge")[1:]
    return between(names[: len(names) // 2], names[len(names) // 2 :])


def one_way(view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """One side is heard by the other and does not hear it: the leader and the rest, or drawn halves.

    Which side is deaf is drawn.
    """
    names = tuple(view.nodes)
    if draw.chance(1, 2, "the leader"):
        side = leader_or_any(view, names, draw)
    else:
        side = draw.sample(names, len(names) // 2, "side")
    rest = tuple(name for name in names if name not in side)
    deaf, heard = (side, rest) if draw.chance(1, 2, "deaf") else (rest, side)
    return tuple((a, b) for a in heard for b in deaf)


def _isolated(nodes: Names, view: ClusterView) -> tuple[Link, ...]:
    return between(nodes, tuple(name for name in view.nodes if name not in nodes))


SHAPES: dict[str, Callable[[ClusterView, Draw], tuple[Link, ...]]] = {
    "isolate-leader": isolate_leader,
    "isolate-one": isolate_one,
    "halves": halves,
    "random-halves": random_halves,
    "isolate-minority": isolate_minority,
    "majorities-ring": majorities_ring,
    "stochastic-majorities-ring": stochastic_majorities_ring,
    "grid": grid,
    "bridge": bridge,
    "one-way": one_way,
}


def links_of_shape(fault: str, operation: Operation, view: ClusterView, draw: Draw) -> tuple[Link, ...]:
    """The links of the shape that an operation of a network fault aims at.

    Raises:
        TargetError: it aims at no shape.
    """
    target = target_of(operation)
    shape = SHAPES.get(target) if isinstance(target, str) else None
    if shape is None:
        raise TargetError(f"no {fault} is called {target!r}; there are {', '.join(SHAPES)}")
    return shape(view, draw)
