"""Torn: a node is killed, and its log ends in a write that never completed.

What a crash of the machine leaves when a file's new length reached the disk and its bytes did not. Nothing of
it was acknowledged, so a correct node cuts it off and goes on.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Damage, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of
from history import Operation


class TornPlanner:
    """`torn` with a target, `heal-torn` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Only what runs can be killed in a write."""
        every = tuple(view.nodes)
        if operation.f == "heal-torn":
            return (Start(every),)
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (Damage(nodes, "torn", drawn.bits("torn")),) if nodes else ()


TORN = FaultPackage(
    name="torn",
    about="kills nodes and leaves a torn write at the end of their logs",
    begin="torn",
    end="heal-torn",
    targets=NODE_TARGETS,
    planner=TornPlanner(),
    worlds=REAL,
)
