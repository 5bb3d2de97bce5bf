"""Disks that fail, fill up or get slow: the actions of the faults `full`, `disk-error` and `slow-disk`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner, Nodes
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.disks import DISKS, DiskTrouble
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms, eventually
from harness.nemesis.needs import FUSE
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import NODE_TARGETS

EFFECT_BOUND_S = 3.0
POLL_S = 0.02


class BreakDisk(Action, frozen=True):
    """Make the disks of these nodes fail, or full, or slow, in addition to what other faults do to them."""

    verb = "break the disk of"
    nodes: tuple[str, ...]
    room_bytes: int | None = None
    """The disk is full after this number of further bytes."""
    failing: Literal["write", "fsync"] | None = None
    """Which calls fail with EIO."""
    delay_ms: int = 0
    """How much longer each write and each fsync takes."""
    by: str = ""
    """The fault's name: a process that ends because its disk fails ends on the account of this fault."""

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the disk has refused or delayed something."""
        disks = world.mechanism(DISKS)
        trouble = DiskTrouble(self.by, self.room_bytes, self.failing, self.delay_ms)

        async def break_one(node: str) -> NodeResult:
            before = await disks.trouble(node, trouble)
            if before is None:
                return None

            async def took_effect() -> bool:
                now = await disks.counts(node)
                return now.delayed > before.delayed if self.delay_ms else now.refused > before.refused

            if await eventually(world, took_effect, EFFECT_BOUND_S, POLL_S):
                return DONE
            return "its node made no call to its disk, so nothing failed"

        how = {"room_bytes": self.room_bytes, "failing": self.failing, "delay_ms": self.delay_ms}
        asked = {name: value for name, value in how.items() if value not in (None, 0)}
        return (await world.on_each(self.nodes, break_one)).with_details(**asked)


class MendDisk(Action, frozen=True):
    """End what one fault did to the disks of these nodes; a process that ended is not started by it."""

    verb = "mend the disk of"
    nodes: tuple[str, ...]
    by: str

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the disk is mended, and a process that was refused something has ended."""
        disks = world.mechanism(DISKS)
        return await world.on_each(self.nodes, lambda node: disks.mend(node, self.by))


def breaking_disks(name: str, about: str, how: Callable[[Nodes, Draw], BreakDisk], evidence: str) -> Fault:
    """The fault that breaks disks in one way; how badly is drawn."""
    end = f"heal-{name}"
    return Fault(
        name=name,
        about=about,
        begin=name,
        end=end,
        targets=NODE_TARGETS,
        planner=NodePlanner(
            end,
            lambda nodes, draw: (how(nodes, draw),),
            lambda every: (MendDisk(every, name), Start(every)),
        ),
        actions=(BreakDisk, MendDisk, Start),
        mechanisms=(DISKS,),
        evidence=evidence,
        family="disk",
        begun_by=(BreakDisk,),
        needs=(FUSE,),
    )
