"""Operations from invocation to completion: as arrays for counting, one by one for showing.

It works on the columns of a history, so that a report of a million operations makes objects only of those
that it shows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from history import NEMESIS, Columns, History
from history.history import FAIL, INFO, INVOKE, OK, Codes
from history.units import MILLISECOND_NS

SpanOutcome = Literal["ok", "fail", "info", "pending"]
Mask = npt.NDArray[np.bool_]
AT_ONCE = 1 << 20
"""About this many operations are looked at a time, so that counting ten million takes little memory."""
PENDING = 0
"""The code in `Spans.type` of an operation that never completed; the other codes are the history's own."""
OUTCOMES: dict[int, SpanOutcome] = {OK: "ok", FAIL: "fail", INFO: "info", PENDING: "pending"}

READS = frozenset(
    {"lookup", "list", "read", "get", "stale-lookup", "stale-list", "final-list", "final-local", "subscribe"}
)
"""Operations that change nothing. Any other client operation counts as a write."""


@dataclass(frozen=True)
class Span:
    """One operation, both halves together. Times are nanoseconds since the run began."""

    index: int
    """The index of the invocation, which is the operation's id."""
    completion: int | None
    process: int
    f: str
    key: str | None
    argument: Any
    result: Any
    error: str | None
    node: str | None
    raft_index: int | None
    begin: int
    end: int | None
    outcome: SpanOutcome

    @property
    def is_nemesis(self) -> bool:
        """Whether it broke or healed something."""
        return self.process == NEMESIS

    @property
    def open_ended(self) -> bool:
        """Whether it may take effect at any later time: a client's `info`, or one that never completed."""
        return not self.is_nemesis and self.outcome in ("info", "pending")


@dataclass(frozen=True)
class Spans:
    """All operations of a history by invocation, in its order: arrays of length n.

    `end` is -1 and `type` is `PENDING` where the history ends before the operation did.
    """

    history: History
    index: Codes
    begin: Codes
    end: Codes
    type: npt.NDArray[np.int8]

    @classmethod
    def of(cls, history: History) -> Spans:
        """The spans of a history."""
        columns, pairs = history.columns, history.pairs
        index = np.flatnonzero(columns.type == INVOKE)
        other = pairs[index]
        end, type_, pending = columns.time[other], columns.type[other], other < 0
        end[pending], type_[pending] = -1, PENDING
        del other  # of ten million operations it takes much memory
        return cls(history=history, index=index, begin=columns.time[index], end=end, type=type_)

    @property
    def columns(self) -> Columns:
        """The columns of the history."""
        return self.history.columns

    @cached_property
    def process(self) -> Codes:
        """The process that invoked each operation."""
        return self.columns.process[self.index]

    @cached_property
    def f(self) -> Codes:
        """The kind of each operation, as a code into the history's `f_names`."""
        return self.columns.f[self.index]

    @cached_property
    def key(self) -> Codes:
        """The key of each operation, as a code into the history's `keys`; -1 for none."""
        return self.columns.key[self.index]

    @cached_property
    def client(self) -> Mask:
        """Which operations are a client's and not the nemesis'."""
        return np.not_equal(self.process, NEMESIS)

    def of_kinds(self, codes: Collection[int]) -> Mask:
        """Which operations are of these kinds, given as codes into the history's `f_names`."""
        # By comparing, as looking up would make 64 bits of each code.
        found = np.zeros(len(self.f), dtype=bool)
        for code in codes:
            found |= self.f == code
        return found

    def position(self, operation: int) -> int | None:
        """The place of the operation that this index belongs to; None if the history has no such index."""
        if not 0 <= operation < len(self.history):
            return None
        if self.columns.type[operation] != INVOKE:
            operation = int(self.history.pairs[operation])
        return int(np.searchsorted(self.index, operation))

    def number(self, operation: int) -> int:
        """The number by which an operation is named everywhere (`History.number`)."""
        return self.history.number(operation)

    def span(self, position: int) -> Span:
        """The operation at a position, as an object."""
        columns = self.columns
        index = int(self.index[position])
        other = int(self.history.pairs[index])
        done = other >= 0

        def name(names: tuple[str, ...], codes: Codes) -> str | None:
            """From the completion, which knows more, else from the invocation."""
            for row in (other, index) if done else (index,):
                if codes[row] >= 0:
                    return names[int(codes[row])]
            return None

        raft_index = int(columns.raft_index[other]) if done else -1
        return Span(
            index=index,
            completion=other if done else None,
            process=int(columns.process[index]),
            f=columns.f_names[int(columns.f[index])],
            key=name(columns.keys, columns.key),
            argument=columns.decoded(int(columns.value[index])),
            result=columns.decoded(int(columns.value[other])) if done else None,
            error=name(columns.errors, columns.error),
            node=name(columns.nodes, columns.node),
            raft_index=None if raft_index < 0 else raft_index,
            begin=int(columns.time[index]),
            end=int(columns.time[other]) if done else None,
            outcome=OUTCOMES[int(self.type[position])],
        )

    def nemesis(self) -> list[Span]:
        """Every operation of the nemesis, in order."""
        return [self.span(position) for position in np.flatnonzero(~self.client).tolist()]


def end_of_run(history: History, *others: int) -> int:
    """The last instant that a chart must show, in nanoseconds; at least a millisecond."""
    times = history.columns.time
    return max(int(times[-1]) if len(times) else 0, *others, MILLISECOND_NS)
