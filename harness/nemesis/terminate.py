"""Terminate: processes are told to end (SIGTERM), do so in order, and are started again.

What a kill cannot show: a node that answers while it ends, or forgets something in an orderly end.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Start, Terminate
from harness.nemesis.package import EVERYWHERE, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation


class TerminatePlanner:
    """`terminate` with a target, `heal-terminate` for all nodes that do not run."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Only what runs and is not paused can end in order."""
        if operation.f == "heal-terminate":
            return (Start(tuple(view.nodes)),)
        awake = [name for name, node in view.nodes.items() if node.running and not node.paused]
        nodes = choose_nodes(target_of(operation), view, awake, Draw(draw))
        return (Terminate(nodes),) if nodes else ()


TERMINATE = FaultPackage(
    name="terminate",
    about="tells node processes to end with SIGTERM, and starts them again",
    begin="terminate",
    end="heal-terminate",
    targets=NODE_TARGETS,
    planner=TerminatePlanner(),
    worlds=EVERYWHERE,
)
