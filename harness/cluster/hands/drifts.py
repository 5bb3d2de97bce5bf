"""Monotonic clocks that run slow or fast."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.cluster.hands.base import DONE, Done, Hand, Told, also
from harness.cluster.layout import NodeOnHost
from harness.hosts.clocks.faketime import USUAL_PERCENT
from harness.nemesis.action import Action
from harness.nemesis.faults.clock.drift import ResetRate, SetRate
from harness.nemesis.outcome import Outcome
from harness.systems.base import ReportsMonotonicClock

BOUND_S = 4.0
POLL_S = 0.1
CLOSE_ENOUGH = 0.05
"""How far apart the bounds of a rate may lie for it to be known; rates differ by more."""


class DriftHand(Hand):
    """A rate is seen by two readings of the node's own clock."""

    actions = (SetRate, ResetRate)

    def reason_against(self) -> str | None:
        """See `Hand`."""
        if not isinstance(self._shop.system, ReportsMonotonicClock):
            return f"{self._shop.system.name} does not tell its monotonic clock, so no drift could be seen"
        others = {"clock", "strobe"}.intersection(self._shop.faults)
        if others:
            return f"drift and {' or '.join(sorted(others))} exclude each other (docs/hosts.md, Clocks)"
        return None

    async def carry_out(self, action: Action) -> Outcome:
        """See `Hand`."""
        seen: dict[str, Any] = {}
        match action:
            case SetRate(nodes, percent):
                to = USUAL_PERCENT + percent
            case ResetRate(nodes):
                to = USUAL_PERCENT
            case _:
                return await super().carry_out(action)
        outcome = await self._shop.on_each(nodes, lambda node: self._set(node, to, seen))
        return also(outcome, rate=to / 100, seen=seen)

    async def _set(self, node: NodeOnHost, percent: int, seen: dict[str, Any]) -> Done:
        """Done once the node has shown so much time in the harness's; one that is down shows none."""
        clock = node.clock
        if clock is None:
            return "was not started with a clock of its own"
        if clock.rate_percent == percent:
            return None
        back_ns = await clock.set_rate(percent)
        if back_ns:
            seen[f"{node.place.name} may have gone back ms"] = round(back_ns / 1e6, 3)
        first = await self._shop.told_monotonic(node)
        deadline = asyncio.get_running_loop().time() + BOUND_S
        while first is not None:
            await asyncio.sleep(POLL_S)
            last = await self._shop.told_monotonic(node)
            if last is None:
                return None
            low, high = bounds_of_rate(first, last)
            if high - low <= CLOSE_ENOUGH:
                seen[node.place.name] = [round(low, 3), round(high, 3)]
                if low <= percent / 100 <= high:
                    return DONE
                return f"its clock runs at {low:.2f} to {high:.2f}, not at {percent / 100:.2f}"
            if asyncio.get_running_loop().time() > deadline:
                return "answers too late for its rate to be known"
        return None


def bounds_of_rate(first: Told, last: Told) -> tuple[float, float]:
    """How fast a clock ran, in the harness's seconds, at the least and at the most.

    A reading was taken at some time between question and answer.
    """
    shown = last.shown - first.shown
    most, least = last.answered_at - first.asked_at, last.asked_at - first.answered_at
    return shown / most, shown / least if least > 0 else float("inf")
