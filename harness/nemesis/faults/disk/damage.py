"""Files that are damaged while their node is down: the actions of the faults `torn`, `rot` and `truncate`."""

from __future__ import annotations

from typing import Any

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.mechanisms.disks import STORED_FILES, DamageKind
from harness.nemesis.mechanisms.processes import PROCESSES, Processes
from harness.nemesis.mechanisms.world import DONE, MechanismError, NodeResult, WorldMechanisms
from harness.nemesis.outcome import Outcome

DROPPED_BYTES = "dropped_bytes"
"""The detail of `rot` that says how much of its log a node has dropped behind the flipped bit, if it has."""


class Damage(Action, frozen=True):
    """SIGKILL these nodes' processes, damage their files, and start them again.

    After `torn` (a write that never completed) a node must start; after `rot` (a flipped bit) it must refuse;
    `truncate` takes what was durable, which no node can know.
    """

    verb = "damage the files of"
    nodes: tuple[str, ...]
    how: DamageKind
    draw: int

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the file is damaged and the node answers again.

        After `rot`, once it refused to start; after `truncate` it may refuse, too. After `torn`, once the
        torn end is not there any more: a node that leaves it there may not have read it.
        """
        processes, files = world.mechanism(PROCESSES), world.mechanism(STORED_FILES)
        done: dict[str, Any] = {}

        async def damage(node: str) -> NodeResult:
            if files.is_rotten(node) or not await stopped(processes, node, self.how):
                return None
            done[node] = await files.damage(node, self.how, Draw(self.draw).bits(node))
            if self.how == "rot":
                tried = await files.try_rotten(node)
                if dropped := await files.dropped_bytes(node):
                    done[node] = {**done[node], DROPPED_BYTES: dropped}
                return tried
            became = await processes.start(node)
            if self.how == "truncate" and files.has_refused(node, self.how):
                return DONE
            if self.how == "torn" and became == DONE and await files.is_torn(node):
                return f"runs and left the torn end of {done[node]['file']}: nothing shows that it was read"
            return became

        return (await world.on_each(self.nodes, damage)).with_details(**done)


class Repair(Action, frozen=True):
    """Put back the files in which a bit was flipped, from exact copies; does not start the nodes."""

    verb = "repair the files of"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the file is as it was."""
        processes, files = world.mechanism(PROCESSES), world.mechanism(STORED_FILES)
        done: dict[str, Any] = {}

        async def repair(node: str) -> NodeResult:
            if not files.is_rotten(node):
                return None
            await stopped(processes, node, "rot")
            done[node] = await files.repair(node)
            return DONE

        return (await world.on_each(self.nodes, repair)).with_details(**done)


async def stopped(processes: Processes, node: str, by: str) -> bool:
    """Kill a node's process; False if it did not run.

    Raises:
        MechanismError: the process survived.
    """
    result = await processes.kill(node, by=by)
    if result not in (DONE, None):
        raise MechanismError(result)
    return result == DONE
