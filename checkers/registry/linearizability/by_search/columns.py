"""Instances of a registry judged straight from a history's columns, a million operations a second.

Nothing here calls a key invalid: a key is either proven linearizable, by zones or by the compiled search, or
left to `explain`, which then looks at that key alone. Zones know nothing of an update's condition, so a key
with updates is always searched. A history with lists is left whole, as a list reads many keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.kernels.arena import EFFECT_WIDTH, Operations
from checkers.linearizability.kernels.transitions import ANY, IS, IS_NOT, KEEP, PUT
from checkers.linearizability.kernels.zones import (
    AMBIGUOUS,
    READ,
    REMOVE,
    WRITE,
    YES,
    RegisterOperations,
    by_zones,
)
from checkers.linearizability.search.kind_search import KindSearch
from checkers.registry.linearizability.by_search.presence import PUTS, PresenceEffect, PresenceOperation
from checkers.registry.linearizability.by_search.split import EFFECTS
from checkers.registry.names import DEREGISTER, LOOKUP, REGISTER, UPDATE
from history import History
from history.history import FAIL, INVOKE, OK, wide
from history.kernels import Integers

CONFIGURATIONS_PER_OPERATION = 20


@dataclass(frozen=True)
class Screened:
    """What a pass over all keys proved."""

    keys: tuple[str, ...]
    proven: npt.NDArray[np.bool_]
    """By key."""
    operations: int
    searched: int
    """How many keys zones could not decide."""


def screen(history: History) -> Screened | None:
    """Prove as many keys as can be. None where the columns hold what this does not read."""
    columns = history.columns
    begun = np.flatnonzero((columns.type == INVOKE) & (columns.process >= 0))
    codes = [columns.f_code(name) for name in (REGISTER, UPDATE, DEREGISTER, LOOKUP)]
    f = columns.f[begun]
    if not len(begun) or not np.isin(f, codes).all() or (columns.key[begun] < 0).any():
        return None
    ends = history.pairs[begun]
    outcome = np.where(ends >= 0, columns.type[ends], -1)
    known = outcome == OK
    false = columns.values.index("false") if "false" in columns.values else -2
    is_change = (f == codes[1]) & ~(known & (columns.value[ends] == false))
    is_write, is_remove = (f == codes[0]) | is_change, f == codes[2]
    found_nothing = (f == codes[1]) & ~is_change
    kept = (outcome != FAIL) & (known | is_write | is_remove)
    answered = np.where(known, columns.value[ends], -1)
    values = wide(np.where(is_write, columns.value[begun], answered)) + 1
    values[found_nothing] = 0
    texts = np.array([text.startswith('"') for text in columns.values], dtype=bool)
    used = values[kept & (values > 0)] - 1
    if not texts[used].all() or (values[is_write] == 0).any():
        return None
    order = np.flatnonzero(kept)
    order = order[np.argsort(columns.key[begun][order], kind="stable")]
    key = columns.key[begun][order]
    edges = np.flatnonzero(np.diff(key)) + 1
    starts = np.concatenate([[0], edges, [len(order)]]).astype(np.int64)
    effects = np.where(is_write, WRITE, np.where(is_remove, REMOVE, READ))[order]
    invoked, completed = begun[order], np.where(known, ends, NEVER)[order]
    operations = RegisterOperations(starts, invoked, completed, effects, values[order])
    answers = by_zones(operations, len(columns.values) + 1)
    changes = is_change[order]
    if len(order):
        answers[(answers == YES) & (np.logical_or.reduceat(changes, starts[:-1]))] = AMBIGUOUS
    proven = answers == YES
    unsure = np.flatnonzero(answers == AMBIGUOUS)
    _search(proven, unsure, operations, changes, len(columns.values) + 1)
    named = tuple(columns.keys[code] for code in key[starts[:-1]].tolist()) if len(order) else ()
    return Screened(named, proven, len(order), len(unsure))


def operations_on(history: History, keys: Iterable[str]) -> dict[str, list[PresenceOperation]]:
    """By key its operations, by invocation; of a history that `screen` read."""
    columns = history.columns
    names = {columns.keys.index(key): key for key in keys}
    found: dict[str, list[PresenceOperation]] = {key: [] for key in names.values()}
    mine = np.isin(columns.key, list(names)) & (columns.type == INVOKE) & (columns.process >= 0)
    for row in np.flatnonzero(mine).tolist():
        f, end = columns.f_names[columns.f[row]], int(history.pairs[row])
        ok = end >= 0 and columns.type[end] == OK
        if (end >= 0 and columns.type[end] == FAIL) or (f == LOOKUP and not ok):
            continue
        effect, reply = EFFECTS[f], columns.decoded(int(columns.value[end])) if ok else None
        if f == UPDATE and reply is False:
            effect, reply = PresenceEffect.READ, None
        id_ = columns.decoded(int(columns.value[row])) if effect in PUTS else reply
        operation = PresenceOperation(effect, id_, row, end if ok else None, f)
        found[names[int(columns.key[row])]].append(operation)
    return found


def _search(
    proven: npt.NDArray[np.bool_],
    unsure: Integers,
    operations: RegisterOperations,
    changes: npt.NDArray[np.bool_],
    states: int,
) -> None:
    """Try the compiled search on the keys that zones could not decide; marks those that it proves."""
    if not len(unsure):
        return
    starts, invoked, completed, effects, values = operations
    read, write = effects == READ, effects == WRITE
    unknown_removal = (effects == REMOVE) & (completed == NEVER)
    table = np.zeros((len(values), EFFECT_WIDTH), dtype=np.int64)
    table[:, 0] = np.where(write | unknown_removal, ANY, IS)
    table[changes, 0] = IS_NOT
    table[:, 1] = np.where(write, 0, values)
    table[:, 2] = np.where(read, KEEP, PUT)
    table[:, 3] = np.where(write, values, 0)
    search = KindSearch()
    search.use_effects(table.ravel())
    kinds = np.arange(len(values), dtype=np.int64)
    for key in unsure.tolist():
        own = slice(starts[key], starts[key + 1])
        budget = Budget(20_000 + CONFIGURATIONS_PER_OPERATION * (starts[key + 1] - starts[key]))
        result = search.decide(Operations(invoked[own], completed[own], kinds[own]), 0, states, budget)
        proven[key] = result.answer is Answer.LINEARIZABLE
