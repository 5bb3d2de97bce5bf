"""Transactions of sessions as flat arrays, and the history that they make when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from history.history import INVOKE, OK, Codes, Columns, History

Integers = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
TXN = "txn"


class Steps(NamedTuple):
    """Steps in the order of a file, as arrays."""

    writes: Integers
    key: Integers
    version: Integers
    transaction: Integers


class Names(NamedTuple):
    """The names of keys and versions: stretches of a text, each of them a JSON value."""

    text: bytes
    key_begin: Integers
    key_end: Integers
    version_key: Integers
    """By version its key."""
    version_begin: Integers
    version_end: Integers


@dataclass(frozen=True)
class TransactionLog:
    """n transactions with m steps in order; the transactions of one session are in the session's order.

    Keys and versions (pairs of a key and a value) are numbered.
    """

    session: Integers
    """By transaction its session, numbered from 0."""
    outcome: Integers
    """By transaction `OK`, `FAIL`, or `INFO` where the file ends first."""
    first: Integers
    """n + 1 places among the steps: the steps of transaction t begin at first[t]."""
    line: Integers
    """By transaction where it begins: a line of a text, or a byte of a binary file."""
    writes: Mask
    """By step whether it writes."""
    key: Integers
    version: Integers
    """By step the version that was written or read; -1 for a read of the initial value."""
    names: Names
    format_name: str
    initial: str
    """The initial value of each key in words."""

    def __len__(self) -> int:
        return len(self.session)


def assembled(
    steps: Steps,
    *,
    session: Integers,
    outcome: Integers,
    line: Integers,
    names: Names,
    initial: Integers,
    format_name: str,
    initial_in_words: str = "0",
) -> TransactionLog:
    """The log of steps in the order of a file, in which steps of several transactions may alternate.

    `initial` are the versions that say the initial value of their keys; a read of one shows the initial state
    unless a step writes it.
    """
    if len(steps.transaction) > 1 and (steps.transaction[1:] < steps.transaction[:-1]).any():
        order = np.argsort(steps.transaction, kind="stable")
        steps = Steps(*(column[order] for column in steps))
    lengths = np.bincount(steps.transaction, minlength=len(session))
    version, writes = steps.version, steps.writes.astype(bool)
    if len(initial):
        unwritten = np.zeros(len(names.version_key), dtype=bool)
        unwritten[initial] = True
        unwritten[version[writes]] = False
        version = np.where(unwritten[version], -1, version)
    return TransactionLog(
        session=session,
        outcome=outcome,
        first=np.concatenate([[0], np.cumsum(lengths)]),
        line=line,
        writes=writes,
        key=steps.key,
        version=version,
        names=names,
        format_name=format_name,
        initial=initial_in_words,
    )


class TransactionHistory(History):
    """The history of a log: each transaction is an invocation and, right after it, its completion.

    The file has no times, so the order of operations of different sessions means nothing. Operations are only
    made when they are first asked for.
    """

    def __init__(self, log: TransactionLog, *, source: str) -> None:
        self._foreign = True
        self._operations = None
        self._source = source
        self.log = log

    @cached_property
    def pairs(self) -> Codes:
        """For each operation the index of the other half of its pair."""
        return np.arange(len(self), dtype=np.int64) ^ 1

    @cached_property
    def columns(self) -> Columns:
        """The history as arrays."""
        log, size = self.log, len(self)
        types = np.full(size, INVOKE, dtype=np.int8)
        types[1::2] = log.outcome
        nothing = np.full(size, -1, dtype=np.int64)
        return Columns(
            time=np.arange(size, dtype=np.int64),
            process=np.repeat(log.session.astype(np.int64), 2),
            type=types,
            f=np.zeros(size, dtype=np.int64),
            f_names=(TXN,),
            key=nothing,
            keys=(),
            value=np.arange(size, dtype=np.int64),
            values=tuple(self._values()),
            error=nothing,
            errors=(),
            node=nothing,
            nodes=(),
            raft_index=nothing,
        )

    def _values(self) -> list[str]:
        """The values of all operations as JSON, the invocations without what was read."""
        log, named = self.log, self.log.names
        keys = [named.text[a:b].decode() for a, b in zip(named.key_begin, named.key_end, strict=True)]
        names = [
            named.text[a:b].decode() for a, b in zip(named.version_begin, named.version_end, strict=True)
        ]
        names.append("null")  # version -1
        asked, answered = [], []
        for key, version, writes in zip(
            log.key.tolist(), log.version.tolist(), log.writes.tolist(), strict=True
        ):
            whole = f'["{"w" if writes else "r"}",{keys[key]},{names[version]}]'
            answered.append(whole)
            asked.append(whole if writes else f'["r",{keys[key]},null]')
        first, values = log.first.tolist(), []
        for txn, outcome in enumerate(log.outcome.tolist()):
            steps = slice(first[txn], first[txn + 1])
            invoked = f"[{','.join(asked[steps])}]"
            values += [invoked, f"[{','.join(answered[steps])}]" if outcome == OK else invoked]
        return values

    def __len__(self) -> int:
        return 2 * len(self.log)
