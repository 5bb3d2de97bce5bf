"""What engines say, and what a search may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

NEVER = 1 << 62
"""When an operation ends of which nobody knows whether it happened."""


class Answer(Enum):
    """What a search found. `GAVE_UP`: the budget ran out first."""

    LINEARIZABLE = "linearizable"
    NOT_LINEARIZABLE = "not linearizable"
    GAVE_UP = "gave up"


@dataclass(frozen=True)
class Budget:
    """What one part may cost. Configurations are (operations placed, state); bytes are the memo's."""

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
