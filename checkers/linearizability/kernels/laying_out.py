"""Takes a history's operations apart by key, and numbers their different calls, in one pass each.

The same as `part` does with arrays, sooner: of a small history each call of numpy takes longer than its work.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.arena import slots_for
from history.history import FAIL, INVOKE, OK
from history.kernels import Integers, compiled_in_place

UNTOLD = -2
"""The code of the result of an operation of unknown outcome; -1 is None, as in `Columns`."""


class Events(NamedTuple):
    """The columns of a history, and its pairs."""

    types: Integers
    process: Integers
    key: Integers
    f: Integers
    value: Integers
    pairs: Integers


class LaidOut(NamedTuple):
    """Room for n operations on k keys, one more than the history names."""

    ranks: Integers
    """By key which one is used first, second and so on; -1 for others."""
    used: Integers
    """The keys in order of first use, none as 0."""
    starts: Integers
    """By key in that order where its operations begin, and at last where they end."""
    begun: Integers
    """The operations, key by key: when each is invoked."""
    completed: Integers
    """When it completes; `NEVER` where its outcome is not known."""
    kinds: Integers
    """Which call it is."""
    names: Integers
    """By different call in order of first use the name ..."""
    asked: Integers
    """... the argument ..."""
    answered: Integers
    """... and the result."""
    slots: Integers
    """A hash table of calls."""


def lay_out_size_of(operations: int, keys: int) -> int:
    """How many numbers `cut_out` takes."""
    return 3 * keys + 1 + 6 * operations + int(slots_for.plain(operations))


@compiled_in_place
def cut_out(space: Integers, operations: int, keys: int) -> LaidOut:
    """Room for that many operations on that many keys, cut from one array."""
    n, k = operations, keys
    at = 3 * k + 1
    return LaidOut(
        space[:k],
        space[k : 2 * k],
        space[2 * k : at],
        space[at : at + n],
        space[at + n : at + 2 * n],
        space[at + 2 * n : at + 3 * n],
        space[at + 3 * n : at + 4 * n],
        space[at + 4 * n : at + 5 * n],
        space[at + 5 * n : at + 6 * n],
        space[at + 6 * n :],
    )


@compiled_in_place
def lay_out_by_key(events: Events, space: Integers, most: int, named: int) -> tuple[int, int, int]:
    """Write all operations that may have happened; the numbers of keys, operations and different calls.

    Args:
        space: `cut_out` says what is written where.
        most: how many operations there is room for.
        named: how many keys there are at most.
    """
    types, process, key, f, value, pairs = events
    ranks, used, starts, begun, completed, kinds, names, asked, answered, slots = cut_out(space, most, named)
    for rank in range(named):
        ranks[rank] = -1
        starts[rank + 1] = 0
    starts[0] = 0
    for slot in range(len(slots)):
        slots[slot] = -1
    keys = operations = 0
    for at in range(len(types)):
        if types[at] != INVOKE or process[at] < 0:
            continue
        end = pairs[at]
        if end >= 0 and types[end] == FAIL:
            continue
        own = key[at] + 1
        if ranks[own] < 0:
            ranks[own] = keys
            used[keys] = own
            keys += 1
        starts[ranks[own] + 1] += 1
        operations += 1
    for rank in range(keys):
        starts[rank + 1] += starts[rank]
    for at in range(len(types)):
        if types[at] != INVOKE or process[at] < 0:
            continue
        end = pairs[at]
        if end >= 0 and types[end] == FAIL:
            continue
        rank = ranks[key[at] + 1]
        place = starts[rank]
        starts[rank] += 1
        begun[place] = at
        completed[place] = end if end >= 0 and types[end] == OK else NEVER
    for rank in range(keys, 0, -1):
        starts[rank] = starts[rank - 1]
    starts[0] = 0
    mask = len(slots) - 1
    count = 0
    for place in range(operations):
        at, end = begun[place], completed[place]
        name, asks = f[at], value[at]
        answer = UNTOLD if end == NEVER else value[end]
        mixed = (asks + 3) * 40503 + (answer + 3) * 31 + name
        slot = ((mixed & 0x7FFFFFFF) * 2654435761 >> 16) & mask
        while slots[slot] >= 0 and (
            names[slots[slot]] != name or asked[slots[slot]] != asks or answered[slots[slot]] != answer
        ):
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = count
            names[count] = name
            asked[count] = asks
            answered[count] = answer
            count += 1
        kinds[place] = slots[slot]
    return keys, operations, count
