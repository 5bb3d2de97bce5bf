"""Parts of a history with states as bits of one number, and their calls as effects on these."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.arena import EFFECT_WIDTH, Operations
from checkers.linearizability.kernels.states.packing import (
    ALWAYS,
    MOST_BITS,
    PackedCalls,
    PackingSpace,
    pack,
    width_of,
)
from checkers.linearizability.kernels.transitions import (
    ANY,
    BITS_PUT,
    MASKED,
)
from checkers.linearizability.packing.entries import PUT, TEST, Entries, Mask, entries_of
from checkers.linearizability.packing.wide import WideSteps, of_fields
from checkers.linearizability.part import UNTOLD, HistoryCalls, HistoryParts, Integers, Part
from checkers.linearizability.search.settled import Named, settled
from checkers.models.fenced_lock import FencedLock
from checkers.models.model import Model
from checkers.models.multi_register import MultiRegister
from checkers.models.set import Set
from history.kernels import fitting

FEW_CALLS = 4
"""With at most this many calls for each operation of a part, all calls are packed with it: other parts of the
same calls are to come."""


@dataclass(frozen=True)
class Packed:
    """Operations as kinds of effects on bits."""

    effects: Integers
    """EFFECT_WIDTH numbers a kind."""
    invoked: Integers
    completed: Integers
    """When operations begin and end; it may be known that one of unknown outcome happened: see `settled`."""
    kinds: Integers
    """By operation."""
    fits: Mask
    """By part, whether a state of it fits into one number; the kinds of others mean nothing."""
    begin: int
    """The state before any operation."""


class Packing:
    """Packs the calls of one model; keeps what it found out about the calls that it saw last."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._may = isinstance(model, MultiRegister | Set | FencedLock)
        self._calls: object = None
        self._entries: Entries | None = None
        self._direct: Integers | None = None
        self._all: Packed | None = None
        self._wide: WideSteps | None = None
        self._wide_is_of_all = False
        """Whether the wide states that were used last serve all parts of these calls."""

    def of_parts(self, found: HistoryParts) -> Packed | None:
        """All parts of a history; None if its calls have no such form."""
        if not self._look_at(found.calls):
            return None
        return self._packed(found.starts, found.kinds, found.invoked, found.completed)

    def of_part(self, part: Part, is_settled: bool = True) -> Packed | None:
        """One part, if asked so with ends of what certainly happened; None if it does not fit."""
        if not self._look_at(part.calls):
            return None
        calls = len(part.calls)
        if calls <= FEW_CALLS * len(part) + FEW_CALLS and self._entries is not None:
            if self._all is None:
                rows = np.arange(calls, dtype=np.int64)
                self._all = self._packed(np.array([0, calls], dtype=np.int64), rows, rows, rows)
            if self._all.fits[0]:
                one = np.array([0, len(part)], dtype=np.int64)
                own = replace(
                    self._all,
                    invoked=part.invoked,
                    completed=part.completed,
                    kinds=self._all.kinds[part.kinds],
                )
                return _settled(own, self._entries, one, part.kinds) if is_settled else own
        starts = np.array([0, len(part)], dtype=np.int64)
        packed = self._packed(starts, part.kinds, part.invoked, part.completed)
        return packed if packed.fits[0] else None

    def wide(self, part: Part, is_settled: bool = True) -> tuple[Operations, WideSteps] | None:
        """One part that does not fit into a number, if asked so with ends of what certainly happened.

        None if its calls have no such form. For compiled code alone.
        """
        if not self._look_at(part.calls):
            return None
        if self._wide is not None and self._wide.are_many:
            self._wide = None
        operations = Operations(part.invoked, part.completed, part.kinds)
        one = np.array([0, len(part)], dtype=np.int64)
        if self._entries is None:
            return None
        calls = len(part.calls)
        is_of_all = calls <= FEW_CALLS * len(part) + FEW_CALLS
        if self._wide is None or not (is_of_all and self._wide_is_of_all):
            kinds = np.arange(calls, dtype=np.int64) if is_of_all else part.kinds
            self._wide, self._wide_is_of_all = of_fields(self._entries, kinds), is_of_all
        if not is_settled:
            return operations, self._wide
        packed = Packed(self._wide.effects, *operations, np.ones(1, dtype=bool), 0)
        packed = _settled(packed, self._entries, one, part.kinds)
        return Operations(packed.invoked, packed.completed, packed.kinds), self._wide

    def has_few_orders(self, calls: object) -> bool:
        """Whether a search of these calls tries few orders: the tokens of a lock only grow."""
        return self._look_at(calls) and isinstance(self._model, FencedLock)

    def entries(self, calls: object) -> Entries | None:
        """What these calls test and put; None where they have no such form."""
        return self._entries if self._look_at(calls) else None

    def _look_at(self, calls: object) -> bool:
        """Whether these calls can be packed."""
        if not self._may or not isinstance(calls, HistoryCalls):
            return False
        if calls is not self._calls:
            self._calls, self._all, self._direct, self._wide = calls, None, None, None
            self._entries = entries_of(calls, self._model)
            if isinstance(self._model, FencedLock):
                self._direct = of_locks(calls)
        return self._entries is not None or self._direct is not None

    def _packed(self, starts: Integers, kinds: Integers, invoked: Integers, completed: Integers) -> Packed:
        if self._direct is None:
            assert self._entries
            packed = _with_own_bits(self._entries, starts, kinds, invoked, completed)
            return _settled(packed, self._entries, starts, kinds)
        return Packed(self._direct, invoked, completed, kinds, np.ones(len(starts) - 1, dtype=bool), 0)


