"""Rollback: a node's data folder is put back to what it was some seconds ago, as from a backup.

The node has forgotten its vote and what it acknowledged since, and may vote twice in one term. Raft does not
survive that. So runs with it are expected to be invalid, and it is never drawn unasked.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.base import Action, BackUp, ClusterView, Restore, Start
from harness.nemesis.package import REAL, FaultPackage
from harness.nemesis.targets import choose_nodes, target_of
from history import Operation


class RollbackPlanner:
    """`rollback` with a target, `heal-rollback` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """The backup is taken now, and put in place at the heal."""
        every = tuple(view.nodes)
        if operation.f == "heal-rollback":
            return (Restore(every), Start(every))
        running = [name for name, node in view.nodes.items() if node.running]
        nodes = choose_nodes(target_of(operation), view, running, Draw(draw))
        return (BackUp(nodes),) if nodes else ()


ROLLBACK = FaultPackage(
    name="rollback",
    about="puts back the data folders of nodes to what they were seconds ago",
    begin="rollback",
    end="heal-rollback",
    targets=("one", "minority", "leader"),
    planner=RollbackPlanner(),
    worlds=REAL,
    breaks="what a node had on disk stays there",
)
