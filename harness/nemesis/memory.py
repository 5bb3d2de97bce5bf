"""Memory: nodes get no more memory than they have and a little, as at the end of a leak.

Any step may be the one that fails. What must not be is a node that goes on with half of a step done.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.history import Operation
from harness.nemesis.base import Action, ClusterView, Limit, Start, Unlimit
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of

MEMORY_MORE = (0, 1_000_000, 16_000_000)


class MemoryPlanner:
    """`memory` with a target, `heal-memory` for all nodes; what ended is started again."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Limit only what runs; how much more it may have is drawn."""
        every = tuple(view.nodes)
        if operation.f == "heal-memory":
            return (Unlimit(every, "memory"), Start(every))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (Limit(nodes, "memory", drawn.choose(MEMORY_MORE, "more")),) if nodes else ()


MEMORY = FaultPackage(
    name="memory",
    about="lets nodes have no more memory than they have and a little",
    begin="memory",
    end="heal-memory",
    targets=NODE_TARGETS,
    planner=MemoryPlanner(),
    worlds=REAL,
)
