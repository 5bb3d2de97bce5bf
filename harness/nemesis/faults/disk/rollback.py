"""Rollback: a node's data folder is put back to what it was some seconds ago, as from a backup.

The node has forgotten its vote and what it acknowledged since, and may vote twice in one term. Raft does not
survive that. So runs with it are expected to be invalid, and it is drawn only where it is asked for.
"""

from __future__ import annotations

from typing import Any

from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.disk.damage import stopped
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.disks import STORED_FILES
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms
from harness.nemesis.outcome import Outcome


class BackUp(Action, frozen=True):
    """Stop these nodes, copy their data folders, and start them again."""

    verb = "back up"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once there is a copy, and the node answers again."""
        processes, files = world.mechanism(PROCESSES), world.mechanism(STORED_FILES)
        done: dict[str, Any] = {}

        async def back_up(node: str) -> NodeResult:
            if files.is_backed_up(node) or not await stopped(processes, node, "rollback"):
                return None
            done[node] = await files.back_up(node)
            return await processes.start(node)

        return (await world.on_each(self.nodes, back_up)).with_details(**done)


class Restore(Action, frozen=True):
    """SIGKILL those of these nodes that were backed up, and put the copies in place; does not start them."""

    verb = "restore"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the copy is in place."""
        processes, files = world.mechanism(PROCESSES), world.mechanism(STORED_FILES)
        done: dict[str, Any] = {}

        async def restore(node: str) -> NodeResult:
            if not files.is_backed_up(node):
                return None
            await stopped(processes, node, "rollback")
            done[node] = await files.restore(node)
            return DONE

        return (await world.on_each(self.nodes, restore)).with_details(**done)


ROLLBACK = Fault(
    name="rollback",
    about="restores the data folders of nodes as they were some seconds before",
    begin="rollback",
    end="heal-rollback",
    targets=("one", "minority", "leader"),
    planner=NodePlanner(
        "heal-rollback",
        lambda nodes, _: (BackUp(nodes),),
        lambda every: (Restore(every), Start(every)),
    ),
    actions=(BackUp, Restore, Start),
    mechanisms=(PROCESSES, STORED_FILES),
    evidence="the node's log is shorter",
    family="disk",
    begun_by=(BackUp,),
    ended_by=(Restore,),
    breaks="what a node had on disk stays there",
)
