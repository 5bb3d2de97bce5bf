"""A partition as the graph that it was: nodes, the links that still carried messages, and those cut.

networkx lays it out: each group of nodes that can reach each other is a figure of its own, next to the
others. Nothing is shown by colour alone: a node that could lead has a whole outline, one that could not a
broken one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from markupsafe import Markup

from history.topology import Link
from reports.moment.partitions import Partition
from reports.svg import element, figure, join, number, text
from reports.text import seconds, shorten

RADIUS = 15.0
"""Of a node, in units of the picture."""
APART = 30.0
"""Between two groups."""
MARGIN = 24.0
LONGEST_NAME = 7
TURNS = 6
"""How many turns of each circle are tried."""
MOST_NODES = 12
"""Of a larger cluster no graph is drawn: its links would lie on one another."""

Point = tuple[float, float]


def partition_graph(partition: Partition, id_: str) -> Markup | None:
    """The picture; None for a cluster that is too large for one.

    Args:
        id_: the id of the picture in its page.
    """
    if len(partition.nodes) > MOST_NODES:
        return None
    places, width, height = laid_out(partition)
    both_ways, one_way, cut = _links(partition)
    parts = [_head(id_)]
    parts += [_edge(places[a], places[b], "link-cut") for a, b in cut]
    parts += [_edge(places[a], places[b], "link-whole") for a, b in both_ways]
    parts += [_edge(places[a], places[b], "link-one-way", head=id_) for a, b in one_way]
    parts += [_node(partition, node, places[node]) for node in partition.nodes]
    return figure(
        parts,
        width=width,
        height=height,
        id_=id_,
        title=f"The links from {seconds(partition.begin)} to {seconds(partition.end)}",
        description=partition.left.words(),
        class_="partition",
    )


def laid_out(partition: Partition) -> tuple[dict[str, Point], float, float]:
    """The place of each node, and the width and height of the picture; turned for lines to hide no node."""
    turned = [_laid_out(partition, math.pi * step / (2 * TURNS)) for step in range(TURNS)]
    return max(turned, key=lambda found: round(_clearance(found[0]), 1))


def _laid_out(partition: Partition, turn: float) -> tuple[dict[str, Point], float, float]:
    groups = [_group(group, partition, turn) for group in partition.left.groups]
    height = max(tall for _, _, tall in groups) + 2 * MARGIN
    places: dict[str, Point] = {}
    x = MARGIN
    for placed, wide, tall in groups:
        for node, (left, top) in placed.items():
            places[node] = (x + left, (height - tall) / 2 + top)
        x += wide + APART + 2 * RADIUS
    return places, x - APART - 2 * RADIUS + MARGIN, height


def _clearance(places: Mapping[str, Point]) -> float:
    """How near any line between two nodes comes to the middle of a third."""
    return min(
        (
            _distance(places[a], places[b], place)
            for a, b in combinations(places, 2)
            for node, place in places.items()
            if node not in (a, b)
        ),
        default=0.0,
    )


def _distance(one: Point, other: Point, place: Point) -> float:
    """From a line between two points to a place."""
    (x1, y1), (x2, y2), (x, y) = one, other, place
    dx, dy = x2 - x1, y2 - y1
    along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy or 1.0)
    along = min(max(along, 0.0), 1.0)
    return math.hypot(x - x1 - along * dx, y - y1 - along * dy)


def _group(nodes: Sequence[str], partition: Partition, turn: float) -> tuple[dict[str, Point], float, float]:
    """One group: the places of its nodes from its own corner on, and its width and height."""
    import networkx  # here, since only a partition needs it

    graph = networkx.Graph()
    graph.add_nodes_from(nodes)
    cut = partition.cut
    graph.add_edges_from(
        (a, b) for a in nodes for b in nodes if a < b and (a, b) not in cut and (b, a) not in cut
    )
    is_complete = graph.number_of_edges() == len(nodes) * (len(nodes) - 1) // 2
    around = _turned(networkx.circular_layout(graph), turn)
    found = around if is_complete else networkx.spring_layout(graph, pos=around, seed=1, iterations=200)
    reach = 24.0 * math.sqrt(len(nodes)) if len(nodes) > 1 else 0.0
    xs, ys = [float(x) for x, _ in found.values()], [float(y) for _, y in found.values()]
    spread = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    placed = {
        node: ((float(x) - min(xs)) / spread * 2 * reach, (float(y) - min(ys)) / spread * 2 * reach)
        for node, (x, y) in found.items()
    }
    return placed, (max(xs) - min(xs)) / spread * 2 * reach, (max(ys) - min(ys)) / spread * 2 * reach


def _turned(places: Mapping[str, Point], turn: float) -> dict[str, Point]:
    """The same circle, turned by some radians."""
    sine, cosine = math.sin(turn), math.cos(turn)
    return {node: (x * cosine - y * sine, x * sine + y * cosine) for node, (x, y) in places.items()}


def _links(partition: Partition) -> tuple[list[Link], list[Link], list[Link]]:
    """Pairs that talk both ways, links that carry messages one way only, and pairs that carry none."""
    nodes, lost = partition.nodes, partition.cut
    pairs = [(a, b) for place, a in enumerate(nodes) for b in nodes[place + 1 :]]
    both_ways = [(a, b) for a, b in pairs if (a, b) not in lost and (b, a) not in lost]
    cut = [(a, b) for a, b in pairs if (a, b) in lost and (b, a) in lost]
    return both_ways, list(partition.left.one_way), cut


def _edge(one: Point, other: Point, class_: str, head: str | None = None) -> Markup:
    """A line from the rim of one node to that of the other."""
    (x1, y1), (x2, y2) = one, other
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    dx, dy = (x2 - x1) / length * RADIUS, (y2 - y1) / length * RADIUS
    end = 1.35 if head is not None else 1.0
    d = f"M{number(x1 + dx)} {number(y1 + dy)}L{number(x2 - dx * end)} {number(y2 - dy * end)}"
    return element("path", d=d, class_=class_, marker_end=None if head is None else f"url(#{head}-head)")


def _node(partition: Partition, node: str, place: Point) -> Markup:
    x, y = place
    can_lead = node in partition.left.reach_majority
    led = " It led before." if node == partition.leader else ""
    words = f"{node} {'could' if can_lead else 'could not'} reach a majority.{led}"
    parts = [
        element("title", words),
        element("circle", cx=x, cy=y, r=RADIUS, class_="can-lead" if can_lead else "cannot-lead"),
        text(x, y + 4, shorten(node, LONGEST_NAME), "graph-node", "middle"),
    ]
    if node == partition.leader:
        parts.append(text(x, y - RADIUS - 3, "led", "graph-led", "middle"))
    return element("g", join(parts))


def _head(id_: str) -> Markup:
    head = element("path", d="M0 0L8 4L0 8z", class_="head")
    return element(
        "defs",
        element(
            "marker",
            head,
            id=f"{id_}-head",
            markerWidth="8",
            markerHeight="8",
            refX="6",
            refY="4",
            orient="auto",
        ),
    )
