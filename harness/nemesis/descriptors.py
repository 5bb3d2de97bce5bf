"""Descriptors: nodes may open no more files or connections, as with too low a limit or a leak.

A node that cannot take a connection must not forget those it has, and one that cannot open a file that
it needs must end rather than go on without.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.history import Operation
from harness.nemesis.base import Action, ClusterView, Limit, Start, Unlimit
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of

DESCRIPTORS_MORE = (0, 2, 8)


class DescriptorPlanner:
    """`descriptors` with a target, `heal-descriptors` for all nodes; what ended is started again."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Limit only what runs; how much more it may have is drawn."""
        every = tuple(view.nodes)
        if operation.f == "heal-descriptors":
            return (Unlimit(every, "descriptors"), Start(every))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (Limit(nodes, "descriptors", drawn.choose(DESCRIPTORS_MORE, "more")),) if nodes else ()


DESCRIPTORS = FaultPackage(
    name="descriptors",
    about="lets nodes open no more files and connections than a few",
    begin="descriptors",
    end="heal-descriptors",
    targets=NODE_TARGETS,
    planner=DescriptorPlanner(),
    worlds=REAL,
)
