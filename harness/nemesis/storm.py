"""Storm: a node is killed and started again, over and over, before it can settle.

Each life recovers what the last had on disk, perhaps in the middle of an election or of catching up.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Kill, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import choose_nodes, target_of
from history import Operation

LEAST_RESTARTS, MOST_RESTARTS = 2, 4


class StormPlanner:
    """`storm` with a target; `heal-storm` starts what does not run."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Kills and starts in turn; how many is drawn."""
        every = tuple(view.nodes)
        if operation.f == "heal-storm":
            return (Start(every),)
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        if not nodes:
            return ()
        return (Kill(nodes), Start(nodes)) * drawn.between(LEAST_RESTARTS, MOST_RESTARTS, salt="restarts")


STORM = FaultPackage(
    name="storm",
    about="kills node processes and starts them again several times in a row",
    begin="storm",
    end="heal-storm",
    targets=("leader", "one", "minority"),
    planner=StormPlanner(),
    worlds=REAL,
)
