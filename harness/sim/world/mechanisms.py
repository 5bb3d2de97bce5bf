"""The mechanisms of the simulated world: what its nodes, links and clocks let faults do to them.

Each class implements one protocol of harness/nemesis/mechanisms/; `MECHANISMS` lists them, and with that says
which faults the simulated world can have. In virtual time all of it happens at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.nemesis.faults.cluster.ambush import LieInWait
from harness.nemesis.mechanisms.clocks import CLOCK_RATES, USUAL_RATE_PERCENT
from harness.nemesis.mechanisms.cluster import (
    EXACT_MOMENTS,
    MEMBERS,
    MemberChange,
    MemberReply,
    Moment,
    Strike,
)
from harness.nemesis.mechanisms.links import LINKS, LinkPair
from harness.nemesis.mechanisms.processes import PROCESSES
from harness.nemesis.mechanisms.world import DONE, Mechanism, NodeResult, WorldKind
from harness.sim.world import http
from harness.sim.world.ambush import Ambush
from harness.systems.reference_node import ReferenceNode
from node_impl.core.api.codec import render
from node_impl.core.events import Reply, Request

if TYPE_CHECKING:
    from harness.sim.world.world import SimulatedWorld

_NODE = ReferenceNode()
"""How a node is asked to change its members, and how it refuses."""


class SimulatedProcesses:
    """`Processes`: nodes that end, start, stop and go on."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def kill(self, node: str, by: str) -> NodeResult:
        """End the process; whether the machine loses its power too is the plan's."""
        process = self._world.processes[node]
        if not process.is_running:
            return None
        process.kill(by, power_lost=self._world.kill_loses_power)
        return DONE

    async def terminate(self, node: str, by: str) -> NodeResult:
        """End the process in order."""
        process = self._world.processes[node]
        if not process.is_running:
            return None
        process.stop(by)
        return DONE

    async def start(self, node: str) -> NodeResult:
        """Start a node that does not run."""
        process = self._world.processes[node]
        return None if process.is_running else process.start() or DONE

    async def pause(self, node: str) -> NodeResult:
        """Stop the process in mid-step."""
        process = self._world.processes[node]
        if not process.is_running or process.is_paused:
            return None
        process.pause()
        return DONE

    async def resume(self, node: str) -> NodeResult:
        """Let a paused process go on."""
        process = self._world.processes[node]
        if not process.is_paused:
            return None
        process.resume()
        return DONE


class HealedSimulatedLinks:
    """`HealedLinks`: what a heal ended."""

    def __init__(self, links: tuple[LinkPair, ...], swallowed: int) -> None:
        self.links = links
        self._swallowed = swallowed

    def details(self) -> dict[str, int]:
        """How many messages were swallowed."""
        return {"swallowed_messages": self._swallowed}


class SimulatedLinks:
    """`Links`: links that carry nothing until they are healed."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def cut(self, links: Iterable[LinkPair]) -> tuple[LinkPair, ...]:
        """Cut these links too; all links that are cut now."""
        return tuple(self._world.network.cut(tuple(links)))

    async def heal(self) -> HealedSimulatedLinks:
        """Let everything through again."""
        healed, swallowed = self._world.network.heal()
        return HealedSimulatedLinks(tuple(healed), swallowed)


class SimulatedClockRates:
    """`ClockRates`: monotonic clocks that run slow or fast; a rate that was set is seen."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._percents: dict[str, int] = {}

    def rate_percent(self, node: str) -> int:
        """The rate now; 100 is the clock's own."""
        return self._percents.get(node, USUAL_RATE_PERCENT)

    async def set_rate(self, node: str, percent: int) -> int:
        """Let the clock run at this rate; simulated clocks never go back."""
        self._percents[node] = percent
        more = percent - USUAL_RATE_PERCENT
        self._world.processes[node].drift(more or None)
        return 0

    async def seen_rate(self, node: str) -> tuple[float, float] | None:
        """The rate that was set, exactly."""
        rate = self.rate_percent(node) / 100
        return rate, rate


class SimulatedMembers:
    """`Members`: a leader is asked as by HTTP, but answers at once."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world

    async def ask(self, leader: str, change: MemberChange, node: str) -> MemberReply:
        """Ask; an accepted change is in force at once, and later views show whether it lasts."""
        process = self._world.processes[leader]
        request = http.received(_NODE.membership_request(change, node))
        if not process.is_running or not isinstance(request, Request):
            return MemberReply("refused", False, "does not accept it")
        before, replies = process.view(), list[Reply | None]()
        if not process.is_running:  # being asked takes effects, before any of which a node may crash
            return MemberReply("refused", False, "ended before it was asked")
        process.ask(request, replies.append)
        refused = (
            _NODE.was_refused(http.returned(render(request, replies[0]))) if replies and replies[0] else None
        )
        if refused is not None:
            return MemberReply("refused", False, refused)
        after = process.view()
        in_force = (after.members, after.learners) != (before.members, before.learners)
        return MemberReply("unknown", in_force)


class SimulatedMoments:
    """`ExactMoments`: the world shows every process after each of its steps, so a strike is exact."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._ambush: Ambush | None = None

    def lie_in_wait(self, moment: Moment, by: Strike, after_term: int, within_ms: int) -> None:
        """Strike the first leader that is at the moment."""
        wait = LieInWait(moment, by, after_term, within_ms)
        self._ambush = self._world.watcher = Ambush(wait, self._world)

    def end_wait(self) -> Mapping[str, Any] | None:
        """End the wait; which node was struck, if one was."""
        met = None if self._ambush is None else self._ambush.met
        self._ambush = self._world.watcher = None
        return met


MECHANISMS: Mapping[Mechanism[Any], Callable[[SimulatedWorld], Any]] = {
    PROCESSES: SimulatedProcesses,
    LINKS: SimulatedLinks,
    CLOCK_RATES: SimulatedClockRates,
    MEMBERS: SimulatedMembers,
    EXACT_MOMENTS: SimulatedMoments,
}
"""How each mechanism is made. To give the simulated world another one, write its class and list it here."""

SIM = WorldKind("sim", frozenset(MECHANISMS))
