"""A history: operations in real-time order, as objects for reading and as columns for counting.

Both forms hold the same; each is made from the other when it is first needed. A history of a million
operations that is read from Parquet becomes a million objects only if a caller iterates over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast, overload

import numpy as np
import numpy.typing as npt

from history.kernels import Form, Integers, fitting
from history.operation import NEMESIS, Operation, OperationType
from history.pairing import FAIL as FAIL
from history.pairing import INFO as INFO
from history.pairing import INVOKE as INVOKE
from history.pairing import OK as OK
from history.pairing import paired
from history.values import decoded, encoded

TYPES: tuple[OperationType, ...] = ("invoke", "ok", "fail", "info")

MOST_AT_ONCE = 1_000_000
"""Histories of up to this number of events are paired by compiled code, which takes 16 bytes an event."""

Codes = npt.NDArray[np.int64]
"""Integers of a history, of 64 bits. The columns of a very long history are narrower (see `Columns`)."""


class HistoryError(ValueError):
    """A history breaks a rule. `line` counts from 1; `rule` is the rule in words."""

    def __init__(self, line: int, rule: str, source: str = "history") -> None:
        super().__init__(f"{source}, line {line}: {rule}")
        self.line = line
        self.rule = rule


@dataclass(frozen=True)
class Columns:
    """A history of n operations as arrays of length n. Texts are codes into a tuple of names; -1 is None.

    The codes of `value` index `values`, which are JSON texts (see `history.values`), so equal values have
    equal codes; `decoded` decodes them. `raft_index` is -1 if the reply names no index.
    Some arrays cannot be written.

    Of a history that is read in pieces (`stored/pieces.py`), process and codes have 32 or 16 bits, so that
    tens of millions of operations have room. They may be compared, looked up, and doubled. What multiplies
    them, or gives them to a compiled kernel, takes `wide` of them first.
    """

    time: Codes
    process: Codes
    type: npt.NDArray[np.int8]
    f: Codes
    f_names: tuple[str, ...]
    key: Codes
    keys: tuple[str, ...]
    value: Codes
    values: tuple[str, ...]
    error: Codes
    errors: tuple[str, ...]
    node: Codes
    nodes: tuple[str, ...]
    raft_index: Codes

    def f_code(self, f: str) -> int:
        """The code of `f`, or -2, which no row has, if no operation has that name."""
        return self.f_names.index(f) if f in self.f_names else -2

    def decoded(self, code: int) -> Any:
        """The value behind a code of `value`."""
        return None if code < 0 else decoded(self.values[code])


def wide(numbers: Codes) -> Codes:
    """The same numbers in 64 bits; the same array if it has them."""
    return numbers.astype(np.int64, copy=False)


def stable_order(numbers: Codes) -> Codes:
    """The places of numbers in ascending order; equal ones stay in theirs.

    A range of up to 65,536 numbers is sorted in linear time, as numpy does with numbers of 16 bits.
    """
    if len(numbers):
        least = int(numbers.min())
        if int(numbers.max()) - least < 1 << 16:
            numbers = (numbers - least).astype(np.uint16)
    return np.argsort(numbers, kind="stable")


def same_process_before(process: Codes) -> Codes:
    """For each event the place of the event before it of the same process; -1 for the first one."""
    order = stable_order(process)
    same = process[order][1:] == process[order][:-1]
    before = np.full(len(process), -1, dtype=np.int64)
    before[order[1:][same]] = order[:-1][same]
    return before


def _encode(texts: Iterable[str | None]) -> tuple[Codes, tuple[str, ...]]:
    known: dict[str, int] = {}
    codes = [-1 if text is None else known.setdefault(text, len(known)) for text in texts]
    return np.array(codes, dtype=np.int64), tuple(known)


class History(Sequence[Operation]):
    """Operations whose `index` is their position, in an order that real time allows.

    Raises:
        HistoryError: indices, times or the pairing of invocations break a rule (see `check_rules`).
    """

    def __init__(self, operations: Iterable[Operation], *, source: str = "history") -> None:
        self._operations: list[Operation] | None = list(operations)
        self._source = source
        self._foreign = False
        self._check_rules()

    @classmethod
    def from_columns(cls, columns: Columns, *, source: str = "history", foreign: bool = False) -> History:
        """A history over arrays, as Parquet gives them; the same rules are checked.

        In a `foreign` history a process may go on after `info`, and several faults may be open at once:
        events of the nemesis are paired by their f.
        """
        self = cls.__new__(cls)
        self._foreign = foreign
        self._operations = None
        self._source = source
        self.__dict__["columns"] = columns
        self._check_rules()
        return self

    @cached_property
    def columns(self) -> Columns:
        """The history as arrays."""
        operations = self.operations
        f, f_names = _encode(op.f for op in operations)
        key, keys = _encode(op.key for op in operations)
        value, values = _encode(None if op.value is None else encoded(op.value) for op in operations)
        error, errors = _encode(op.error for op in operations)
        node, nodes = _encode(op.node for op in operations)
        code_of_type = {name: code for code, name in enumerate(TYPES)}
        return Columns(
            time=np.array([op.time for op in operations], dtype=np.int64),
            process=np.array([op.process for op in operations], dtype=np.int64),
            type=np.array([code_of_type[op.type] for op in operations], dtype=np.int8),
            f=f,
            f_names=f_names,
            key=key,
            keys=keys,
            value=value,
            values=values,
            error=error,
            errors=errors,
            node=node,
            nodes=nodes,
            raft_index=np.array(
                [-1 if op.raft_index is None else op.raft_index for op in operations], dtype=np.int64
            ),
        )

    @property
    def is_foreign(self) -> bool:
        """Whether a process may go on after `info`, as in histories of other tools."""
        return self._foreign

    @property
    def operations(self) -> list[Operation]:
        """The history as objects."""
        if self._operations is None:
            self._operations = list(_operations(self.columns))
        return self._operations

    @cached_property
    def pairs(self) -> Codes:
        """For each operation the index of the other half of its pair; -1 for an invocation never completed.

        An `info` completion is paired with its invocation, as any other is.
        """
        return self._pairs

    def completion(self, invocation: Operation) -> Operation | None:
        """The completion of an invocation, or None if the history ends before it."""
        other = int(self.pairs[invocation.index])
        return None if other < 0 else self[other]

    def invocation(self, completion: Operation) -> Operation:
        """The invocation of a completion."""
        return self[int(self.pairs[completion.index])]

    def number(self, index: int) -> int:
        """The number by which all texts, links and files name the operation at an index: the index of its
        invocation; the index itself where this history has no such operation."""
        if not 0 <= index < len(self) or self.columns.type[index] == INVOKE:
            return index
        return int(self.pairs[index])

    def __len__(self) -> int:
        return len(self.columns.time) if self._operations is None else len(self._operations)

    @overload
    def __getitem__(self, index: int) -> Operation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Operation]: ...
    def __getitem__(self, index: int | slice) -> Operation | list[Operation]:
        if self._operations is None and not isinstance(index, slice):
            return _operation(self.columns, range(len(self))[index])
        return self.operations[index]

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def _fail(self, position: int, rule: str) -> HistoryError:
        return HistoryError(position + 1, rule, self._source)

    def _check_rules(self) -> None:
        """Refuse a history that no run can produce.

        Rules: index = position; time never decreases; a process has at most one operation pending;
        a completion follows an invocation of the same process, f and key; a process that ended in
        `info` never invokes again (the nemesis, whose completions are all `info`, may).
        """
        if self._operations is not None:
            for position, op in enumerate(self._operations):
                if op.index != position:
                    raise self._fail(position, f"index is {op.index}, but this is operation {position}")
                if op.type not in TYPES:
                    raise self._fail(position, f"type is {op.type!r}, not one of {', '.join(TYPES)}")
        columns = self.columns
        backwards = np.flatnonzero(np.diff(columns.time) < 0)
        if len(backwards):
            raise self._fail(int(backwards[0]) + 1, "time goes backwards")
        self._pairs = self._pair(columns)

    def _pair(self, columns: Columns) -> Codes:
        """Pair by one stable sort on process: within a process, halves must alternate."""
        total = len(columns.time)
        pairs = np.full(total, -1, dtype=np.int64)
        if total == 0:
            return pairs
        if self._paired_at_once(columns, pairs):
            return pairs
        pairs[:] = -1  # some rule is broken: which, and where, is found here
        group = columns.process
        if self._foreign:
            group = np.where(group == NEMESIS, NEMESIS - 1 - columns.f, group)
        order = stable_order(group)
        process = group[order]
        is_invoke = columns.type[order] == INVOKE
        same_as_before = np.empty(total, dtype=bool)
        same_as_before[0] = False
        same_as_before[1:] = process[1:] == process[:-1]
        invoke_before = np.empty(total, dtype=bool)
        invoke_before[0] = False
        invoke_before[1:] = is_invoke[:-1] & same_as_before[1:]

        broken: list[tuple[int, str]] = []

        def note(mask: npt.NDArray[np.bool_], rule: str) -> None:
            if mask.any():
                broken.append((int(order[np.flatnonzero(mask)].min()), rule))

        note(~is_invoke & ~invoke_before, "a completion without an invocation of the same process before it")
        note(is_invoke & invoke_before, "this process invokes while its last operation is still pending")
        second = np.flatnonzero(~is_invoke & invoke_before)
        first_at, second_at = order[second - 1], order[second]
        differs = columns.f[first_at] != columns.f[second_at]
        if differs.any():
            broken.append((int(second_at[differs].min()), "a completion whose f is not its invocation's"))
        differs = columns.key[first_at] != columns.key[second_at]
        if differs.any():
            broken.append((int(second_at[differs].min()), "a completion whose key is not its invocation's"))
        info_before = np.empty(total, dtype=bool)
        info_before[0] = False
        info_before[1:] = (columns.type[order][:-1] == INFO) & same_as_before[1:]
        if not self._foreign:
            note(
                is_invoke & info_before & (process != NEMESIS),
                "a process goes on after `info`; its thread must go on as a new process",
            )
        if broken:
            raise self._fail(*min(broken))
        pairs[first_at], pairs[second_at] = second_at, first_at
        return pairs

    def _paired_at_once(self, columns: Columns, pairs: Codes) -> bool:
        """Whether compiled code paired all; if not, a rule is broken, or that was no use."""
        total = len(pairs)
        codes = columns.process, columns.f, columns.key
        if total > MOST_AT_ONCE or any(column.dtype != np.int64 for column in codes):
            return False
        if columns.type.dtype != np.int8 or fitting(total) is not Form.COMPILED:
            return False
        last = np.full(1 << (2 * total).bit_length(), -1, dtype=np.int64)
        types = cast(Integers, columns.type)  # smaller numbers, which the kernel only compares
        process, f, key = codes
        return paired(process, types, f, key, int(self._foreign), last, pairs)


def _operation(columns: Columns, index: int) -> Operation:
    """One operation of a history whose others are not asked for as objects."""

    def name(names: tuple[str, ...], codes: Codes) -> str | None:
        return None if codes[index] < 0 else names[codes[index]]

    raft_index = int(columns.raft_index[index])
    return Operation(
        index=index,
        time=int(columns.time[index]),
        process=int(columns.process[index]),
        type=TYPES[columns.type[index]],
        f=columns.f_names[columns.f[index]],
        key=name(columns.keys, columns.key),
        value=columns.decoded(int(columns.value[index])),
        error=name(columns.errors, columns.error),
        node=name(columns.nodes, columns.node),
        raft_index=None if raft_index < 0 else raft_index,
    )


def _operations(columns: Columns) -> Iterator[Operation]:
    def name(names: tuple[str, ...], code: int) -> str | None:
        return None if code < 0 else names[code]

    values = [decoded(text) for text in columns.values]
    rows = zip(
        columns.time.tolist(),
        columns.process.tolist(),
        columns.type.tolist(),
        columns.f.tolist(),
        columns.key.tolist(),
        columns.value.tolist(),
        columns.error.tolist(),
        columns.node.tolist(),
        columns.raft_index.tolist(),
        strict=True,
    )
    for index, (time, process, type_, f, key, value, error, node, raft_index) in enumerate(rows):
        yield Operation(
            index=index,
            time=time,
            process=process,
            type=TYPES[type_],
            f=columns.f_names[f],
            key=name(columns.keys, key),
            value=None if value < 0 else values[value],
            error=name(columns.errors, error),
            node=name(columns.nodes, node),
            raft_index=None if raft_index < 0 else raft_index,
        )
