"""Rot: a bit of a node's log flips while the node is down, and is put right later from an exact copy.

A node that started with such a log could forget its vote or what it acknowledged, so a correct one refuses
and stays down: it is one of the nodes that a majority can do without. At most a minority is hit at a time.
The heal puts the very bytes back, as from a mirror of the disk. Emptying the folder instead would be another
fault, which Raft does not survive: the node would have forgotten what it promised.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Damage, Repair, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import choose_nodes, target_of
from history import Operation


class RotPlanner:
    """`rot` with a target, `heal-rot` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Which bit is drawn."""
        every = tuple(view.nodes)
        if operation.f == "heal-rot":
            return (Repair(every), Start(every))
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (Damage(nodes, "rot", drawn.bits("rot")),) if nodes else ()


ROT = FaultPackage(
    name="rot",
    about="flips a bit in the logs of stopped nodes, which must refuse to start until it is put right",
    begin="rot",
    end="heal-rot",
    targets=("one", "minority", "leader"),
    planner=RotPlanner(),
    worlds=REAL,
)
