"""Logs that are read step by step in Python: formats for small files that people write by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from history.formats.transactions.log import Names, Steps, TransactionLog, assembled
from history.history import FAIL, OK, HistoryError


class Step(NamedTuple):
    """One step of a transaction."""

    write: bool
    key: Any
    value: Any
    initial: bool = False
    """Whether this is the initial value of the key, unless a step writes it."""
    aborted: bool = False
    """Whether this write certainly did not happen, though its transaction did."""


class Listed:
    """Collects transactions, and makes a log of them."""

    def __init__(self, source: str, format_name: str) -> None:
        self._source = source
        self._format = format_name
        self._keys: dict[bytes, int] = {}
        self._versions: dict[tuple[int, bytes], int] = {}
        self._initial: set[int] = set()
        self._steps: list[tuple[bool, int, int, int]] = []
        self._transactions: list[tuple[int, int, int]] = []

    def add(self, session: int, steps: Sequence[Step], outcome: int, line: int) -> None:
        """Add the next transaction of a session, which begins in that line.

        Raises:
            ValueError: a key or value is neither a number nor a text.
        """
        for aborted in (False, True):
            chosen = [step for step in steps if step.aborted == aborted or outcome != OK]
            if aborted and (outcome != OK or not chosen):
                continue
            number = len(self._transactions)
            self._transactions.append((session, FAIL if aborted else outcome, line))
            for step in chosen:
                key = self._keys.setdefault(_name(step.key), len(self._keys))
                named = (key, b"0" if step.value is None else _name(step.value))
                version = self._versions.setdefault(named, len(self._versions))
                if step.initial:
                    self._initial.add(version)
                self._steps.append((step.write, key, version, number))

    def finish(self) -> TransactionLog:
        """The log of all that was added.

        Raises:
            HistoryError: nothing was.
        """
        if not self._steps:
            raise HistoryError(1, "the file holds no step", self._source)
        session, outcome, line = (np.array(column) for column in zip(*self._transactions, strict=True))
        texts = [*self._keys, *(value for _, value in self._versions)]
        ends = np.cumsum([len(text) for text in texts])
        begins = np.concatenate([[0], ends[:-1]])
        keys = len(self._keys)
        return assembled(
            Steps(*(np.array(column) for column in zip(*self._steps, strict=True))),
            session=session,
            outcome=outcome,
            line=line,
            names=Names(
                b"".join(texts),
                begins[:keys],
                ends[:keys],
                np.array([key for key, _ in self._versions]),
                begins[keys:],
                ends[keys:],
            ),
            initial=np.array(sorted(self._initial), dtype=np.int64),
            format_name=self._format,
        )


def _name(value: Any) -> bytes:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(value)
    return msgspec.json.encode(value)
