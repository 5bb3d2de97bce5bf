"""How often a run shows a bug, as far as a number of runs can tell."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import msgspec

from harness.campaign.findings.states import chance_to_miss

LEVEL = 0.95
_STEPS = 50
"""Halvings of an interval of length 1, until it is shorter than any difference that a reader could see."""


class Odds(msgspec.Struct, frozen=True):
    """In how many of how many runs a bug was found."""

    found: int
    runs: int

    def chance_to_catch(self, runs: int) -> float:
        """How likely at least one of so many runs shows the bug, from 0 to 1.

        It is averaged over every rate that the measured runs allow (a uniform prior, as for findings that
        are resolved), so few measured runs give a lower figure than many with the same share.
        """
        return 1 - chance_to_miss(self.found, self.runs, runs) if runs else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of the share at a level of 0.95 (Clopper and Pearson 1934: rather too wide)."""
        tail = (1 - LEVEL) / 2
        low = _root(lambda rate: 1 - self._at_most(self.found - 1, rate) < tail) if self.found else 0.0
        high = _root(lambda rate: self._at_most(self.found, rate) > tail) if self.found < self.runs else 1.0
        return low, high

    def _at_most(self, times: int, rate: float) -> float:
        """How likely a bug of this rate is found in so many of the runs at most."""
        runs = self.runs
        return sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(times + 1))


def _root(is_below: Callable[[float], bool]) -> float:
    """The rate from 0 to 1 up to which something holds."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return low
