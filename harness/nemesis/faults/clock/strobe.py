"""Strobe: the wall clocks of some nodes jump back and forth, several times a second.

One jump may fall between two readings of the clock; of many jumps some fall between the begin and the end of
what is being timed by the time of day, where they do harm.
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

OFFSETS_S = (-3600, -10, 10, 3600)
PERIODS_MS = (100, 400, 1000)
EFFECT_BOUND_S = 5.0
POLL_S = 0.03
LEAST_JUMP_S = 2.5
"""Replies show whole seconds."""


class StrobeClock(Action, frozen=True):
    """Let the wall clocks of these nodes' processes jump by so much, and back, in every period."""

    verb = "strobe the wall clock of"
    nodes: tuple[str, ...]
    offset_s: int
    period_ms: int

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the nodes themselves have shown two times that are far apart."""
        outcome = await world.on_each(self.nodes, lambda node: self._strobe(world, node))
        return outcome.with_details(offset_s=self.offset_s, period_ms=self.period_ms)

    async def _strobe(self, world: WorldMechanisms, node: str) -> NodeResult:
        clocks = world.mechanism(WALL_CLOCKS)
        if not await clocks.start_strobe(node, self.offset_s, self.period_ms):
            return None
        shown: list[float] = []
        deadline = world.now_s() + EFFECT_BOUND_S
        while world.now_s() < deadline:
            ahead_s = await clocks.ahead_s(node)
            if ahead_s is not None:
                shown.append(ahead_s)
                if max(shown) - min(shown) > LEAST_JUMP_S:
                    return DONE
            await world.sleep(POLL_S)
        return "shows no time that jumps" if shown else None


class EndStrobe(Action, frozen=True):
    """Let the wall clocks of those of these nodes that are strobed stay where they were before."""

    verb = "end the strobe of"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once nothing moves the clocks any more, and they are where they were."""
        clocks = world.mechanism(WALL_CLOCKS)

        async def end(node: str) -> NodeResult:
            return DONE if await clocks.end_strobe(node) else None

        return await world.on_each(self.nodes, end)


def strobe(nodes: Nodes, draw: Draw) -> tuple[Action, ...]:
    """Strobe the clocks of these nodes; how far and how fast is drawn."""
    return (StrobeClock(nodes, draw.choose(OFFSETS_S, "offset"), draw.choose(PERIODS_MS, "period")),)


STROBE = Fault(
    name="strobe",
    about="makes the wall clocks of node processes jump by 10 s or an hour and back, 1 to 10 times a second",
    begin="strobe",
    end="heal-strobe",
    targets=NODE_TARGETS,
    planner=NodePlanner("heal-strobe", strobe, lambda every: (EndStrobe(every),), hits_paused=False),
    actions=(StrobeClock, EndStrobe),
    mechanisms=(WALL_CLOCKS,),
    evidence="the Dates of the node's replies, which jump back and forth",
    family="clock",
    begun_by=(StrobeClock,),
    ended_by=(EndStrobe,),
    needs=(FAKETIME,),
    capabilities=(SHOWS_DATE,),
)
