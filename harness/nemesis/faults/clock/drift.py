"""Drift: monotonic clocks run slow or fast for a while: the leader's slow and all others fast, or drawn ones.

Time-outs, and the promises that a leader's lease counts on, are measured by these clocks. Nodes that state a
bound on drift must hold up to it; `LARGEST_PERCENT` is how far this goes.

On real processes libfaketime moves wall and monotonic clock together, so this excludes faults that set the
wall clock (harness/hosts/clocks/faketime.py).
"""

from __future__ import annotations

from typing import Any

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.mechanisms.clocks import CLOCK_RATES, USUAL_RATE_PERCENT
from harness.nemesis.mechanisms.world import DONE, NodeResult, WorldMechanisms
from harness.nemesis.needs import FAKETIME, SHOWS_MONOTONIC_CLOCK
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import TargetError, leader_or_any, target_of
from harness.nemesis.view import ClusterView
from history import Operation

LARGEST_PERCENT = 20


class SetRate(Action, frozen=True):
    """Make the monotonic clocks of these nodes run so much faster than true time from now on."""

    verb = "set the clock rate of"
    nodes: tuple[str, ...]
    percent: int
    """Below 0: slower."""

    def words(self) -> str:
        """For example `make the clocks of n1 n2 20 % faster`."""
        pace = "faster" if self.percent > 0 else "slower"
        return f"make the clocks of {' '.join(self.nodes)} {abs(self.percent)} % {pace}"

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once readings of the nodes' own clocks have shown the rate."""
        return await set_rates(world, self.nodes, USUAL_RATE_PERCENT + self.percent)


class ResetRate(Action, frozen=True):
    """Make the monotonic clocks of these nodes run at their own rate again."""

    verb = "reset the clock rate of"
    nodes: tuple[str, ...]

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once readings of the nodes' own clocks have shown their usual rate."""
        return await set_rates(world, self.nodes, USUAL_RATE_PERCENT)


async def set_rates(world: WorldMechanisms, nodes: tuple[str, ...], percent: int) -> Outcome:
    """Set the rates of some clocks, and see how fast they then run; a node that is down shows nothing."""
    clocks = world.mechanism(CLOCK_RATES)
    seen: dict[str, Any] = {}

    async def set_rate(node: str) -> NodeResult:
        if clocks.rate_percent(node) == percent:
            return None
        back_ns = await clocks.set_rate(node, percent)
        if back_ns:
            seen[f"{node} may have gone back ms"] = round(back_ns / 1e6, 3)
        rate = await clocks.seen_rate(node)
        if rate is None:
            return None
        low, high = rate
        seen[node] = [round(low, 3), round(high, 3)]
        if low <= percent / 100 <= high:
            return DONE
        return f"its clock runs at {low:.2f} to {high:.2f}, not at {percent / 100:.2f}"

    return (await world.on_each(nodes, set_rate)).with_details(rate=percent / 100, seen=seen)


class DriftPlanner:
    """`drift` with a target, `heal-drift` for all nodes."""

    def plan(self, operation: Operation, view: ClusterView, draw: int) -> tuple[Action, ...]:
        """Set the rates of all clocks."""
        every = tuple(view.nodes)
        if operation.f == "heal-drift":
            return (ResetRate(every),)
        match target_of(operation):
            case "slow-leader":
                slow = leader_or_any(view, every, Draw(draw))
            case "fast-leader":
                leader = leader_or_any(view, every, Draw(draw))
                slow = tuple(name for name in every if name not in leader)
            case "some":
                slow = Draw(draw).sample(every, Draw(draw).below(len(every) + 1, "how many"), "slow")
            case other:
                raise TargetError(f"no drift is called {other!r}; there are {', '.join(DRIFT.targets)}")
        fast = tuple(name for name in every if name not in slow)
        rates = (SetRate(slow, -LARGEST_PERCENT), SetRate(fast, LARGEST_PERCENT))
        return tuple(rate for rate in rates if rate.nodes)


DRIFT = Fault(
    name="drift",
    about="makes the monotonic clocks of nodes run 20 % slow or fast",
    begin="drift",
    end="heal-drift",
    targets=("slow-leader", "fast-leader", "some"),
    planner=DriftPlanner(),
    actions=(SetRate, ResetRate),
    mechanisms=(CLOCK_RATES,),
    evidence="two readings of the node's own monotonic clock",
    family="clock",
    begun_by=(SetRate,),
    ended_by=(ResetRate,),
    needs=(FAKETIME,),
    capabilities=(SHOWS_MONOTONIC_CLOCK,),
    not_with=("clock", "strobe"),
)
