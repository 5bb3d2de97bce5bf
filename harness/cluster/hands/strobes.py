"""Wall clocks that jump to and fro many times a second."""

from __future__ import annotations

import asyncio

from harness.cluster.hands.base import DONE, Done, Hand, Workshop, also
from harness.cluster.layout import NodeOnHost
from harness.hosts.clocks import strobing
from harness.hosts.host import Background
from harness.nemesis.action import Action
from harness.nemesis.faults.clock.strobe import EndStrobe, StrobeClock
from harness.nemesis.outcome import Outcome

EFFECT_BOUND_S = 5.0
STOP_BOUND_S = 3.0
POLL_S = 0.03
LEAST_JUMP_S = 2.5
"""Replies tell whole seconds."""


class StrobeHand(Hand):
    """A program on the node's host moves the clock; the node's replies tell that it moved."""

    actions = (StrobeClock, EndStrobe)

    def __init__(self, shop: Workshop) -> None:
        super().__init__(shop)
        self._strobes: dict[str, Background] = {}

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        match action:
            case StrobeClock(nodes, offset_s, period_ms):
                outcome = await self._shop.on_each(
                    nodes, lambda node: self._strobe(node, offset_s, period_ms / 1000)
                )
                return also(outcome, offset_s=offset_s, period_ms=period_ms)
            case EndStrobe(nodes):
                return await self._shop.on_each(nodes, self._end)
        return await super().carry_out(action)

    async def _strobe(self, node: NodeOnHost, offset_s: int, period_s: float) -> Done:
        """Done once the node has told two times that are far apart."""
        clock, name = node.clock, node.place.name
        if clock is None:
            return "was not started with a clock of its own"
        if node.process is None or name in self._strobes:
            return None
        here, there = f"{clock.offset_s:+d}s", f"{clock.offset_s + offset_s:+d}s"
        self._strobes[name] = await node.host.start(
            f"what strobes the clock of {name}",
            [node.place.python, "-c", strobing.SOURCE, str(clock.file), here, there, str(period_s)],
            log=node.place.log.with_name("strobe.txt"),
            folder=node.place.log.parent,
        )
        told: list[float] = []
        deadline = asyncio.get_running_loop().time() + EFFECT_BOUND_S
        while asyncio.get_running_loop().time() < deadline:
            ahead_s = await self._shop.told_time(node)
            if ahead_s is not None:
                told.append(ahead_s)
                if max(told) - min(told) > LEAST_JUMP_S:
                    return DONE
            await asyncio.sleep(POLL_S)
        return "tells no time that jumps" if told else None

    async def _end(self, node: NodeOnHost) -> Done:
        """Done once nothing moves the clock any more, and it is where it was."""
        strobe = self._strobes.pop(node.place.name, None)
        if strobe is None or node.clock is None:
            return None
        if not await node.host.terminate(strobe, "heal-strobe", STOP_BOUND_S):
            await node.host.kill(strobe, "heal-strobe")
        await node.clock.set(node.clock.offset_s)
        return DONE
