"""Slow: processes get only part of the processor's time, as on an overloaded host.

Unlike a paused process a slow one goes on, late in everything: its heartbeats come at odd times, its
replies come after the client has given up, and it may win an election that it loses at once.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner, Nodes
from harness.nemesis.mechanisms.processes import PROCESSOR_TIME
from harness.nemesis.mechanisms.world import WorldMechanisms
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import NODE_TARGETS

STOPPED_PERCENT = (50, 80, 95)


class Slow(Action, frozen=True):
    """Let these nodes' processes run only part of the time."""

    verb = "slow down"
    nodes: tuple[str, ...]
    stopped_percent: int
    """The share of the time during which they are stopped."""

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the processes have been seen stopped."""
        time = world.mechanism(PROCESSOR_TIME)
        outcome = await world.on_each(self.nodes, lambda node: time.slow(node, self.stopped_percent))
        return outcome.with_details(stopped_percent=self.stopped_percent)


class EndSlow(Action, frozen=True):
    """Let those of these nodes that are slow run all the time again."""

    verb = "stop slowing down"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once nothing stops the processes any more."""
        return await world.on_each(self.nodes, world.mechanism(PROCESSOR_TIME).restore)


def slow(nodes: Nodes, draw: Draw) -> tuple[Action, ...]:
    """Slow these nodes down; how much is drawn."""
    return (Slow(nodes, draw.choose(STOPPED_PERCENT, "percent")),)


SLOW = Fault(
    name="slow",
    about="lets node processes run only 50, 20 or 5 % of the time, stopped many times a second",
    begin="slow",
    end="heal-slow",
    targets=NODE_TARGETS,
    planner=NodePlanner("heal-slow", slow, lambda every: (EndSlow(every),), hits_paused=False),
    actions=(Slow, EndSlow),
    mechanisms=(PROCESSOR_TIME,),
    evidence="the state of the process in /proc, seen to change",
    family="pause",
    begun_by=(Slow,),
    ended_by=(EndSlow,),
)
