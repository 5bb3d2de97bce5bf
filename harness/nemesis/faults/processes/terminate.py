"""Terminate: processes get SIGTERM, end in order, and are started again.

It shows what a kill cannot show: a node that answers while it ends, or forgets something in an orderly end.
"""

from __future__ import annotations

from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Start, Terminate
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.targets import NODE_TARGETS

TERMINATE = Fault(
    name="terminate",
    about="ends node processes with SIGTERM, so that they can stop in good order, and starts them again",
    begin="terminate",
    end="heal-terminate",
    targets=NODE_TARGETS,
    planner=NodePlanner(
        "heal-terminate",
        lambda nodes, _: (Terminate(nodes),),
        lambda every: (Start(every),),
        hits_paused=False,
    ),
    actions=(Terminate, Start),
    mechanisms=(PROCESSES,),
    evidence="the exit status",
    requires=("durable-log",),
    family="kill",
    begun_by=(Terminate,),
    ended_by=(Start,),
)
