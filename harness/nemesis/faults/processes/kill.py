"""Kill: processes end by SIGKILL, and are started again with what they had on disk."""

from __future__ import annotations

from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.targets import NODE_TARGETS

KILL = Fault(
    name="kill",
    about="ends node processes with SIGKILL and starts them again",
    begin="kill",
    end="start",
    targets=NODE_TARGETS,
    planner=NodePlanner("start", lambda nodes, _: (Kill(nodes),), lambda every: (Start(every),)),
    actions=(Kill, Start),
    mechanisms=(PROCESSES,),
    evidence="the exit status",
    proof="leader lost",
    requires=("durable-log",),
    family="kill",
    begun_by=(Kill,),
    ended_by=(Start,),
)
