"""Pause: processes stop in mid-step (SIGSTOP) and later go on, unaware of the time between.

A leader paused for longer than an election time-out wakes up believing that it still leads.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Pause, Resume
from harness.nemesis.package import EVERYWHERE, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation


class PausePlanner:
    """`pause` with a target, `resume` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Pause only what runs and is not paused already."""
        if operation.f == "resume":
            return (Resume(tuple(view.nodes)),)
        awake = [name for name, node in view.nodes.items() if node.running and not node.paused]
        nodes = choose_nodes(target_of(operation), view, awake, Draw(draw))
        return (Pause(nodes),) if nodes else ()


PAUSE = FaultPackage(
    name="pause",
    about="stops node processes in mid-step with SIGSTOP and lets them go on later",
    begin="pause",
    end="resume",
    targets=NODE_TARGETS,
    planner=PausePlanner(),
    worlds=EVERYWHERE,
)
