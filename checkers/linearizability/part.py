"""What a search is given: the operations on one key as arrays, and how a history becomes such parts.

Linearizability is local (Herlihy & Wing 1990, theorem 1), so a history is judged key by key wherever
its operations name one (P-compositionality: Horn & Kroening, FORTE 2015).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast, overload

import msgspec
import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.laying_out import UNTOLD as UNTOLD
from checkers.linearizability.kernels.laying_out import (
    Events,
    cut_out,
    lay_out_by_key,
    lay_out_size_of,
)
from checkers.models.model import MAYBE, Call
from history import Columns, History
from history.history import FAIL, INFO, INVOKE, OK, stable_order, wide
from history.kernels import Form, fitting
from history.values import MARK, frozen

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """n operations on one key, by invocation. Times are positions in the history: all are different."""

    key: str | None
    invoked: Integers
    completed: Integers
    """`NEVER` where the outcome is not known: it may have happened at any time, or not."""
    kinds: Integers
    """Indices into `calls`."""
    calls: Sequence[Call]
    """The different calls; may hold more than this part uses."""

    def __len__(self) -> int:
        return len(self.invoked)

    def call(self, operation: int) -> Call:
        """What the operation at that place asked and was answered."""
        return self.calls[int(self.kinds[operation])]

    def calls_of(self, operations: Integers) -> list[Call]:
        """What the operations at these places asked and were answered."""
        kinds = self.kinds[operations]
        if isinstance(self.calls, HistoryCalls):
            return self.calls.of(kinds)
        return [self.calls[kind] for kind in kinds.tolist()]

    def asks_one_of(self, names: Collection[str]) -> npt.NDArray[np.bool_]:
        """By operation, whether its call has one of these names."""
        calls = self.calls
        if isinstance(calls, HistoryCalls):
            has_name = np.array([name in names for name in calls.columns.f_names], dtype=bool)
            return np.asarray(has_name[calls.f[self.kinds]], dtype=bool)
        return np.array([calls[kind].f in names for kind in self.kinds.tolist()], dtype=bool)

    def only(self, kept: npt.NDArray[Any]) -> Part:
        """The part of these operations (a mask, or places in ascending order)."""
        return Part(self.key, self.invoked[kept], self.completed[kept], self.kinds[kept], self.calls)


@dataclass(frozen=True)
class HistoryParts(Sequence[Part]):
    """A history's parts, in order of first use: one array of each kind, of which every part is a stretch."""

    keys: Sequence[str | None]
    starts: Integers
    """One more than there are parts: part p's operations are those from starts[p] up to starts[p + 1]."""
    invoked: Integers
    completed: Integers
    kinds: Integers
    calls: Sequence[Call]
    longest: int
    """How many operations the longest part has."""

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Part: ...
    @overload
    def __getitem__(self, place: slice) -> list[Part]: ...
    def __getitem__(self, place: int | slice) -> Part | list[Part]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        own = slice(*self.starts[range(len(self))[place] :][:2])
        return Part(self.keys[place], self.invoked[own], self.completed[own], self.kinds[own], self.calls)

    def of(self, places: Sequence[int]) -> HistoryParts:
        """Only the parts at these places, in ascending order."""
        if len(places) == len(self):
            return self
        lengths = np.diff(self.starts)[list(places)]
        kept = np.zeros(len(self), dtype=bool)
        kept[list(places)] = True
        rows = np.repeat(kept, np.diff(self.starts))
        return HistoryParts(
            tuple(self.keys[place] for place in places),
            np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            self.invoked[rows],
            self.completed[rows],
            self.kinds[rows],
            self.calls,
            int(lengths.max(initial=0)),
        )

    def with_few_calls(self) -> HistoryParts:
        """The same, without the calls that no operation of these parts is."""
        used, kinds = np.unique(self.kinds, return_inverse=True)
        if len(used) == len(self.calls):
            return self
        calls = self.calls
        few = calls.only(used) if isinstance(calls, HistoryCalls) else [calls[kind] for kind in used.tolist()]
        return replace(self, kinds=np.asarray(kinds, dtype=np.int64), calls=few)

    def doubled(self, keeping: Collection[str]) -> HistoryParts:
        """The same with all calls that are used, followed by these calls without their replies.

        Args:
            keeping: the names of calls that keep their replies.
        """
        few = self.with_few_calls()
        return replace(few, calls=doubled_calls(few.calls, np.arange(len(few.calls)), keeping))


