"""Decides all parts of a history in one call of compiled code.

A part of a key-value store has some dozen operations and takes a microsecond or two to search, while each
call from Python into compiled code costs several, for the arrays that it takes. So one call prepares and
searches part after part in one arena. A part that needs more than that (a transition that only the model
can compute, or more memory) is left to `Engine.decide`. In plain Python, all parts are.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.linearizability.kernels.arena import (
    BEST,
    OPTIONS_FIRST,
    VISITED,
    Operations,
    Rules,
    cut,
    slots_for,
)
from checkers.linearizability.kernels.prepare import prepare
from checkers.linearizability.kernels.search import GAVE_UP, NOT_LINEARIZABLE, search, write_order
from checkers.linearizability.kernels.settle import cut_settling, settle
from history.kernels import Integers, compiled_in_place

LEFT = -1
"""The status of a part that was not decided here."""


class Batch(NamedTuple):
    """All parts of a history: the operations of part p are those from starts[p] up to starts[p + 1]."""

    starts: Integers
    invoked: Integers
    completed: Integers
    kinds: Integers


class Decided(NamedTuple):
    """What the searches found."""

    statuses: Integers
    """Of each part three numbers: its search's status (or LEFT), how many configurations the search
    visited, and how long its order is."""
    orders: Integers
    """Of each part its order, from starts[p] on."""


@compiled_in_place
def decide_each(
    batch: Batch,
    rules: Rules,
    begin: int,
    states: int,
    stamp: int,
    budget: int,
    is_one_enough: int,
    options_first: int,
    settles: int,
    room: int,
    space: Integers,
    slots: Integers,
    memo: Integers,
    settling: Integers,
    decided: Decided,
) -> None:
    """Search each part from the state `begin`, visiting at most `budget` configurations in each.

    The arena must have room for the longest part and for all `states`; `stamp` plus the part's number must be
    new to it. All statuses are LEFT at first; if one is enough, the first part without an order is the last
    one that is searched. If it `settles`, states are numbers below `states`, and operations of unknown
    outcome that certainly happened are given ends.
    """
    arena = cut(space, slots, memo, room, states)
    settled = cut_settling(settling, room, states)
    starts, (statuses, orders) = batch.starts, decided
    for part in range(len(starts) - 1):
        low, high = starts[part], starts[part + 1]
        operations = Operations(batch.invoked[low:high], batch.completed[low:high], batch.kinds[low:high])
        if settles and settle(operations, rules.effects, begin, settled):
            count = high - low
            operations = Operations(settled.invoked[:count], settled.completed[:count], batch.kinds[low:high])
        prepare(operations, rules, begin, states, stamp + part, slots_for(high - low), arena)
        arena.registers[OPTIONS_FIRST] = options_first
        status = search(arena, rules, budget)
        if status > GAVE_UP:
            continue
        statuses[3 * part] = status
        statuses[3 * part + 1] = arena.registers[VISITED]
        statuses[3 * part + 2] = arena.registers[BEST]
        write_order(arena, orders, low)
        if is_one_enough and status == NOT_LINEARIZABLE:
            return


@compiled_in_place
def lay_out(
    operations: Operations,
    rules: Rules,
    begin: int,
    states: int,
    stamp: int,
    options_first: int,
    room: int,
    states_room: int,
    space: Integers,
    slots: Integers,
    memo: Integers,
) -> None:
    """`prepare` in an arena that is cut from `space`."""
    arena = cut(space, slots, memo, room, states_room)
    prepare(operations, rules, begin, states, stamp, len(slots), arena)
    arena.registers[OPTIONS_FIRST] = options_first


@compiled_in_place
def go_on(
    effects: Integers,
    table_keys: Integers,
    table_values: Integers,
    prefixes: Integers,
    budget: int,
    room: int,
    states: int,
    space: Integers,
    slots: Integers,
    memo: Integers,
) -> int:
    """`search` in an arena that is cut from `space`; a search of tables is called thousands of times."""
    rules = Rules(effects, table_keys, table_values, prefixes)
    return search(cut(space, slots, memo, room, states), rules, budget)
