"""What clients asked and how it ended: how the checkers that go `by_name` meet a recorded history.

Each of them knows a few operations by their `f`; any other is refused with its index. Outcomes are strict:
what failed certainly did not happen, what has no known end may have happened at any time or never.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.linearizability.part import frozen
from checkers.verdict import IllegalOperation
from history import NEMESIS, History, Operation

QUANTILES = (0.0, 0.5, 0.95, 0.99, 1.0)


class Asked(NamedTuple):
    """An invocation of a client, and what became of it."""

    begun: Operation
    ended: Operation | None
    """Its completion; None if the history ends before."""
    outcome: Literal["ok", "fail", "info"]

    @property
    def at(self) -> int:
        """Position of the invocation: what evidence calls the operation by."""
        return self.begun.index

    @property
    def until(self) -> int:
        """Position of the completion; `NEVER` where the outcome is not known: it may yet happen."""
        return NEVER if self.ended is None or self.outcome == "info" else self.ended.index

    @property
    def rows(self) -> tuple[int, ...]:
        """Where it stands in the history."""
        return (self.at,) if self.ended is None else (self.at, self.ended.index)

    @property
    def told(self) -> Any:
        """What the reply says."""
        return None if self.ended is None else self.ended.value


def asked(history: History, judge: str, known: Iterable[str]) -> Iterator[Asked]:
    """All that clients asked, in the order in which they asked it.

    Raises:
        IllegalOperation: an operation whose f the judge does not know.
    """
    names, operations, pairs = frozenset(known), history.operations, history.pairs.tolist()
    for begun in operations:
        if begun.type != "invoke" or begun.process == NEMESIS:
            continue
        if begun.f not in names:
            raise IllegalOperation(
                begun.index, f"unknown f {begun.f!r}; {judge} knows {', '.join(sorted(names))}"
            )
        other = pairs[begun.index]
        if other < 0:
            yield Asked(begun, None, "info")
        else:
            ended = operations[other]
            assert ended.type != "invoke"
            yield Asked(begun, ended, ended.type)


def by_key(all_asked: Iterable[Asked]) -> Mapping[str | None, list[Asked]]:
    """The same, apart by what it was asked of, in order of first use."""
    found: dict[str | None, list[Asked]] = {}
    for one in all_asked:
        found.setdefault(one.begun.key, []).append(one)
    return found


def element(value: Any) -> Hashable:
    """A JSON-like value as one that equals no other: 1, 1.0, true and "1" are four."""
    if type(value) is int or type(value) is str:
        return value
    return type(value).__name__, frozen(value)


def whole(operation: int, value: Any, rule: str) -> int:
    """The value, if it is a whole number.

    Raises:
        IllegalOperation: it is none, which breaks this rule.
    """
    if type(value) is not int:
        raise IllegalOperation(operation, f"{rule}, not {value!r}")
    return value


def rows(*those: Asked) -> tuple[int, ...]:
    """Where these stand in the history, in order."""
    return tuple(sorted({row for one in those for row in one.rows}))


def named(those: Sequence[Asked], at_most: int = 4) -> str:
    """`operation 3`, `operations 3 and 5`, or how many there are."""
    places = [str(one.at) for one in those]
    match places:
        case [one]:
            return f"operation {one}"
        case [*first, last] if first and len(places) <= at_most:
            return f"operations {', '.join(first)} and {last}"
    return f"{len(places)} operations"


def of(key: str | None) -> str:
    """` of KEY`, where there are keys."""
    return "" if key is None else f" of {key}"


def quantiles(numbers: Any) -> dict[str, float]:
    """Of milliseconds, say; of none: none."""
    if not len(numbers):
        return {}
    points = np.quantile(np.asarray(numbers, dtype=np.float64), QUANTILES, method="higher")
    return {f"p{100 * q:g}": round(float(v), 3) for q, v in zip(QUANTILES, points, strict=True)}
