"""The topology that a partition leaves: which nodes can still talk, and which still reach a majority."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

Link = tuple[str, str]
"""From one node to another: messages of this direction."""


class Topology(msgspec.Struct, frozen=True):
    """What some cut links leave of a cluster. Two nodes talk if messages pass between them both ways."""

    groups: tuple[tuple[str, ...], ...]
    """The connected components: nodes of different groups cannot reach each other, not even by way of others.
    The largest group comes last."""
    reach_majority: tuple[str, ...]
    """The nodes that talk with a majority of all nodes, themselves included, so that they can lead."""
    connectors: tuple[str, ...]
    """The nodes whose failure would divide a group: the middle of a bridge."""
    one_way: tuple[Link, ...]
    """The links that still carry messages while the opposite direction is cut."""

    def words(self) -> str:
        """The topology on one line: `n1, n2 | n3, n4, n5 (majority)`."""
        parts = []
        for group in self.groups:
            leads = set(group) & set(self.reach_majority)
            mark = " (majority)" if leads == set(group) else f" (majority: {', '.join(sorted(leads))})"
            parts.append(", ".join(group) + (mark if leads else ""))
        words = [" | ".join(parts)]
        if self.connectors:
            words.append(f"connected by {', '.join(self.connectors)}")
        if self.one_way:
            words.append(f"one way: {', '.join(f'{a}→{b}' for a, b in self.one_way)}")
        return "; ".join(words)


def topology(nodes: Sequence[str], cut: Collection[Link]) -> Topology:
    """The topology of these nodes while some links between them are cut."""
    import networkx  # here, since only a partition needs it

    lost = set(cut)
    passing = {(a, b) for a in nodes for b in nodes if a != b and (a, b) not in lost}
    graph = networkx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((a, b) for a, b in passing if (b, a) in passing)
    groups = [tuple(sorted(group, key=nodes.index)) for group in networkx.connected_components(graph)]
    majority = len(nodes) // 2 + 1
    return Topology(
        groups=tuple(sorted(groups, key=lambda group: (len(group), nodes.index(group[0])))),
        reach_majority=tuple(node for node in nodes if graph.degree(node) + 1 >= majority),
        connectors=tuple(sorted(networkx.articulation_points(graph), key=nodes.index)),
        one_way=tuple(sorted((a, b) for a, b in passing if (b, a) not in passing)),
    )
