"""Whether registers keep a level, by trying every order. For some five transactions; it knows no graph.

Serializability: the transactions one after the other, each whole, on one map of registers. Snapshot isolation
as Berenson et al. define it (SIGMOD 1995, section 4.2): beginnings and ends in some order, reads from the map
as it was at the beginning, and no transaction ends if another one wrote one of its keys since it began. A
transaction of unknown outcome is there or is not. `strong-session-` keeps to the order of each process,
`strong-` to real time: what was over before another was invoked comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from history import History


@dataclass(frozen=True)
class Transaction:
    """A transaction that may have happened. `over` is None where the outcome is unknown."""

    process: int
    invoked: int
    over: int | None
    steps: tuple[tuple[str, str, Any], ...]


Registers = dict[str, Any]


def transactions_of(history: History) -> list[Transaction]:
    """Those that did not fail."""
    found = []
    for op in history:
        if op.type != "invoke":
            continue
        end = history.completion(op)
        if end is not None and end.type == "ok":
            steps = tuple((f, key, value) for f, key, value in end.value)
            found.append(Transaction(op.process, op.index, end.index, steps))
        elif end is None or end.type == "info":
            steps = tuple((f, key, value) for f, key, value in op.value)
            found.append(Transaction(op.process, op.index, None, steps))
    return found


class EveryOrder:
    """A history, of which every order is tried."""

    def __init__(self, history: History, initial: Any = None) -> None:
        self._all = transactions_of(history)
        self._initial = initial

    def keeps(self, level: str) -> bool:
        """Whether some order is one of that level, such as `strong-session-snapshot-isolation`."""
        order = (
            1 if level.startswith("strong-session-") else 2 if level.startswith(("strong-", "strict-")) else 0
        )
        tried = self._snapshots if level.endswith("snapshot-isolation") else self._serial
        return any(tried(tuple(chosen), order) for chosen in self._chosen())

    def _chosen(self) -> Iterator[list[Transaction]]:
        """The transactions that happened, with each choice of those whose outcome is unknown."""
        known = [txn for txn in self._all if txn.over is not None]
        unknown = [txn for txn in self._all if txn.over is None]
        for count in range(len(unknown) + 1):
            for some in combinations(unknown, count):
                yield sorted([*known, *some], key=lambda txn: txn.invoked)

    @staticmethod
    def _must_precede(one: Transaction, other: Transaction, order: int) -> bool:
        if one.over is None or one.over > other.invoked:
            return False
        return order == 2 or (order == 1 and one.process == other.process)

    def _run(self, registers: Registers, txn: Transaction) -> Registers | None:
        """The registers after a transaction; None if it did not read what is there."""
        now = dict(registers)
        for f, key, value in txn.steps:
            if f == "w":
                now[key] = value
            elif txn.over is not None and now.get(key, self._initial) != value:
                return None
        return now

    def _serial(self, left: tuple[Transaction, ...], order: int, registers: Registers | None = None) -> bool:
        if not left:
            return True
        for txn in left:
            rest = tuple(other for other in left if other is not txn)
            if any(self._must_precede(other, txn, order) for other in rest):
                continue
            after = self._run(registers or {}, txn)
            if after is not None and self._serial(rest, order, after):
                return True
        return False

    def _snapshots(
        self,
        left: tuple[Transaction, ...],
        order: int,
        registers: Registers | None = None,
        running: Sequence[tuple[Transaction, frozenset[str]]] = (),
    ) -> bool:
        """`running` has, with each transaction that has begun, the keys that others wrote since."""
        now = registers or {}
        if not left and not running:
            return True
        open_ = [txn for txn, _ in running]
        for txn in left:
            if any(self._must_precede(other, txn, order) for other in (*left, *open_) if other is not txn):
                continue
            if self._run(now, txn) is not None:
                rest = tuple(other for other in left if other is not txn)
                if self._snapshots(rest, order, now, (*running, (txn, frozenset()))):
                    return True
        for txn, since in running:
            keys = frozenset(key for f, key, _ in txn.steps if f == "w")
            if since & keys:
                continue
            after = {**now, **{key: value for f, key, value in txn.steps if f == "w"}}
            others = [(other, known | keys) for other, known in running if other is not txn]
            if self._snapshots(left, order, after, others):
                return True
        return False
