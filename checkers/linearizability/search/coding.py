"""Calls as effects in numbers, for all calls of a history at once.

A call by itself takes some microseconds, of which a history of distinct values has as many as operations. So
reads and writes of registers, which only pass values on, are taken from the columns of the history; all
other calls are asked of the model, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import EFFECT_WIDTH
from checkers.linearizability.part import UNTOLD, HistoryCalls, Integers
from checkers.models.model import ANYTHING, Call, Effect, Model, ScalarAction
from checkers.models.mutex import Mutex
from checkers.models.register import CasRegister, ReadWriteRegister
from checkers.models.registry import RegistryEntry

Numbers = tuple[int, int, int, int, int]

FORMULA = 5
"""How many of a call's numbers `encoded` gives; the others are for states as bits."""
READS: dict[type, str] = {ReadWriteRegister: "read", CasRegister: "read", RegistryEntry: "lookup"}
"""By model the operation that keeps the state, and needs it to be what it replied."""
WRITES: dict[type, str] = {ReadWriteRegister: "write", CasRegister: "write", RegistryEntry: "register"}
"""By model the operation that puts its argument."""


class CodedCalls(NamedTuple):
    """Calls whose states are single values, as effects on the numbers of these."""

    effects: npt.NDArray[np.int64]
    """By call its numbers: test, tested state, action (KEEP or PUT), argument; others do not matter."""
    states: Sequence[Hashable]
    """By number the state."""
    initial: int
    """The number of the initial state."""


def coded_effects(effects: Sequence[Effect], initial: Hashable) -> CodedCalls:
    """The same from the effects of calls of which none adds or appends."""
    numbers: dict[Hashable, int] = {initial: 0}
    rows = []
    for action, argument, expected, unless in effects:
        test, tested = transitions.ANY, initial
        if expected is not ANYTHING:
            test, tested = transitions.IS, expected
        elif unless is not ANYTHING:
            test, tested = transitions.IS_NOT, unless
        put = argument if action is ScalarAction.PUT else initial
        kind = transitions.PUT if action is ScalarAction.PUT else transitions.KEEP
        states = [numbers.setdefault(state, len(numbers)) for state in (tested, put)]
        rows.append((test, states[0], kind, states[1]))
    return CodedCalls(np.array(rows, dtype=np.int64).reshape(-1, 4), tuple(numbers), 0)


def effects_of(
    calls: Sequence[Call],
    model: Model,
    *,
    numbers: Callable[[Sequence[Hashable]], list[int]],
    encoded: Callable[[Call], Numbers],
) -> Integers:
    """EFFECT_WIDTH numbers for each call; `numbers` gives those of states, and `encoded` those of a call.

    Raises:
        IllegalCall: the model does not know one of the calls.
    """
    effects = np.zeros((len(calls), EFFECT_WIDTH), dtype=np.int64)
    if isinstance(calls, HistoryCalls) and type(model) is Mutex and _of_locks(calls, effects, numbers):
        return effects.reshape(-1)
    left = np.ones(len(calls), dtype=bool)
    if isinstance(calls, HistoryCalls) and type(model) in READS:
        columns = calls.columns
        reads = calls.f == columns.f_code(READS[type(model)])
        writes = calls.f == columns.f_code(WRITES[type(model)])
        shows = reads & (calls.answered != UNTOLD)
        effects[reads, 0] = transitions.ANY
        effects[shows, 0] = transitions.IS
        effects[shows, 1] = _numbers(calls, calls.answered[shows], numbers)
        effects[reads, 2] = transitions.KEEP
        effects[writes, 0] = transitions.ANY
        effects[writes, 2] = transitions.PUT
        effects[writes, 3] = _numbers(calls, calls.asked[writes], numbers)
        left = ~reads & ~writes
        if type(model) is CasRegister:
            swaps = np.flatnonzero(calls.f == columns.f_code("cas"))
            if _swapped(calls, swaps, effects, numbers):
                left[swaps] = False
        elif type(model) is RegistryEntry:
            left &= ~_removed_or_updated(calls, effects, numbers)
    places = np.flatnonzero(left).tolist()
    others = iter(calls) if len(places) == len(calls) else map(calls.__getitem__, places)
    for place, call in zip(places, others, strict=True):
        effects[place, :FORMULA] = encoded(call)
    return effects.reshape(-1)


def _of_locks(
    calls: HistoryCalls, effects: Integers, numbers: Callable[[Sequence[Hashable]], list[int]]
) -> bool:
    """Write the effects of `acquire` and `release`, if there are no others."""
    acquire, release = map(calls.columns.f_code, ("acquire", "release"))
    free, held = numbers([False, True])
    numbered = {
        acquire: (transitions.IS, free, transitions.PUT, held),
        release: (transitions.IS, held, transitions.PUT, free),
    }
    names = calls.f.tolist()
    if not {*names} <= {*numbered}:
        return False
    effects[:, :4] = np.array([numbered[name] for name in names], dtype=np.int64).reshape(-1, 4)
    return True


def _swapped(
    calls: HistoryCalls,
    swaps: Integers,
    effects: Integers,
    numbers: Callable[[Sequence[Hashable]], list[int]],
) -> bool:
    """Write the effects of `cas [old, new]`, if all have that form."""
    values = calls.values(calls.asked[swaps])
    pairs = [value for value in values if type(value) is tuple and len(value) == 2]
    if len(pairs) < len(values):
        return False
    states = np.array(numbers(list(chain.from_iterable(pairs))), dtype=np.int64)
    texts = calls.columns.values
    other = calls.answered[swaps] == (texts.index("false") if "false" in texts else UNTOLD - 1)
    effects[swaps, 0] = np.where(other, transitions.IS_NOT, transitions.IS)
    effects[swaps, 1] = states[::2]
    effects[swaps, 2] = np.where(other, transitions.KEEP, transitions.PUT)
    effects[swaps, 3] = np.where(other, 0, states[1::2])
    return True


def _removed_or_updated(
    calls: HistoryCalls, effects: Integers, numbers: Callable[[Sequence[Hashable]], list[int]]
) -> npt.NDArray[np.bool_]:
    """Write the effects of `deregister` and `update` of a registry; which calls these are."""
    columns, nothing = calls.columns, numbers([None])[0]
    removes = calls.f == columns.f_code("deregister")
    shows = removes & (calls.answered != UNTOLD)
    updates = calls.f == columns.f_code("update")
    no = columns.values.index("false") if "false" in columns.values else UNTOLD - 1
    refused = updates & (calls.answered == no)
    puts = updates & ~refused
    effects[shows, 0] = transitions.IS
    effects[shows, 1] = _numbers(calls, calls.answered[shows], numbers)
    effects[removes, 2] = transitions.PUT
    effects[removes, 3] = nothing
    effects[refused, 0], effects[refused, 1] = transitions.IS, nothing
    effects[puts, 0], effects[puts, 1] = transitions.IS_NOT, nothing
    effects[puts, 2] = transitions.PUT
    effects[puts, 3] = _numbers(calls, calls.asked[puts], numbers)
    found: npt.NDArray[np.bool_] = removes | updates
    return found


def _numbers(
    calls: HistoryCalls, codes: Integers, numbers: Callable[[Sequence[Hashable]], list[int]]
) -> Integers:
    """The numbers of the states behind these codes of values."""
    used, places = np.unique(codes, return_inverse=True)
    table = np.array(numbers(calls.values(used)), dtype=np.int64)
    return table[places]
