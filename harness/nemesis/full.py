"""Full: no room is left on a node's disk; the write that fills it is taken in part.

A node that cannot write its log can promise nothing more. Ours ends at once and says so; it must come back
with all that it had promised when there is room again.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.history import Operation
from harness.nemesis.base import Action, BreakDisk, ClusterView, MendDisk, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of

ROOM_BYTES = (0, 100, 1000, 10_000)


class FullPlanner:
    """`full` with a target; `heal-full` for all disks, and what ended is started again."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """How much room is left is drawn."""
        if operation.f == "heal-full":
            return (MendDisk(tuple(view.nodes), "full"), Start(tuple(view.nodes)))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (BreakDisk(nodes, room_bytes=drawn.choose(ROOM_BYTES, "room"), by="full"),) if nodes else ()


FULL = FaultPackage(
    name="full",
    about="fills the disks of nodes: a last write is taken in part, and then none",
    begin="full",
    end="heal-full",
    targets=NODE_TARGETS,
    planner=FullPlanner(),
    worlds=REAL,
)
