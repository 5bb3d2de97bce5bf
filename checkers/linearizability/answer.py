"""The answer of a search, and its budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

NEVER = 1 << 62
"""The end of an operation whose outcome is unknown."""
AN_OPERATION, BYTES_AN_OPERATION = 4, 256
"""The configurations that a budget which grows allows for each operation of a history, and their bytes. A
history that is decided in linear time takes 0.4 to 1.6."""
TIME = "the time that was given"
"""What ran out where a time was given."""


class Answer(Enum):
    """What a search found; `GAVE_UP` if its budget ran out."""

    LINEARIZABLE = "linearizable"
    NOT_LINEARIZABLE = "not linearizable"
    GAVE_UP = "gave up"


@dataclass(frozen=True)
class Budget:
    """The budget of one part: configurations (operations placed, state), and bytes of memory.

    These are counts, so that a history has one verdict everywhere. A time that all parts share is given in
    addition, where a person waits: its clock is the caller's.
    """

    configurations: int = 3_000_000
    memory_bytes: int = 1 << 30
    time_is_up: Callable[[], bool] | None = None
    """Whether the time given to all searches is over; None if no time was given."""

    memory_is_up: Callable[[int], bool] | None = None
    """Whether these further bytes are more than the whole process may take; None if no bound was given."""
    grows: bool = False
    """Whether a long history may take more, so that one that is decided in linear time is decided."""

    def for_operations(self, count: int) -> Budget:
        """The budget for each key of a history with that many operations."""
        if not self.grows or AN_OPERATION * count <= self.configurations:
            return self
        bytes_ = self.memory_bytes
        if self.memory_is_up is None:
            bytes_ = max(bytes_, BYTES_AN_OPERATION * count)
        return replace(self, configurations=AN_OPERATION * count, memory_bytes=bytes_, grows=False)

    def allows(self, memo_bytes: int, more_bytes: int) -> bool:
        """Whether a search may keep these bytes of configurations, for which it takes `more_bytes`."""
        if self.memory_is_up is not None and self.memory_is_up(more_bytes):
            return False
        return memo_bytes <= self.memory_bytes

    def is_over(self) -> bool:
        """Whether a time was given, and is over."""
        return self.time_is_up is not None and self.time_is_up()

    def of_configurations(self, most: int) -> Budget:
        """This budget with at most that many configurations."""
        if most >= self.configurations:
            return self
        return Budget(most, self.memory_bytes, self.time_is_up, self.memory_is_up)


DEFAULT = Budget()
BY_SIZE = Budget(grows=True)
"""The budget where a person gives none."""


@dataclass(frozen=True)
class Result:
    """What a search found, after how much."""

    answer: Answer
    configurations: int
    order: Sequence[int]
    """Places in the part: the order found, or else the longest one that the search came to."""
    why: str = ""
    """For `GAVE_UP`: which budget ran out."""
