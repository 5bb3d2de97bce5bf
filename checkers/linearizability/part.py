"""What a search is given: the operations on one key as arrays, and how a history becomes such parts.

Linearizability is local (Herlihy & Wing 1990, theorem 1), so a history is judged key by key wherever
its operations name one (P-compositionality: Horn & Kroening, FORTE 2015).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.models.model import MAYBE, Call
from history import History
from history.values import frozen

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


def parts(history: History) -> HistoryParts:
    """One part a key, in order of first use. What `fail`ed, and the nemesis, is left out."""
    known: dict[Call, int] = {}
    by_key: dict[str | None, tuple[list[int], list[int], list[int]]] = {}
    for key, call, invoked, completed in _calls(history):
        own = by_key.get(key)
        if own is None:
            own = by_key[key] = ([], [], [])
        own[0].append(invoked)
        own[1].append(completed)
        own[2].append(known.setdefault(call, len(known)))
    invoked_all, completed_all, kinds = (
        np.array([number for own in by_key.values() for number in own[column]], dtype=np.int64)
        for column in range(3)
    )
    lengths = [len(own[0]) for own in by_key.values()]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return HistoryParts(
        tuple(by_key), starts, invoked_all, completed_all, kinds, tuple(known), max(lengths, default=0)
    )


def _calls(history: History) -> Iterator[tuple[str | None, Call, int, int]]:
    for invocation in history:
        if invocation.type != "invoke" or not invocation.is_client:
            continue
        completion = history.completion(invocation)
        argument: Hashable = frozen(invocation.value)
        if completion is None or completion.type == "info":
            yield invocation.key, Call(invocation.f, argument, MAYBE), invocation.index, NEVER
        elif completion.type == "ok":
            call = Call(invocation.f, argument, frozen(completion.value))
            yield invocation.key, call, invocation.index, completion.index
