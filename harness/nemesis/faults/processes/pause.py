"""Pause: processes stop in mid-step and go on later, as after a long garbage collection.

Unlike a killed process a paused one keeps its connections and its memory: a leader that was paused
wakes up and still believes that it leads.
"""

from __future__ import annotations

from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner
from harness.nemesis.faults.processes.lifecycle import Pause, Resume
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.targets import NODE_TARGETS

PAUSE = Fault(
    name="pause",
    about="stops node processes in mid-step with SIGSTOP, and continues them later",
    begin="pause",
    end="resume",
    targets=NODE_TARGETS,
    planner=NodePlanner(
        "resume", lambda nodes, _: (Pause(nodes),), lambda every: (Resume(every),), hits_paused=False
    ),
    actions=(Pause, Resume),
    mechanisms=(PROCESSES,),
    evidence="the state of the process in /proc",
    family="pause",
    begun_by=(Pause,),
    ended_by=(Resume,),
)
