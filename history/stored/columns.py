"""Columns that grow while a history is read: so a history of any length is never held as objects."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np

from history.history import TYPES, Codes, Columns, HistoryError
from history.limits import LARGEST_NUMBER
from history.operation import Operation
from history.values import encoded

_CODES = {name: code for code, name in enumerate(TYPES)}


class GrowingColumns:
    """Takes operations in parts, and gives the columns of all; it checks that each index is a position."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._type = array("b")
        self._time, self._process, self._raft_index = (array("q") for _ in range(3))
        self._f, self._key, self._value, self._error, self._node = (_Texts() for _ in range(5))

    def add(self, operations: Sequence[Operation]) -> None:
        """Take the operations that follow those that were taken.

        Raises:
            HistoryError: an index is not the operation's position, or a number has more than 64 bits.
        """
        for position, op in enumerate(operations, start=len(self._type)):
            if op.index != position:
                rule = f"index is {op.index}, but this is operation {position}"
                raise HistoryError(position + 1, rule, self._source)
        try:
            self._time.extend([op.time for op in operations])
            self._process.extend([op.process for op in operations])
            self._raft_index.extend([-1 if op.raft_index is None else op.raft_index for op in operations])
        except OverflowError as error:
            raise self._too_large(operations) from error
        self._type.extend([_CODES[op.type] for op in operations])
        self._f.add([op.f for op in operations])
        self._key.add([op.key for op in operations])
        self._value.add([None if op.value is None else encoded(op.value) for op in operations])
        self._error.add([op.error for op in operations])
        self._node.add([op.node for op in operations])

    def columns(self) -> Columns:
        """The columns of all operations; nothing can be added any more."""
        return Columns(
            time=_numbers(self._time),
            process=_numbers(self._process),
            type=np.frombuffer(self._type, dtype=np.int8) if self._type else np.array([], dtype=np.int8),
            f=self._f.codes(),
            f_names=self._f.names(),
            key=self._key.codes(),
            keys=self._key.names(),
            value=self._value.codes(),
            values=self._value.names(),
            error=self._error.codes(),
            errors=self._error.names(),
            node=self._node.codes(),
            nodes=self._node.names(),
            raft_index=_numbers_or_none(self._raft_index),
        )

    def _too_large(self, operations: Iterable[Operation]) -> HistoryError:
        return next(
            HistoryError(op.index + 1, f"{value} has more than 64 bits", self._source)
            for op in operations
            for value in (op.time, op.process, op.raft_index or 0)
            if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER
        )


class _Texts:
    """A column of texts: each text once, and its place for each operation; -1 for None."""

    def __init__(self) -> None:
        self._codes = array("q")
        self._known: dict[str, int] = {}

    def add(self, texts: Sequence[str | None]) -> None:
        known = self._known
        self._codes.extend([-1 if text is None else known.setdefault(text, len(known)) for text in texts])

    def codes(self) -> Codes:
        return _numbers_or_none(self._codes)

    def names(self) -> tuple[str, ...]:
        names = tuple(self._known)
        self._known.clear()
        return names


def _numbers_or_none(grown: array[int]) -> Codes:
    """The same; where all are -1, an array that cannot be written, and takes no memory."""
    numbers = _numbers(grown)
    if len(numbers) and numbers.max() == -1:
        return np.broadcast_to(np.int64(-1), len(numbers))
    return numbers


def _numbers(grown: array[int]) -> Codes:
    """An array over the same memory."""
    return np.frombuffer(grown, dtype=np.int64) if grown else np.array([], dtype=np.int64)
