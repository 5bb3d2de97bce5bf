"""Disk error: writes or fsyncs of a node fail with EIO, and what a failed fsync was to make durable is gone.

Asking again is no remedy: the kernel drops the pages of a failed fsync and reports success the next time
(Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). A node must
end, and must not acknowledge what it tried to write.
"""

from __future__ import annotations

from typing import Literal

from harness.generator.draw import Draw
from harness.history import Operation
from harness.nemesis.base import Action, BreakDisk, ClusterView, MendDisk, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import NODE_TARGETS, choose_nodes, target_of

FAILING: tuple[Literal["fsync", "write"], ...] = ("fsync", "fsync", "write")


class DiskErrorPlanner:
    """`disk-error` with a target; `heal-disk-error` for all disks, and what ended is started again."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """What fails is drawn."""
        if operation.f == "heal-disk-error":
            return (MendDisk(tuple(view.nodes), "disk-error"), Start(tuple(view.nodes)))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (
            (BreakDisk(nodes, failing=drawn.choose(FAILING, "what fails"), by="disk-error"),) if nodes else ()
        )


DISK_ERROR = FaultPackage(
    name="disk-error",
    about="lets writes or fsyncs of nodes fail with EIO",
    begin="disk-error",
    end="heal-disk-error",
    targets=NODE_TARGETS,
    planner=DiskErrorPlanner(),
    worlds=REAL,
)
