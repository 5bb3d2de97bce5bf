"""How often a run shows a bug, as far as a number of runs can tell."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, exp, lgamma

import msgspec

LEVEL = 0.95
_STEPS = 50
"""Halvings of an interval of length 1, until it is shorter than any difference that a reader could see."""


class Odds(msgspec.Struct, frozen=True):
    """In how many of how many runs a bug was found."""

    found: int
    runs: int

    def chance_to_catch(self, runs: int) -> float:
        """How likely at least one of these runs shows the bug, from 0 to 1.

        It is averaged over every rate that the measured runs allow, so few measured runs give a lower figure
        than many with the same share. The prior is that of Jeffreys, Beta(1/2, 1/2): many seeded bugs show in
        nearly every run or in hardly any. With k of n found, N runs all miss with the probability

            B(k + 1/2, n - k + 1/2 + N) / B(k + 1/2, n - k + 1/2).

        On halves of the measured runs that were held out, a uniform prior promised up to 0.04 too much on
        average, and this one 0.01 (docs/results/gate.md). Of a bug that no measured run showed nothing is
        promised, as the figure would be the prior's.
        """
        if not self.found:
            return 0.0
        one, other = self.found + 0.5, self.runs - self.found + 0.5
        return 1 - exp(_log_beta(one, other + runs) - _log_beta(one, other))

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of the share at a level of 0.95 (Clopper and Pearson 1934: rather too wide)."""
        tail = (1 - LEVEL) / 2
        low = _root(lambda rate: 1 - self._at_most(self.found - 1, rate) < tail) if self.found else 0.0
        high = _root(lambda rate: self._at_most(self.found, rate) > tail) if self.found < self.runs else 1.0
        return low, high

    def after(self, more: int) -> Odds:
        """These odds after more runs, if these keep the share as nearly as whole numbers allow."""
        runs = self.runs + more
        return Odds(round(self.found / self.runs * runs), runs)

    def _at_most(self, times: int, rate: float) -> float:
        """How likely a bug of this rate is found in at most this number of the runs."""
        runs = self.runs
        return sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(times + 1))


def _root(is_below: Callable[[float], bool]) -> float:
    """The rate from 0 to 1 up to which something holds."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return low


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
