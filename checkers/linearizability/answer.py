"""The answer of a search, and its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

NEVER = 1 << 62
"""The end of an operation whose outcome is unknown."""


class Answer(Enum):
    """What a search found; `GAVE_UP` if its budget ran out."""

    LINEARIZABLE = "linearizable"
    NOT_LINEARIZABLE = "not linearizable"
    GAVE_UP = "gave up"


@dataclass(frozen=True)
class Budget:
    """The budget of one part: configurations (operations placed, state), and bytes of memory."""

    configurations: int = 3_000_000
    memory_bytes: int = 1 << 30


DEFAULT = Budget()


@dataclass(frozen=True)
class Result:
    """What a search found, after how much."""

    answer: Answer
    configurations: int
    order: Sequence[int]
    """Places in the part: the order found, or else the longest one that the search came to."""
    why: str = ""
    """For `GAVE_UP`: which budget ran out."""