class HistoryCalls(Sequence[Call]):
    """The different calls of a history. A call becomes an object when it is first looked at."""

    def __init__(self, columns: Columns, f: Integers, asked: Integers, answered: Integers) -> None:
        self.columns = columns
        self.f = f
        """By call the code of its name."""
        self.asked = asked
        """By call the code of its argument, as in `Columns.value`."""
        self.answered = answered
        """By call the code of its result; `UNTOLD` for `MAYBE`."""
        self._values: dict[int, Hashable] = {UNTOLD: MAYBE, -1: None}

    def value(self, code: int) -> Hashable:
        """The value behind a code, as models take it."""
        known = self._values.get(code, self)
        if known is self:
            known = self._values[code] = frozen(self.columns.decoded(code))
        return known

    def values(self, codes: Integers) -> list[Hashable]:
        """The values behind codes, as `value` gives each."""
        used = _used(codes)
        known = self._values
        new = [code for code in used[used >= 0].tolist() if code not in known]
        known.update(zip(new, _frozen(self.columns, new), strict=True))
        return list(map(known.__getitem__, codes.tolist()))

    def only(self, used: Integers) -> HistoryCalls:
        """These calls alone."""
        return HistoryCalls(self.columns, self.f[used], self.asked[used], self.answered[used])

    def doubled(self, used: Integers, keeping: Collection[str]) -> HistoryCalls:
        """These calls, and after them the same without their replies, but for names that keep them."""
        f, asked, answered = self.f[used], self.asked[used], self.answered[used]
        untold = np.full(len(used), UNTOLD, dtype=np.int64)
        for name in keeping:
            untold = np.where(f == self.columns.f_code(name), answered, untold)
        return HistoryCalls(
            self.columns, np.tile(f, 2), np.tile(asked, 2), np.concatenate([answered, untold])
        )

    def of(self, kinds: Integers) -> list[Call]:
        """The calls at these places, together."""
        names = self.columns.f_names
        if len(kinds) <= FEW_CALLS:
            rows = zip(
                self.f[kinds].tolist(), self.asked[kinds].tolist(), self.answered[kinds].tolist(), strict=True
            )
            value = self.value
            return [Call(names[f], value(asked), value(answered)) for f, asked, answered in rows]
        values = self.values(np.concatenate([self.asked[kinds], self.answered[kinds]]))
        return list(map(Call, map(names.__getitem__, self.f[kinds].tolist()), values, values[len(kinds) :]))

    @cached_property
    def _calls(self) -> list[Call]:
        return self.of(np.arange(len(self)))

    def __len__(self) -> int:
        return len(self.f)

    @overload
    def __getitem__(self, place: int) -> Call: ...
    @overload
    def __getitem__(self, place: slice) -> list[Call]: ...
    def __getitem__(self, place: int | slice) -> Call | list[Call]:
        if isinstance(place, slice) or "_calls" in self.__dict__:
            return self._calls[place]
        f, asked, answered = self.f[place], int(self.asked[place]), int(self.answered[place])
        return Call(self.columns.f_names[f], self.value(asked), self.value(answered))

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)


def doubled_calls(calls: Sequence[Call], used: Integers, keeping: Collection[str]) -> Sequence[Call]:
    """Some of these calls, and after them the same without their replies, but for names that keep them."""
    if isinstance(calls, HistoryCalls):
        return calls.doubled(used, keeping)
    known = [calls[kind] for kind in used.tolist()]
    return (*known, *(call if call.f in keeping else call._replace(result=MAYBE) for call in known))


FEW_CALLS = 50
"""Up to this number of calls become objects one by one sooner than together."""
AT_ONCE = 1_000_000
"""How many operations are searched at once: what a search needs besides the history is bounded by these."""


def parts(history: History) -> HistoryParts:
    """One part a key, in order of first use. What `fail`ed, and the nemesis, is left out."""
    at_once = _parts_at_once(history)
    if at_once is not None:
        return at_once
    found = _by_key(history)
    return found.parts(0, len(found.keys))


def keys_of(history: History) -> Sequence[str | None]:
    """The keys of all parts, in order of first use."""
    return _by_key(history).keys


def parts_in_turn(history: History, only: Collection[str | None] | None = None) -> Iterator[HistoryParts]:
    """The same, some keys after the others: together `AT_ONCE` operations, or one key that has more.

    Args:
        only: the keys that are wanted; None for all.
    """
    at_once = _parts_at_once(history) if only is None else None
    if at_once is not None:
        if len(at_once):
            yield at_once
        return
    found = _by_key(history)
    if only is not None:
        found = found.only(only)
    begin = 0
    while begin < len(found.keys):
        end = int(np.searchsorted(found.starts, found.starts[begin] + AT_ONCE, side="right")) - 1
        end = max(end, begin + 1)
        yield found.parts(begin, end)
        begin = end


