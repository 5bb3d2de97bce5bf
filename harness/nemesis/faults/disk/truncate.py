"""Truncate: the end of a node's log is cut off while the node is down, durable or not.

A log that is shorter than it was looks like one that never was longer, so the node starts and has forgotten
what it promised. Raft does not survive that: with one node that forgets, an entry that a majority held may
be held by no node of the next majority. So runs with it are expected to be invalid, and it is drawn only
where it is asked for.
"""

from __future__ import annotations

from harness.nemesis.fault import Fault
from harness.nemesis.faults.disk.damage import Damage
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.disks import STORED_FILES
from harness.nemesis.mechanisms.processes import PROCESSES

TRUNCATE = Fault(
    name="truncate",
    about="cuts durable bytes off the logs of stopped nodes",
    begin="truncate",
    end="heal-truncate",
    targets=("one", "minority", "leader"),
    planner=NodePlanner(
        "heal-truncate",
        lambda nodes, draw: (Damage(nodes, "truncate", draw.bits("truncate")),),
        lambda every: (Start(every),),
    ),
    actions=(Damage, Start),
    mechanisms=(PROCESSES, STORED_FILES),
    evidence="the node's log is shorter",
    family="disk",
    begun_by=(Damage,),
    ended_by=(Start,),
    breaks="what a node had on disk stays there",
)