def _settled(packed: Packed, entries: Entries, starts: Integers, calls: Integers) -> Packed:
    """The same operations, of which those of unknown outcome end that certainly happened.

    What brings nothing that is asked for becomes the last kind, which has no effect.
    """
    if not (packed.completed == NEVER).any():
        return packed
    counts = np.diff(entries.starts)[calls]
    row = np.repeat(np.arange(len(calls), dtype=np.int64), counts)
    within = np.arange(len(row), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
    entry = np.repeat(entries.starts[calls], counts) + within
    what, thing = entries.what[entry], entries.thing[entry]
    at_first = np.zeros(entries.things, dtype=bool)
    at_first[entries.thing] = entries.at_first
    makes, needs = (Named(row[what == one], thing[what == one]) for one in (PUT, TEST))
    known = settled(starts, packed.invoked, packed.completed, makes, needs, at_first)
    nothing = len(packed.effects) // EFFECT_WIDTH - 1
    kinds = np.where(known.needless, nothing, packed.kinds)
    return replace(packed, invoked=known.invoked, completed=known.completed, kinds=kinds)


def _with_own_bits(
    entries: Entries, starts: Integers, kinds: Integers, invoked: Integers, completed: Integers
) -> Packed:
    """Parts each of which has bits of its own for what it names."""
    count, calls = len(kinds), len(entries.whole)
    form = fitting(2 * len(entries.what) + count)
    components, things = len(entries.texts), entries.things
    flat = form.flat
    space = PackingSpace(
        form.zeros(components, -1),
        form.zeros(components),
        form.zeros(components),
        form.zeros(things, -1),
        form.zeros(things),
        form.zeros(calls, -1),
        form.zeros(calls),
        form.zeros(components),
    )
    packed_calls = PackedCalls(
        flat(entries.starts),
        flat(entries.what),
        flat(entries.component),
        flat(entries.thing),
        flat(entries.at_first.astype(np.int64)),
        flat(entries.whole.astype(np.int64)),
    )
    effects, packed_kinds = form.zeros(EFFECT_WIDTH * count), form.zeros(count)
    fits = form.zeros(len(starts) - 1)
    found = form.of(pack)(flat(starts), flat(kinds), packed_calls, space, effects, packed_kinds, fits)
    effective = np.asarray(effects[: EFFECT_WIDTH * found], dtype=np.int64)
    return Packed(
        np.concatenate([effective, np.zeros(EFFECT_WIDTH, dtype=np.int64)]),
        invoked,
        completed,
        np.asarray(packed_kinds, dtype=np.int64),
        np.asarray(fits, dtype=bool),
        0,
    )


def of_locks(calls: HistoryCalls) -> Integers | None:
    """The effects of calls of a lock with tokens; None if a call needs a closer look.

    A state is the greatest token that was given, and the one that holds the lock (0 if none does), each as
    its rank from 1 on among all tokens that were given. A holder that no client knows is above these.
    """
    columns = calls.columns
    acquire, release, expire = (calls.f == columns.f_code(f) for f in ("acquire", "release", "expire"))
    gives = acquire & (calls.answered != UNTOLD)
    if not (acquire | release | expire).all() or (calls.answered[gives] < 0).any():
        return None
    used = np.unique(np.concatenate([calls.answered[gives], calls.asked[release]]))
    if len(used) and used[0] < 0:
        return None
    texts = [columns.values[code] for code in used.tolist()]
    if not all(text.isascii() and text.isdecimal() for text in texts):
        return None
    numbers = [msgspec.json.decode(text) for text in texts]
    given = np.unique(calls.answered[gives]).tolist()
    ranks = {
        number: rank
        for rank, number in enumerate(sorted(numbers[int(np.searchsorted(used, code))] for code in given), 1)
    }
    rank = np.zeros(len(used) + 1, dtype=np.int64)
    rank[:-1] = [ranks.get(number, 0) for number in numbers]
    unknown = len(given) + 1
    bits = width_of.plain(unknown)
    if 2 * bits > MOST_BITS:
        return None
    holder = (1 << bits) - 1
    effects = np.zeros((len(calls), EFFECT_WIDTH), dtype=np.int64)
    effects[:, 0] = np.where(expire, ANY, MASKED)
    effects[:, 2] = BITS_PUT
    effects[:, 4] = holder
    effects[:, 5] = np.where(expire, 0, holder)
    effects[:, 6] = ALWAYS
    effects[acquire, 3] = unknown
    own = rank[np.searchsorted(used, calls.answered[gives])]
    effects[gives, 3] = own << bits | own
    effects[gives, 4] = -1
    effects[gives, 6] = own << bits
    taken = rank[np.searchsorted(used, calls.asked[release])]
    effects[release, 1] = taken
    effects[release, 6] = np.where(taken > 0, ALWAYS, 0)
    return effects.reshape(-1)
