"""A history as numbers, for data types whose values are only ever compared: key by key, by invocation.

No operation becomes an object, so that a million of them take a fraction of a second. A value is a number
that equals another's exactly if the values are equal.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.linearizability.part import Integers, Part
from checkers.models.model import MAYBE, Call
from history import Columns, History
from history.history import FAIL, INVOKE, OK, wide
from history.values import frozen

NOTHING, UNTOLD, ABSENT = -1, -2, -3
"""Instead of a value: None, the result of an operation of unknown outcome, and a value that is nowhere."""


@dataclass(frozen=True)
class HistoryRows:
    """n operations, sorted by key and within a key by invocation. What failed is left out."""

    history: History
    keys: Sequence[str | None]
    key: Integers
    """Index into `keys`."""
    invoked: Integers
    completed: Integers
    """`NEVER` where the outcome is not known."""
    f: Integers
    """Index into the names that `rows_of` was given."""
    argument: Integers
    """Codes of `Columns.value`; `NOTHING` for None."""
    result: Integers
    """The same; `UNTOLD` where the outcome is not known."""
    value: Integers
    """The value that matters to the data type: the argument or the result."""
    yes: int
    no: int
    """The codes of true and false; `ABSENT` where no operation has such a value."""

    def __len__(self) -> int:
        return len(self.invoked)

    def only(self, kept: npt.NDArray[Any]) -> HistoryRows:
        """These operations alone (a mask, or places in ascending order); a key keeps its number."""
        columns = ("key", "invoked", "completed", "f", "argument", "result", "value")
        return replace(self, **{name: getattr(self, name)[kept] for name in columns})

    def of_keys(self, numbers: Sequence[int]) -> HistoryRows:
        """The operations on these keys alone, given in ascending order; keys are numbered from 0 on again."""
        number_of = np.full(len(self.keys), -1, dtype=np.int64)
        number_of[list(numbers)] = np.arange(len(numbers))
        own = self.only(number_of[self.key] >= 0)
        return replace(own, keys=tuple(self.keys[number] for number in numbers), key=number_of[own.key])

    def until(self, cutoff: int) -> HistoryRows:
        """What was known just after the completion at index `cutoff`: later replies are taken back."""
        begun = self.only(self.invoked <= cutoff)
        open_still = begun.completed > cutoff
        return replace(
            begun,
            completed=np.where(open_still, NEVER, begun.completed),
            result=np.where(open_still, UNTOLD, begun.result),
        )

    def part(self, key: int, names: Sequence[str]) -> Part:
        """The operations of one key as the search takes them; `names` is what `f` counts."""
        own = self.only(self.key == key)
        decoded: dict[int, Hashable] = {}

        def value(code: int) -> Hashable:
            if code == UNTOLD:
                return MAYBE
            if code not in decoded:
                decoded[code] = frozen(self.history.columns.decoded(code))
            return decoded[code]

        calls: dict[Call, int] = {}
        kinds = [
            calls.setdefault(Call(names[f], value(argument), value(result)), len(calls))
            for f, argument, result in zip(
                own.f.tolist(), own.argument.tolist(), own.result.tolist(), strict=True
            )
        ]
        return Part(self.keys[key], own.invoked, own.completed, np.array(kinds, dtype=np.int64), tuple(calls))


def rows_of(history: History, names: Sequence[str]) -> HistoryRows | None:
    """The clients' operations. None if there is none, or one of them has another name than these."""
    columns = history.columns
    begun = np.flatnonzero((columns.type == INVOKE) & (columns.process >= 0))
    number_of = np.array([names.index(f) if f in names else -1 for f in columns.f_names], dtype=np.int64)
    if not len(begun) or (number_of[columns.f[begun]] < 0).any():
        return None
    ends = history.pairs[begun]
    outcome = np.where(ends >= 0, columns.type[ends], -1)
    kept = outcome != FAIL
    begun, ends, known = begun[kept], ends[kept], outcome[kept] == OK
    key = columns.key[begun]
    _, first, key = np.unique(key, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    key = rank[key]
    order = np.argsort(key, kind="stable")
    begun, ends, known = begun[order], ends[order], known[order]
    codes = columns.key[begun[np.sort(np.unique(key[order], return_index=True)[1])]]
    return HistoryRows(
        history,
        tuple(None if code < 0 else columns.keys[code] for code in codes.tolist()),
        key[order],
        begun,
        np.where(known, ends, NEVER),
        number_of[columns.f[begun]],
        wide(columns.value[begun]),
        wide(np.where(known, columns.value[ends], UNTOLD)),
        wide(columns.value[begun]),
        *(columns.values.index(text) if text in columns.values else ABSENT for text in ("true", "false")),
    )


def numbered(columns: Columns, codes: Integers) -> Integers:
    """Codes of values such that two are the same exactly if the values are; None, and what is below it, stay.

    JSON writes an integer, and a text without a backslash, in one way only. Other values are decoded and
    compared as a model compares them.
    """
    used = np.unique(codes[codes >= 0])
    texts = [columns.values[code] for code in used.tolist()]
    if all(text.isdigit() or (text[0] == '"' and "\\" not in text) for text in texts):
        return codes
    known: dict[Hashable, int] = {None: NOTHING}
    table = np.empty(len(columns.values), dtype=np.int64)
    for code in used.tolist():
        table[code] = known.setdefault(frozen(columns.decoded(code)), code)
    return np.where(codes >= 0, table[codes], codes)


def pairs_of(key: Integers, number: Integers) -> tuple[Integers, Integers]:
    """Numbers from 0 on for each different (key, number), in the order of the keys; and the keys of those."""
    # A number is at least -2 and less than there are values, so the sum below is unambiguous.
    width = int(number.max(initial=0)) + 3
    pairs, dense = np.unique(key * width + number + 2, return_inverse=True)
    return np.asarray(dense, dtype=np.int64), np.asarray(pairs // width, dtype=np.int64)
