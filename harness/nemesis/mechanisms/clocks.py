"""Mechanisms of clocks: wall clocks that jump, and monotonic clocks that run slow or fast."""

from __future__ import annotations

from typing import Protocol

from harness.nemesis.mechanisms.world import Mechanism


class WallClocks(Protocol):
    """The wall clocks of nodes' processes, apart from those of their hosts."""

    def offset_s(self, node: str) -> int:
        """How far the clock is set ahead of its host's."""
        ...

    async def set_offset(self, node: str, offset_s: int) -> None:
        """Set the clock ahead of its host's, or behind it if below 0."""
        ...

    async def start_strobe(self, node: str, offset_s: int, period_ms: int) -> bool:
        """Let the clock jump by so much, and back, in every period; False if it does so already."""
        ...

    async def end_strobe(self, node: str) -> bool:
        """Let the clock stay where it was before; False if it did not jump."""
        ...

    async def ahead_s(self, node: str) -> float | None:
        """How far the time of day that the node itself shows is ahead; None without an answer."""
        ...


class ClockRates(Protocol):
    """How fast the monotonic clocks of nodes run."""

    def rate_percent(self, node: str) -> int:
        """The rate now; 100 is the clock's own."""
        ...

    async def set_rate(self, node: str, percent: int) -> int:
        """Let the clock run at this rate; by how many nanoseconds it may have gone back while it was set."""
        ...

    async def seen_rate(self, node: str) -> tuple[float, float] | None:
        """How fast the clock was seen to run just now, at the least and at the most, by readings of the clock
        itself; None if the node does not answer.

        Raises:
            MechanismError: the answers come too late for the rate to be known.
        """
        ...


USUAL_RATE_PERCENT = 100
WALL_CLOCKS = Mechanism[WallClocks]("wall clocks that can be set")
CLOCK_RATES = Mechanism[ClockRates]("monotonic clocks that can run slow or fast")
