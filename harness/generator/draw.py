"""Random choices as pure functions of a number: the same state and salt give the same draw, anywhere.

SplitMix64's output function (Steele, Lea & Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014, section 5) applied to a counter. Integers only, so every platform and Python agrees to
the last bit. A `Draw` never changes; for another choice, name another *salt*:

>>> draw = Draw.at(seed=7, step=0)
>>> draw.below(10, "service") == draw.below(10, "service")
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

T = TypeVar("T")
Salt = int | str
"""The name of a choice: choices of other names in the same state are independent."""

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_BRANCH = 0xD1342543DE82EF95
"""An odd multiplier of good spectral quality (Steele & Vigna, "Computationally easy, spectrally good
multipliers", 2021)."""
_SALT_PRIME = (1 << 64) - 59
"""The largest prime below 2**64: texts of any length fold into it without losing a byte's influence."""


def scramble(state: int) -> int:
    """SplitMix64's finalizer: a bijection of [0, 2**64) in which every bit depends on every other."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


def number_of(salt: Salt) -> int:
    """The number that stands for a salt."""
    return int.from_bytes(salt.encode(), "little") % _SALT_PRIME if isinstance(salt, str) else salt


def salted(state: int, salt: Salt) -> int:
    """The 64 drawn bits that belong to `salt` in this state."""
    number = salt if type(salt) is int else number_of(salt)
    return scramble((state + (number + 1) * _GOLDEN) & _MASK)


def split(state: int, branch: int) -> int:
    """The state of a branch. It is cheap, since it is needed often; `salted` scrambles it later."""
    return ((state ^ (branch + 1)) * _BRANCH) & _MASK


def initial(seed: int, step: int) -> int:
    """The state of step `step` of the run with that seed."""
    return salted(scramble(seed & _MASK), step)


class Draw(msgspec.Struct, frozen=True):
    """A source of choices. `state` is any number in [0, 2**64)."""

    state: int

    @classmethod
    def at(cls, seed: int, step: int) -> Draw:
        """The draw of one step of a run."""
        return cls(initial(seed, step))

    def split(self, salt: Salt) -> Draw:
        """Another source, independent of this one: give it to a part that draws by itself."""
        return Draw(split(self.state, number_of(salt)))

    def bits(self, salt: Salt = 0) -> int:
        """A number in [0, 2**64)."""
        return salted(self.state, salt)

    def below(self, bound: int, salt: Salt = 0) -> int:
        """A number in [0, bound).

        Raises:
            ValueError: bound is not in [1, 2**64].
        """
        if not 1 <= bound <= 1 << 64:
            raise ValueError(f"a draw below {bound} is impossible: the bound must lie in [1, 2**64]")
        return (salted(self.state, salt) * bound) >> 64

    def between(self, low: int, high: int, salt: Salt = 0) -> int:
        """A number in [low, high], both included."""
        return low + self.below(high - low + 1, salt)

    def chance(self, numerator: int, denominator: int, salt: Salt = 0) -> bool:
        """True in `numerator` of `denominator` cases."""
        return self.below(denominator, salt) < numerator

    def choose(self, items: Sequence[T], salt: Salt = 0) -> T:
        """One of the items.

        Raises:
            ValueError: there is none.
        """
        if not items:
            raise ValueError("cannot choose one of no items")
        return items[self.below(len(items), salt)]

    def shuffled(self, items: Sequence[T], salt: Salt = 0) -> tuple[T, ...]:
        """The items in a drawn order (Fisher and Yates)."""
        source = self.split(salt)
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = source.below(last + 1, last)
            order[last], order[other] = order[other], order[last]
        return tuple(order)

    def sample(self, items: Sequence[T], count: int, salt: Salt = 0) -> tuple[T, ...]:
        """`count` different items, in a drawn order.

        Raises:
            ValueError: there are fewer than `count`.
        """
        if not 0 <= count <= len(items):
            raise ValueError(f"cannot sample {count} of {len(items)} items")
        return self.shuffled(items, salt)[:count]
