"""What every reader makes: a history, and for each operation the line of the file where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from history.history import History, HistoryError
from history.operation import NEMESIS, Operation, OperationType


@dataclass(frozen=True)
class RecordedHistory:
    """A history that was read from a file, possibly of another tool."""

    history: History
    lines: Sequence[int]
    """The line of each operation, from 1."""
    source: str

    def error(self, operation: int, rule: str) -> HistoryError:
        """The error that names the line of an operation."""
        return HistoryError(self.lines[operation], rule, self.source)


class Builder:
    """Collects operations line by line. Files without times get their line order as time."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._operations: list[Operation] = []
        self._lines: list[int] = []
        self._pending: dict[int, Operation] = {}

    def pending(self, process: int) -> Operation | None:
        """The operation that a process has begun and not completed, if there is one."""
        return self._pending.get(process)

    def add(
        self,
        line: int,
        process: int,
        type_: OperationType,
        f: str,
        key: str | None,
        value: Any,
        *,
        time: int | None = None,
        error: str | None = None,
    ) -> None:
        """Add one event. A completion of a get or read repeats its invocation's key."""
        index = len(self._operations)
        operation = Operation(
            index, index if time is None else time, process, type_, f, key, value, error=error
        )
        self._operations.append(operation)
        self._lines.append(line)
        if type_ == "invoke":
            self._pending[process] = operation
        else:
            self._pending.pop(process, None)

    def add_nemesis(self, line: int, f: str, value: Any, *, time: int | None = None) -> None:
        """Add an event of the nemesis, which Jepsen writes as `info` both when it begins and when it ends."""
        begun = self._pending.get(NEMESIS)
        same = begun is not None and begun.f == f
        self.add(line, NEMESIS, "info" if same else "invoke", f, None, value, time=time)

    def finish(self) -> RecordedHistory:
        """The history of all operations added.

        Raises:
            HistoryError: there is none, or they break a history's rules; with the line.
        """
        if not self._operations:
            raise HistoryError(1, "the file holds no operation", self.source)
        try:
            history = History(self._operations, source=self.source)
        except HistoryError as broken:
            raise HistoryError(self._lines[broken.line - 1], broken.rule, self.source) from None
        return RecordedHistory(history, self._lines, self.source)
