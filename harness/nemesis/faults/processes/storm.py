"""Storm: a node is killed and started again, over and over, before it can settle.

Each life recovers what the last one had on disk, perhaps in the middle of an election or of catching up.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner, Nodes
from harness.nemesis.faults.processes.lifecycle import Kill, Start
from harness.nemesis.mechanisms.processes import PROCESSES

LEAST_RESTARTS, MOST_RESTARTS = 2, 4


def restarts(nodes: Nodes, draw: Draw) -> tuple[Action, ...]:
    """Kills and starts in turn; how many is drawn."""
    return (Kill(nodes), Start(nodes)) * draw.between(LEAST_RESTARTS, MOST_RESTARTS, salt="restarts")


STORM = Fault(
    name="storm",
    about="kills node processes and starts them again several times in a row",
    begin="storm",
    end="heal-storm",
    targets=("leader", "one", "minority"),
    planner=NodePlanner("heal-storm", restarts, lambda every: (Start(every),)),
    actions=(Kill, Start),
    mechanisms=(PROCESSES,),
    evidence="exit statuses, and the first answer of each life",
    requires=("durable-log",),
    family="kill",
    begun_by=(Kill,),
    ended_by=(Start,),
)
