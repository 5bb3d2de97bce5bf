"""Truncate: the end of a node's log is cut off while the node is down, durable or not.

A log that is shorter than it was looks like one that never was longer, so the node starts and has forgotten
what it promised. Raft does not survive that: with one node that forgets, an entry that a majority held may
be held by none of the next majority. So runs with it are expected to be invalid, and it is never drawn
unasked.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, ClusterView, Damage, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import choose_nodes, target_of
from history import Operation


class TruncatePlanner:
    """`truncate` with a target, `heal-truncate` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """How much is a share of the log."""
        every = tuple(view.nodes)
        if operation.f == "heal-truncate":
            return (Start(every),)
        running = [name for name, node in view.nodes.items() if node.running]
        drawn = Draw(draw)
        nodes = choose_nodes(target_of(operation), view, running, drawn)
        return (Damage(nodes, "truncate", drawn.bits("truncate")),) if nodes else ()


TRUNCATE = FaultPackage(
    name="truncate",
    about="cuts durable bytes off the logs of stopped nodes",
    begin="truncate",
    end="heal-truncate",
    targets=("one", "minority", "leader"),
    planner=TruncatePlanner(),
    worlds=REAL,
    breaks="what a node had on disk stays there",
)
