"""Slow: processes get only part of the processor's time, as on an overloaded host.

Unlike a paused process a slow one goes on, late in everything: its heartbeats come at odd times, its
replies after the client's patience, and it may win an election that it loses at once.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Quicken, Slow
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation

STOPPED_PERCENT = (50, 80, 95)


class SlowPlanner:
    """`slow` with a target, `heal-slow` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Slow only what runs and is not paused; how much is drawn."""
        if operation.f == "heal-slow":
            return (Quicken(tuple(view.nodes)),)
        awake = [name for name, node in view.nodes.items() if node.running and not node.paused]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, awake, drawn)
        return (Slow(nodes, drawn.choose(STOPPED_PERCENT, "percent")),) if nodes else ()


SLOW = FaultPackage(
    name="slow",
    about="lets node processes run only a part of the time, by SIGSTOP and SIGCONT many times a second",
    begin="slow",
    end="heal-slow",
    targets=NODE_TARGETS,
    planner=SlowPlanner(),
    worlds=REAL,
)
