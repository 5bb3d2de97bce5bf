"""Torn: a node is killed, and its log ends in a write that never completed.

A crash of the machine leaves this when a file's new length reached the disk and its bytes did not. Nothing
of such a write was acknowledged, so a correct node cuts it off and goes on. Where the room for a log is taken
beforehand, it is a record that began, of which later sectors are zeros.
"""

from __future__ import annotations

from harness.nemesis.fault import Fault
from harness.nemesis.faults.disk.damage import Damage
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.disks import STORED_FILES
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.needs import CAN_BE_TORN
from harness.nemesis.targets import NODE_TARGETS

TORN = Fault(
    name="torn",
    about="kills nodes and leaves a torn write at the end of their logs",
    begin="torn",
    end="heal-torn",
    targets=NODE_TARGETS,
    planner=NodePlanner(
        "heal-torn",
        lambda nodes, draw: (Damage(nodes, "torn", draw.bits("torn")),),
        lambda every: (Start(every),),
    ),
    actions=(Damage, Start),
    mechanisms=(PROCESSES, STORED_FILES),
    evidence="the node runs again, and the torn end is cut off or written over",
    capabilities=(CAN_BE_TORN,),
    family="disk",
    begun_by=(Damage,),
    ended_by=(Start,),
)
