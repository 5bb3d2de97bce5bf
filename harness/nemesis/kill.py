"""Kill: processes end by SIGKILL, and are started again with what they had on disk."""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Kill, Start
from harness.nemesis.package import EVERYWHERE, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation


class KillPlanner:
    """`kill` with a target, `start` for all nodes that do not run."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Kill only what runs; a paused process can be killed too."""
        if operation.f == "start":
            return (Start(tuple(view.nodes)),)
        running = [name for name, node in view.nodes.items() if node.running]
        nodes = choose_nodes(target_of(operation), view, running, Draw(draw))
        return (Kill(nodes),) if nodes else ()


KILL = FaultPackage(
    name="kill",
    about="ends node processes with SIGKILL and starts them again",
    begin="kill",
    end="start",
    targets=NODE_TARGETS,
    planner=KillPlanner(),
    worlds=EVERYWHERE,
)
