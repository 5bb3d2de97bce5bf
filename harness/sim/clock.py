"""A node's own clock: it drifts, and it jumps ahead; being monotonic, it never goes back."""

from __future__ import annotations

PARTS_PER_MILLION = 1_000_000


class NodeClock:
    """Nanoseconds of one node's monotonic clock, as a function of the world's.

    drift_ppm: how many millionths faster than the world's it runs; below -1,000,000 it would go back.
    """

    def __init__(self, drift_ppm: int = 0) -> None:
        if drift_ppm <= -PARTS_PER_MILLION:
            raise ValueError(f"a drift of {drift_ppm} ppm would turn the clock back")
        self._rate = PARTS_PER_MILLION + drift_ppm
        self._ahead = 0

    def read(self, now: int) -> int:
        """What it shows at the world's time `now`."""
        return now * self._rate // PARTS_PER_MILLION + self._ahead

    def when(self, shows: int) -> int:
        """The first world time at which it shows `shows` or more, if it does not jump before."""
        return -((self._ahead - shows) * PARTS_PER_MILLION // self._rate)

    def jump(self, by: int) -> None:
        """Leap ahead.

        Raises:
            ValueError: `by` is negative.
        """
        if by < 0:
            raise ValueError(f"a monotonic clock cannot jump by {by} ns")
        self._ahead += by
