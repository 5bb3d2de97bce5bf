"""Simulated monotonic clocks that run slow or fast.

There is no mechanism for wall clocks: nothing of the node that the simulator runs reads one. Only the HTTP
server's `Date` header does, which is not part of a simulated node.
"""

from __future__ import annotations

from harness.nemesis.mechanisms.clocks import USUAL_RATE_PERCENT
from harness.sim.world.world import SimulatedWorld


class SimulatedClockRates:
    """Implements `ClockRates`; a clock's own drift comes back when its usual rate is set."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._percents: dict[str, int] = {}

    def rate_percent(self, node: str) -> int:
        """Give the rate that was set last; 100 is the clock's own."""
        return self._percents.get(node, USUAL_RATE_PERCENT)

    async def set_rate(self, node: str, percent: int) -> int:
        """Let the clock run at this rate; a simulated clock never goes back."""
        self._percents[node] = percent
        more = percent - USUAL_RATE_PERCENT
        self._world.processes[node].drift(more or None)
        return 0

    async def seen_rate(self, node: str) -> tuple[float, float] | None:
        """Give the rate that was set, exactly."""
        rate = self.rate_percent(node) / 100
        return rate, rate
