"""A time axis on which nothing overlaps: the order of instants is exact, and pauses are drawn short.

Each instant lies to the right of the one before it, further the longer the pause was (by its logarithm). So
events a microsecond apart and half a minute apart are readable in one picture. Long pauses are marked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from history.units import MILLISECOND_NS

PAUSE_NS = 200 * MILLISECOND_NS
"""A pause of this length is marked and its length written out."""
LEAST_GAP = 4.0
PAUSE_GAP = 40.0


class CondensedTime:
    """Gives each instant its place between `left` and `right`; between two given instants, proportionally."""

    def __init__(self, times: Iterable[int], left: float, right: float) -> None:
        self.times = sorted(set(times)) or [0]
        gaps = [_gap(later - earlier) for earlier, later in pairwise(self.times)]
        total = sum(gaps) or 1.0
        places = [left]
        for gap in gaps:
            places.append(places[-1] + gap * (right - left) / total)
        self.places = places
        self._known = np.array(self.times, dtype=np.float64)
        self._places = np.array(places)

    def __call__(self, time: float) -> float:
        return float(np.interp(time, self._known, self._places))

    @property
    def pauses(self) -> list[tuple[float, float, int]]:
        """(from x, to x, nanoseconds) of each pause that is drawn shorter than it was."""
        pairs = zip(pairwise(self.places), pairwise(self.times), strict=True)
        return [
            (left, right, later - earlier)
            for (left, right), (earlier, later) in pairs
            if later - earlier >= PAUSE_NS
        ]


def _gap(pause_ns: int) -> float:
    widened = PAUSE_GAP if pause_ns >= PAUSE_NS else 0.0
    return max(LEAST_GAP + 7 * math.log10(1 + pause_ns / 100_000), widened)
