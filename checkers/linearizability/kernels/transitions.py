"""What an operation does to a state: by a formula of its kind, or by a table of transitions."""

from __future__ import annotations

from checkers.linearizability.kernels.arena import EFFECT_WIDTH, Rules
from history.kernels import Integers, compiled_in_place, inlined

ANY, IS, IS_NOT, TABLE, MASKED = range(5)
"""Tests of a kind: none, the state is this one, it is another, the table decides, or some bits of the state
are these and it is below a limit."""
KEEP, PUT, ADD, APPEND, BITS_PUT = range(5)
"""Actions of a kind. The last one takes the state as bits: see `packing`."""
PRIME = (1 << 61) - 1
ILLEGAL, UNKNOWN = -(1 << 62), -(1 << 62) + 1
OFF = -(1 << 62) + 2
"""Stands for every text that leads to none which a reply shows, however much is appended to it."""


@inlined
def step(rules: Rules, state: int, kind: int) -> int:
    """The state after an operation of that kind, ILLEGAL, or UNKNOWN if the table does not hold it yet."""
    effects = rules.effects
    at = kind * EFFECT_WIDTH
    test = effects[at]
    if test == TABLE:
        return look_up(rules, (state << 30) | kind)
    if test == IS:
        if state != effects[at + 1]:
            return ILLEGAL
    elif test == IS_NOT:
        if state == effects[at + 1]:
            return ILLEGAL
    elif test == MASKED and (state & effects[at + 5] != effects[at + 1] or state >= effects[at + 6]):
        return ILLEGAL
    action = effects[at + 2]
    if action == KEEP:
        return state
    if action == PUT:
        put: int = effects[at + 3]
        return put
    if action == ADD:
        total: int = state + effects[at + 3]
        return total
    if action == BITS_PUT:
        put_bits: int = (state & ~effects[at + 4]) | effects[at + 3]
        return put_bits
    if state == OFF:
        return OFF
    appended: int = times_modulo(state, effects[at + 4]) + effects[at + 3]
    if appended >= PRIME:
        appended -= PRIME
    return appended if holds(rules.prefixes, appended) else OFF


@inlined
def holds(table: Integers, number: int) -> bool:
    """Whether an open hash table, whose empty slots are -1, holds a number."""
    mask = len(table) - 1
    h = (number & 0x3FFFFFFF) * 1000003 + (number >> 30)
    slot = (h ^ (h >> 19)) & mask
    while table[slot] != -1:
        if table[slot] == number:
            return True
        slot = (slot + 1) & mask
    return False


@inlined
def slot_of(key: int, mask: int) -> int:
    """Where the search of a table for (state, kind), packed as `key`, begins.

    States and kinds are both small numbers that follow each other, so each is spread by a factor of its own.
    """
    h = (key >> 30) * 2654435761 + (key & 0x3FFFFFFF) * 40503
    return (h ^ (h >> 23)) & mask


@inlined
def look_up(rules: Rules, key: int) -> int:
    """The state that follows (state, kind), packed as `key`; UNKNOWN if the table does not hold it."""
    keys = rules.table_keys
    mask = len(keys) - 1
    slot = slot_of(key, mask)
    while keys[slot] != -1:
        if keys[slot] == key:
            found: int = rules.table_values[slot]
            return found
        slot = (slot + 1) & mask
    return UNKNOWN


@compiled_in_place
def learn(table_keys: Integers, table_values: Integers, keys: Integers, values: Integers) -> None:
    """Put transitions into a table, which must have room for them; a key of -1 stands for none."""
    for place in range(len(keys)):
        if keys[place] != -1:
            note(table_keys, table_values, keys[place], values[place])


@inlined
def note(table_keys: Integers, table_values: Integers, key: int, value: int) -> None:
    """Put one transition into a table, which must have room for it."""
    mask = len(table_keys) - 1
    slot = slot_of(key, mask)
    while table_keys[slot] != -1:
        slot = (slot + 1) & mask
    table_keys[slot] = key
    table_values[slot] = value


@compiled_in_place
def times_modulo(a: int, b: int) -> int:
    """The product of a and b modulo 2**61 - 1, for a and b below that, without a 128-bit product."""
    a_high, a_low = a >> 31, a & 0x7FFFFFFF
    b_high, b_low = b >> 31, b & 0x7FFFFFFF
    middle = a_low * b_high + a_high * b_low
    total = a_high * b_high * 2 + (middle >> 30) + ((middle & 0x3FFFFFFF) << 31)
    total = (total & 0x1FFFFFFFFFFFFFFF) + (total >> 61)
    low = a_low * b_low
    total += (low & 0x1FFFFFFFFFFFFFFF) + (low >> 61)
    total = (total & 0x1FFFFFFFFFFFFFFF) + (total >> 61)
    return total - 0x1FFFFFFFFFFFFFFF if total >= 0x1FFFFFFFFFFFFFFF else total
