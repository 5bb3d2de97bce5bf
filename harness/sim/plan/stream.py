"""Streams of random whole numbers: each has a name, and none is disturbed by another.

A stream's k-th number depends on the seed, the stream's name and k alone. So what one link draws does
not change because another carried a message more, and a seed's run stays recognizable when a part
of it is taken out. SplitMix64 (see harness/generator/draw.py); no floats, no library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from harness.generator.draw import number_of, salted, scramble

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


class Stream:
    """A source of random numbers that is determined by a seed and a name."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, *name: str | int) -> None:
        state = scramble(seed & _MASK)
        for part in name:
            state = salted(state, number_of(part))
        self._state = state

    def bits(self) -> int:
        """Draw a number in [0, 2**64)."""
        self._state = state = (self._state + _GOLDEN) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK  # `scramble`, without a call
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def below(self, bound: int) -> int:
        """Draw a number in [0, bound)."""
        return (self.bits() * bound) >> 64

    def between(self, low: int, high: int) -> int:
        """Draw a number in [low, high], both included."""
        return low + self.below(high - low + 1)

    def chance(self, numerator: int, denominator: int) -> bool:
        """Draw True in `numerator` of `denominator` cases."""
        return self.below(denominator) < numerator

    def choose(self, items: Sequence[T]) -> T:
        """Draw one of the items."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[T], numerator: int, denominator: int) -> tuple[T, ...]:
        """Keep each item with that chance, in order."""
        return tuple(item for item in items if self.chance(numerator, denominator))
