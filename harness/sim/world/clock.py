"""A node's own clock: it drifts, by a rate that may change, and jumps ahead; it never goes back."""

from __future__ import annotations

PARTS_PER_MILLION = 1_000_000


class NodeClock:
    """Nanoseconds of one node's monotonic clock, as a function of the world's.

    drift_ppm: how many millionths faster than the world's it runs; below -1,000,000 it would go back.
    """

    def __init__(self, drift_ppm: int = 0) -> None:
        if drift_ppm <= -PARTS_PER_MILLION:
            raise ValueError(f"a drift of {drift_ppm} ppm would turn the clock back")
        self.drift_ppm = drift_ppm
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

    def drift(self, ppm: int, now: int) -> None:
        """From the world's time `now` on run at another rate; what it shows at `now` stays.

        Raises:
            ValueError: it would go back.
        """
        if ppm <= -PARTS_PER_MILLION:
            raise ValueError(f"a drift of {ppm} ppm would turn the clock back")
        shows = self.read(now)
        self.drift_ppm, self._rate = ppm, PARTS_PER_MILLION + ppm
        self._ahead += shows - self.read(now)
