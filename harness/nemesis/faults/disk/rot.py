"""Rot: a bit of a node's log flips while the node is down, and is put right later from an exact copy.

A node that started with such a log could forget its vote or what it acknowledged, so a correct one refuses
and stays down: it is one of the nodes that a majority can do without. At most a minority is hit at a time.
The heal puts the very bytes back, as from a mirror of the disk. Emptying the folder instead would be another
fault, which Raft does not survive: the node would have forgotten what it promised.
"""

from __future__ import annotations

from harness.nemesis.fault import Fault
from harness.nemesis.faults.disk.damage import Damage, Repair
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.disks import STORED_FILES
from harness.nemesis.mechanisms.processes import PROCESSES

ROT = Fault(
    name="rot",
    about="flips a bit in the logs of stopped nodes, which must refuse to start until it is put right",
    begin="rot",
    end="heal-rot",
    targets=("one", "minority", "leader"),
    planner=NodePlanner(
        "heal-rot",
        lambda nodes, draw: (Damage(nodes, "rot", draw.bits("rot")),),
        lambda every: (Repair(every), Start(every)),
    ),
    actions=(Damage, Repair, Start),
    mechanisms=(PROCESSES, STORED_FILES),
    evidence="the node refuses to start",
    family="disk",
    begun_by=(Damage,),
    ended_by=(Repair,),
)
