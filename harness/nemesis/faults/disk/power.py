"""Power: processes end as at a power failure, and what they had not synced is gone, or there in part.

After a kill the kernel still holds every byte that was written; after this only what was fsynced is sure. A
node that acknowledges before its fsync is over, or leaves the fsync out, forgets what it promised. Its
favourite target is all nodes, as in one rack: then no other node remembers what one forgot.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.disks import DISKS
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms
from harness.nemesis.needs import FUSE
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import NODE_TARGETS


class LosePower(Action, frozen=True):
    """SIGKILL these nodes' processes, and let what they had not synced be lost or torn.

    A machine whose process was down already loses it, too.
    """

    verb = "cut the power of"
    nodes: tuple[str, ...]
    draw: int
    """What is lost and what is torn follows from it."""

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the processes have ended and the disks have forgotten, even if that was nothing."""
        processes, disks = world.mechanism(PROCESSES), world.mechanism(DISKS)
        lost: dict[str, int] = {}

        async def lose_power(node: str) -> NodeResult:
            killed = await processes.kill(node, by="power")
            if killed not in (DONE, None):
                return killed
            found = await disks.lose_power(node, Draw(self.draw).bits(node))
            for name, count in found.items():
                lost[name] = lost.get(name, 0) + count
            return DONE if killed == DONE or any(found.values()) else None

        return (await world.on_each(self.nodes, lose_power)).with_details(**lost)


POWER = Fault(
    name="power",
    about="ends node processes as a power failure does: what was not fsynced is lost or torn",
    begin="power",
    end="heal-power",
    targets=("all", *(target for target in NODE_TARGETS if target != "all")),
    planner=NodePlanner(
        "heal-power",
        lambda nodes, draw: (LosePower(nodes, draw.bits("what is lost")),),
        lambda every: (Start(every),),
    ),
    actions=(LosePower, Start),
    mechanisms=(PROCESSES, DISKS),
    evidence="bytes and names that the disk took back",
    requires=("durable-log",),
    family="disk",
    begun_by=(LosePower,),
    ended_by=(Start,),
    needs=(FUSE,),
)
