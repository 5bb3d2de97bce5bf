"""Containers that hold facts about millions of events in a few bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]

FEW = 1 << 16
"""The number of messages that are kept in a dict: more than most runs have, and about 10 MB."""

SPARE_BYTES = 64 << 20
MOST_SKIPPED = 64
"""Together: how many bytes all ids may take, or else damaged numbers would take all memory."""

MANY = 255
_NEVER = bytearray(1)

NONE = -1
"""Stands for a number that does not exist, or is not known."""


class MessageIds:
    """Message ids, and how often each was added.

    The first `few` ids are in a dict, which is fast; so are later ones of another form than `node:life:n`.
    Each later id of that form takes one byte, which counts up to `MANY`.
    """

    def __init__(self, few: int = FEW) -> None:
        self._plain: dict[str, int] = {}
        self._room = few
        self._added = 0
        self._bytes = 0
        self._numbers: dict[str, bytearray] = {}

    def add(self, message_id: str) -> None:
        """Add one message id, possibly again."""
        plain = self._plain
        if message_id in plain:
            plain[message_id] += 1
        elif self._room:
            self._room -= 1
            plain[message_id] = 1
        else:
            self._add_number(message_id)

    def extend(self, message_ids: Iterable[str]) -> None:
        """Add many message ids."""
        plain, room = self._plain, self._room
        for message_id in message_ids:
            if message_id in plain:
                plain[message_id] += 1
            elif room:
                room -= 1
                plain[message_id] = 1
            else:
                self._add_number(message_id)
        self._room = room

    def as_it_is(self) -> Container[str | None]:
        """These ids, as long as none is added: asked faster where all are in the dict."""
        return self if self._numbers else self._plain

    def _add_number(self, message_id: str) -> None:
        prefix, at = _parsed(message_id)
        seen = self._numbers.get(prefix)
        if seen is None:
            seen = self._numbers[prefix] = bytearray()
        self._added += 1
        more = at + 1 + (at >> 1) - len(seen) if at >= len(seen) else 0
        is_far = at < 0 or at > 2 * len(seen) + 1_000_000  # beyond what a node that counts would come to next
        if is_far or self._bytes + more > SPARE_BYTES + MOST_SKIPPED * self._added:
            self._plain[message_id] = 1
            return
        if more:
            self._bytes += more
            seen.extend(bytes(more))
        if seen[at] < MANY:
            seen[at] += 1

    def take(self, message_id: str) -> bool:
        """Remove a message id once; returns whether that was the last time."""
        count = self._plain.get(message_id)
        if count == 1:
            del self._plain[message_id]
            return True
        if count is not None:
            self._plain[message_id] = count - 1
            return False
        seen, at = self._byte(message_id)
        if not seen[at]:
            return False
        seen[at] -= seen[at] < MANY
        return not seen[at]

    def __contains__(self, message_id: object) -> bool:
        if message_id in self._plain:
            return True
        if not self._numbers or not isinstance(message_id, str):
            return False
        seen, at = self._byte(message_id)
        return seen[at] > 0

    def _byte(self, message_id: str) -> tuple[bytearray, int]:
        """The bytes and the place where an id that is in no dict is counted."""
        prefix, at = _parsed(message_id)
        seen = self._numbers.get(prefix) if at >= 0 else None
        return (_NEVER, 0) if seen is None or at >= len(seen) else (seen, at)


@lru_cache(maxsize=1 << 16)
def _parsed(message_id: str) -> tuple[str, int]:
    """`node:life` and n; n is -1 if the id has another form. Cached, as each pass over a trace asks again."""
    prefix, _, digits = message_id.rpartition(":")
    if digits.isdecimal() and digits.isascii() and (digits[0] != "0" or digits == "0"):
        return prefix, int(digits)
    return "", -1


class NumberRows:
    """Rows of numbers, each at a position, with rising positions: found by bisection."""

    def __init__(self, width: int) -> None:
        self._positions = array("q")
        self._values = array("q")
        self._width = width

    def put(self, position: int, values: Sequence[int]) -> None:
        """Add a row at a position above all positions before."""
        self._positions.append(position)
        self._values.extend(values)

    def at(self, position: int, column: int) -> int:
        """One number of the row at a position.

        Raises:
            KeyError: there is no such row.
        """
        row = bisect_left(self._positions, position)
        if row == len(self._positions) or self._positions[row] != position:
            raise KeyError(position)
        return self._values[row * self._width + column]


class Firsts:
    """One number from 0 on for each of many things; NONE for a thing without one."""

    def __init__(self) -> None:
        self._values = array("q")

    def get(self, at: int) -> int:
        """The number of a thing; NONE without one."""
        return self._values[at] if at < len(self._values) else NONE

    def put(self, at: int, value: int) -> None:
        """Set the number of a thing."""
        if at >= len(self._values):
            self._values.extend([NONE] * (at + 1 - len(self._values)))
        self._values[at] = value

    def first(self, at: int, value: int) -> None:
        """Set the number of a thing that has none."""
        if at >= len(self._values) or self._values[at] == NONE:
            self.put(at, value)

    @property
    def values(self) -> Numbers:
        """The numbers of all things, as an array."""
        return np.array(self._values, dtype=np.int64)
