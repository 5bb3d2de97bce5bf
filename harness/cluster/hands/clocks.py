"""A clock of its own for every node's processes; and wall clocks that jump."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from harness.cluster.hands.base import DONE, Done, Hand, also
from harness.cluster.layout import NodeOnHost
from harness.hosts.clocks.faketime import Faketime
from harness.nemesis.action import Action
from harness.nemesis.faults.clock.clock import ResetClock, SetClock
from harness.nemesis.outcome import Outcome

BOUND_S = 4.0
TOLERANCE_S = 2.5
"""Replies tell whole seconds, and the host's own clock may be set meanwhile."""
POLL_S = 0.05


class ClockHand(Hand):
    """Whoever strobes a clock, or lets it drift, finds it at the node."""

    actions = (SetClock, ResetClock)

    async def fit(self, node: NodeOnHost) -> None:
        """See `Hand`."""
        node.clock = Faketime(
            node.host,
            node.place.name,
            node.place.data.parent / "clock",
            self._shop.layout.faketime[node.place.name],
            node.place.python,
            drifts="drift" in self._shop.faults,
        )
        await node.clock.fit()

    async def unfit(self, node: NodeOnHost) -> None:
        """See `Hand`."""
        if node.clock is not None:
            await node.clock.end()

    async def starting(self, node: NodeOnHost) -> None:
        """See `Hand`."""
        if node.clock is not None:
            await node.clock.begin()

    def environment(self, node: NodeOnHost) -> Mapping[str, str]:
        """See `Hand`."""
        return node.clock.environment if node.clock is not None else {}

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        match action:
            case SetClock(nodes, offset_s):
                set_ = await self._shop.on_each(nodes, lambda node: self._set(node, offset_s))
                return also(set_, offset_s=offset_s)
            case ResetClock(nodes):
                return await self._shop.on_each(nodes, lambda node: self._set(node, 0))
        return await super().carry_out(action)

    async def _set(self, node: NodeOnHost, offset_s: int) -> Done:
        """Done once the node itself tells a time that differs by so much; a node that is down tells none."""
        clock = node.clock
        if clock is None:
            return "was not started with a clock of its own"
        if clock.offset_s == offset_s:
            return None
        before = await self._shop.told_time(node)
        jump_s = offset_s - clock.offset_s
        await clock.set(offset_s)
        deadline = asyncio.get_running_loop().time() + BOUND_S
        while True:
            after = await self._shop.told_time(node)
            if before is None or after is None:
                return None
            if abs(after - before - jump_s) <= TOLERANCE_S:
                return DONE
            if asyncio.get_running_loop().time() > deadline:
                return f"tells a time that jumped by {after - before:.0f} s, not by {jump_s}"
            await asyncio.sleep(POLL_S)
