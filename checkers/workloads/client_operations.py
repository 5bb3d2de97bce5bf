"""What clients asked and how it ended: how the checkers of one workload each read a recorded history.

Each such checker knows a few operations by their `f`; any other is refused with its index. Outcomes are
strict: a failed operation certainly did not happen. One whose outcome is unknown may have happened at any
time after its invocation, or never.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.verdict import IllegalOperation
from history import NEMESIS, History, Operation
from history.values import frozen

QUANTILES = (0.0, 0.5, 0.95, 0.99, 1.0)


class ClientOperation(NamedTuple):
    """An invocation of a client, and how it ended."""

    invocation: Operation
    completion: Operation | None
    """None if the history ends before the operation does."""
    outcome: Literal["ok", "fail", "info"]

    @property
    def at(self) -> int:
        """Position of the invocation in the history; evidence names the operation by it."""
        return self.invocation.index

    @property
    def until(self) -> int:
        """Position of the completion; `NEVER` where the outcome is unknown, as it may yet happen."""
        return NEVER if self.completion is None or self.outcome == "info" else self.completion.index

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions in the history of the invocation and the completion."""
        return (self.at,) if self.completion is None else (self.at, self.completion.index)

    @property
    def reply(self) -> Any:
        """The value of the completion."""
        return None if self.completion is None else self.completion.value


def client_operations(history: History, judge: str, known: Iterable[str]) -> Iterator[ClientOperation]:
    """All operations of clients, in the order in which they began.

    Raises:
        IllegalOperation: an operation whose f the judge does not know.
    """
    names, operations, pairs = frozenset(known), history.operations, history.pairs.tolist()
    for invocation in operations:
        if invocation.type != "invoke" or invocation.process == NEMESIS:
            continue
        if invocation.f not in names:
            raise IllegalOperation(
                invocation.index, f"unknown f {invocation.f!r}; {judge} knows {', '.join(sorted(names))}"
            )
        other = pairs[invocation.index]
        if other < 0:
            yield ClientOperation(invocation, None, "info")
        else:
            completion = operations[other]
            assert completion.type != "invoke"
            yield ClientOperation(invocation, completion, completion.type)


def by_key(operations: Iterable[ClientOperation]) -> Mapping[str | None, list[ClientOperation]]:
    """The operations on each key, in order of the keys' first use."""
    found: dict[str | None, list[ClientOperation]] = {}
    for one in operations:
        found.setdefault(one.invocation.key, []).append(one)
    return found


def element(value: Any) -> Hashable:
    """A JSON-like value as one that equals no value of another type: 1, 1.0, true and "1" are four."""
    return frozen(value)  # type: ignore[no-any-return]


def whole(operation: int, value: Any, rule: str) -> int:
    """The value, if it is a whole number.

    Raises:
        IllegalOperation: it is not, which breaks this rule.
    """
    if type(value) is not int:
        raise IllegalOperation(operation, f"{rule}, not {value!r}")
    return value


def numbers(*operations: ClientOperation) -> tuple[int, ...]:
    """The numbers by which evidence names these operations, in order."""
    return tuple(sorted({one.at for one in operations}))


def named(operations: Sequence[ClientOperation], at_most: int = 4) -> str:
    """`operation 3`, or `operations 3 and 5`, or of more than `at_most` how many there are."""
    places = [str(one.at) for one in operations]
    match places:
        case [one]:
            return f"operation {one}"
        case [*first, last] if first and len(places) <= at_most:
            return f"operations {', '.join(first)} and {last}"
    return f"{len(places)} operations"


def of(key: str | None) -> str:
    """The words ` of KEY`, or none where the history has no keys."""
    return "" if key is None else f" of {key}"


def quantiles(numbers: Any) -> dict[str, float]:
    """Quantiles of some numbers by name (`p0`, `p50`, ...); an empty dict if there are none."""
    if not len(numbers):
        return {}
    points = np.quantile(np.asarray(numbers, dtype=np.float64), QUANTILES, method="higher")
    return {f"p{100 * q:g}": round(float(v), 3) for q, v in zip(QUANTILES, points, strict=True)}
