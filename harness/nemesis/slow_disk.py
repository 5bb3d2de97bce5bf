"""Slow disk: each write and each fsync of a node takes longer, as on a disk that is about to fail.

A leader with such a disk is the slowest of its cluster and stays leader, since its heartbeats need no disk.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.history import Operation
from harness.nemesis.base import Action, BreakDisk, ClusterView, MendDisk, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of

DELAY_MS = (5, 20, 100)


class SlowDiskPlanner:
    """`slow-disk` with a target; `heal-slow-disk` for all disks, and what ended is started again."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """How slow is drawn."""
        if operation.f == "heal-slow-disk":
            return (MendDisk(tuple(view.nodes), "slow-disk"), Start(tuple(view.nodes)))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (BreakDisk(nodes, delay_ms=drawn.choose(DELAY_MS, "delay"), by="slow-disk"),) if nodes else ()


SLOW_DISK = FaultPackage(
    name="slow-disk",
    about="makes every write and fsync of nodes slow",
    begin="slow-disk",
    end="heal-slow-disk",
    targets=NODE_TARGETS,
    planner=SlowDiskPlanner(),
    worlds=REAL,
)
