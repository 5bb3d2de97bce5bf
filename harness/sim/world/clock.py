"""A node's own monotonic clock: it runs at a rate of its own, which may change, and never goes back."""

from __future__ import annotations

PARTS_PER_MILLION = 1_000_000


class NodeClock:
    """Nanoseconds of one node's monotonic clock, as a function of the world's time.

    drift_ppm: by how many millionths the clock runs faster than the world's time; at -1,000,000 it would
    stop.
    """

    def __init__(self, drift_ppm: int = 0) -> None:
        if drift_ppm <= -PARTS_PER_MILLION:
            raise ValueError(f"a drift of {drift_ppm} ppm would turn the clock back")
        self.drift_ppm = drift_ppm
        self._rate = PARTS_PER_MILLION + drift_ppm
        self._ahead = 0

    def read(self, now: int) -> int:
        """Give what the clock shows at the world's time `now`."""
        if self._rate == PARTS_PER_MILLION:
            return now + self._ahead
        return now * self._rate // PARTS_PER_MILLION + self._ahead

    def when(self, shows: int) -> int:
        """Give the first world time at which the clock shows `shows` or more, if its rate stays."""
        return -((self._ahead - shows) * PARTS_PER_MILLION // self._rate)

    def drift(self, ppm: int, now: int) -> None:
        """Run at another rate from the world's time `now` on; what the clock shows at `now` stays.

        Raises:
            ValueError: the clock would go back.
        """
        if ppm <= -PARTS_PER_MILLION:
            raise ValueError(f"a drift of {ppm} ppm would turn the clock back")
        shows = self.read(now)
        self.drift_ppm, self._rate = ppm, PARTS_PER_MILLION + ppm
        self._ahead += shows - self.read(now)
