"""Clock: the wall clocks of some nodes jump, forwards or backwards, and later jump back.

Monotonic clocks go on as they were, as the kernel's do when an administrator, or NTP, sets the time. A
node that takes the time of day for a duration (a lease, an expiry) shows it now.
"""

from __future__ import annotations

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner, Nodes
from harness.nemesis.mechanisms.clocks import WALL_CLOCKS
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms
from harness.nemesis.needs import FAKETIME, SHOWS_DATE
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import NODE_TARGETS

JUMPS_S = (-3600, -60, -10, 10, 60, 3600)
EFFECT_BOUND_S = 4.0
TOLERANCE_S = 2.5
"""Replies show whole seconds, and the host's own clock may be set meanwhile."""
POLL_S = 0.05


class SetClock(Action, frozen=True):
    """Make the wall clocks of these nodes' processes differ from their hosts' by so much, now and later."""

    verb = "set the wall clock of"
    nodes: tuple[str, ...]
    offset_s: int

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the nodes themselves show a time that jumped by so much."""
        outcome = await world.on_each(self.nodes, lambda node: set_clock(world, node, self.offset_s))
        return outcome.with_details(offset_s=self.offset_s)


class ResetClock(Action, frozen=True):
    """Make the wall clocks of these nodes' processes those of their hosts again."""

    verb = "reset the wall clock of"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the nodes themselves show a time that jumped back."""
        return await world.on_each(self.nodes, lambda node: set_clock(world, node, 0))


async def set_clock(world: WorldMechanisms, node: str, offset_s: int) -> NodeResult:
    """Set one clock; `DONE` once the node shows a time that jumped; a node that is down shows none."""
    clocks = world.mechanism(WALL_CLOCKS)
    jump_s = offset_s - clocks.offset_s(node)
    if not jump_s:
        return None
    before = await clocks.ahead_s(node)
    await clocks.set_offset(node, offset_s)
    deadline = world.now_s() + EFFECT_BOUND_S
    while True:
        after = await clocks.ahead_s(node)
        if before is None or after is None:
            return None
        if abs(after - before - jump_s) <= TOLERANCE_S:
            return DONE
        if world.now_s() > deadline:
            return f"shows a time that jumped by {after - before:.0f} s, not by {jump_s}"
        await world.sleep(POLL_S)


def jump(nodes: Nodes, draw: Draw) -> tuple[Action, ...]:
    """Set the clocks of these nodes; how far is drawn."""
    return (SetClock(nodes, draw.choose(JUMPS_S, "jump")),)


CLOCK = Fault(
    name="clock",
    about="makes the wall clocks of node processes jump by 10 s to an hour; the host's clock does not change",
    begin="clock",
    end="heal-clock",
    targets=NODE_TARGETS,
    planner=NodePlanner("heal-clock", jump, lambda every: (ResetClock(every),), hits_paused=False),
    actions=(SetClock, ResetClock),
    mechanisms=(WALL_CLOCKS,),
    evidence="the Date of the node's own replies",
    family="clock",
    begun_by=(SetClock,),
    ended_by=(ResetClock,),
    needs=(FAKETIME,),
    capabilities=(SHOWS_DATE,),
)
