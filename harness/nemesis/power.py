"""Power: processes end as at a power failure, and what they had not synced is gone, or there in part.

After a kill the kernel still holds every byte that was written; after this only what was fsynced is sure. A
node that acknowledges before its fsync is over, or leaves it out, forgets what it promised. Its favourite
target is all nodes, as of one rack: what one forgot no other remembers.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, LosePower, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation


class PowerPlanner:
    """`power` with a target; `heal-power` starts what does not run."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Only what runs can lose its power; what is torn is drawn."""
        if operation.f == "heal-power":
            return (Start(tuple(view.nodes)),)
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (LosePower(nodes, drawn.bits("what is lost")),) if nodes else ()


POWER = FaultPackage(
    name="power",
    about="ends node processes as a power failure does: what was not fsynced is lost or torn",
    begin="power",
    end="heal-power",
    targets=("all", *(target for target in NODE_TARGETS if target != "all")),
    planner=PowerPlanner(),
    worlds=REAL,
)