def _parts_at_once(history: History) -> HistoryParts | None:
    """All parts of a history, laid out by compiled code; None for a long one, or where that is no use."""
    columns = history.columns
    if len(history) > AT_ONCE or fitting(len(history)) is not Form.COMPILED:
        return None
    codes = columns.process, columns.key, columns.f, columns.value
    if columns.type.dtype != np.int8 or any(code.dtype != np.int64 for code in codes):
        return None
    most, named = int(np.count_nonzero(columns.type == INVOKE)), len(columns.keys) + 1
    space = np.empty(lay_out_size_of(most, named), dtype=np.int64)
    types = cast(Integers, columns.type)  # smaller numbers, which the kernel only compares
    keys, operations, calls = lay_out_by_key(Events(types, *codes, history.pairs), space, most, named)
    out = cut_out.plain(space, most, named)
    starts = out.starts[: keys + 1]
    return HistoryParts(
        tuple(None if one == 0 else columns.keys[one - 1] for one in out.used[:keys].tolist()),
        starts,
        out.begun[:operations],
        out.completed[:operations],
        out.kinds[:operations],
        HistoryCalls(columns, out.names[:calls], out.asked[:calls], out.answered[:calls]),
        int((starts[1:] - starts[:-1]).max(initial=0)),
    )


@dataclass(frozen=True)
class _ByKey:
    """The rows of a history's operations, ordered by key, and within a key by invocation."""

    columns: Columns
    keys: Sequence[str | None]
    starts: Integers
    begun: Integers
    ends: Integers
    known: npt.NDArray[np.bool_]
    """Whether the outcome is known."""

    def only(self, wanted: Collection[str | None]) -> _ByKey:
        """Those of some keys."""
        kept = np.fromiter((key in wanted for key in self.keys), bool, len(self.keys))
        if kept.all():
            return self
        lengths = np.diff(self.starts)
        rows = np.repeat(kept, lengths)
        return _ByKey(
            self.columns,
            tuple(key for key, is_kept in zip(self.keys, kept.tolist(), strict=True) if is_kept),
            np.concatenate([[0], np.cumsum(lengths[kept])]).astype(np.int64),
            self.begun[rows],
            self.ends[rows],
            self.known[rows],
        )

    def parts(self, begin: int, end: int) -> HistoryParts:
        """The parts of the keys from one place up to another."""
        columns, starts = self.columns, self.starts[begin : end + 1]
        own = slice(int(starts[0]), int(starts[-1]))
        begun, ends, known = self.begun[own], self.ends[own], self.known[own]
        f, asked = wide(columns.f[begun]), wide(columns.value[begun])
        answered = wide(np.where(known, columns.value[ends], UNTOLD))
        # Codes are at least UNTOLD, so that one number stands for name, argument and result together.
        width = len(columns.values) - UNTOLD
        packed = (f * width + asked - UNTOLD) * width + answered - UNTOLD
        _, example, kinds = np.unique(packed, return_index=True, return_inverse=True)
        in_turn = np.argsort(example)
        rank = np.empty(len(in_turn), dtype=np.int64)
        rank[in_turn] = np.arange(len(in_turn))
        example, kinds = example[in_turn], rank[kinds]
        return HistoryParts(
            self.keys[begin:end],
            starts - starts[0],
            begun,
            np.where(known, ends, NEVER),
            kinds,
            HistoryCalls(columns, f[example], asked[example], answered[example]),
            int(np.diff(starts).max(initial=0)),
        )


def _by_key(history: History) -> _ByKey:
    columns = history.columns
    begun = np.flatnonzero((columns.type == INVOKE) & (columns.process >= 0))
    ends = history.pairs[begun]
    outcome = np.where(ends >= 0, columns.type[ends], INFO)
    kept = outcome != FAIL
    begun, ends, known = begun[kept], ends[kept], outcome[kept] == OK
    code = columns.key[begun] + 1
    first = np.full(len(columns.keys) + 1, len(begun))
    first[code[::-1]] = np.arange(len(begun))[::-1]  # of several, the last assignment counts
    used = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(begun))]
    rank = np.zeros(len(first), dtype=np.int64)
    rank[used] = np.arange(len(used))
    place = rank[code]
    lengths = np.bincount(place, minlength=len(used))
    order = stable_order(place)
    return _ByKey(
        columns,
        tuple(None if one == 0 else columns.keys[one - 1] for one in used.tolist()),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        begun[order],
        ends[order],
        known[order],
    )


def _used(codes: Integers) -> Integers:
    """The codes that occur, in ascending order; `np.unique` would load another part of numpy for it."""
    return np.flatnonzero(np.bincount(codes - UNTOLD)) + UNTOLD


_SIMPLE = msgspec.json.Decoder(list[int | str | tuple[int, int] | None])
"""Decodes values that are numbers, texts and pairs of numbers to what `frozen` makes of them, and sooner."""


def _frozen(columns: Columns, codes: Sequence[int]) -> Iterable[Hashable]:
    """The values behind codes as models take them, decoded all at once where none has a mark."""
    texts = ",".join([columns.values[code] for code in codes])
    if MARK in texts:
        return map(frozen, map(columns.decoded, codes))
    try:
        return _SIMPLE.decode(f"[{texts}]")
    except msgspec.ValidationError:
        return map(frozen, msgspec.json.decode(f"[{texts}]"))
