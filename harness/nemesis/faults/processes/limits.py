"""Low limits of running processes: the actions of the faults `descriptors` and `memory`."""

from __future__ import annotations

from typing import Any

from harness.generator.draw import Draw
from harness.nemesis.action import Action
from harness.nemesis.fault import Fault
from harness.nemesis.faults.planning import NodePlanner, Nodes
from harness.nemesis.faults.processes.lifecycle import Start
from harness.nemesis.mechanisms.processes import PROCESS_LIMITS, LimitedResource
from harness.nemesis.mechanisms.world import NodeResult, WorldMechanisms
from harness.nemesis.outcome import Outcome
from harness.nemesis.targets import NODE_TARGETS


class LowerLimit(Action, frozen=True):
    """Let these nodes' processes have only so much more than they have now."""

    verb = "limit"
    nodes: tuple[str, ...]
    what: LimitedResource
    more: int
    """Descriptors, or bytes of address space."""

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the system shows the limit."""
        limits = world.mechanism(PROCESS_LIMITS)
        found: dict[str, Any] = {}

        async def lower(node: str) -> NodeResult:
            result, numbers = await limits.lower(node, self.what, self.more)
            if numbers:
                found[node] = dict(numbers)
            return result

        return (await world.on_each(self.nodes, lower)).with_details(**found)


class LiftLimit(Action, frozen=True):
    """Let those of these nodes' processes that were limited have as much as is usual again."""

    verb = "lift the limit of"
    nodes: tuple[str, ...]
    what: LimitedResource

    async def carry_out(self, world: WorldMechanisms) -> Outcome:
        """Done once the system shows a higher limit; a process that has ended needs none."""
        limits = world.mechanism(PROCESS_LIMITS)
        return await world.on_each(self.nodes, lambda node: limits.lift(node, self.what))


def limiting(what: LimitedResource, about: str, more: tuple[int, ...], evidence: str) -> Fault:
    """The fault that lowers one limit; by how much is drawn."""

    def lower(nodes: Nodes, draw: Draw) -> tuple[Action, ...]:
        return (LowerLimit(nodes, what, draw.choose(more, "more")),)

    end = f"heal-{what}"
    return Fault(
        name=what,
        about=about,
        begin=what,
        end=end,
        targets=NODE_TARGETS,
        planner=NodePlanner(end, lower, lambda every: (LiftLimit(every, what), Start(every))),
        actions=(LowerLimit, LiftLimit, Start),
        mechanisms=(PROCESS_LIMITS,),
        evidence=evidence,
        family="limit",
        begun_by=(LowerLimit,),
    )
