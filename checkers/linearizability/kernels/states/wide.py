"""States that are wider than a number: several words each, numbered as a search meets them.

A search knows a state by its number. When it first needs what an operation does to a state, the words of the
state that follows are computed here, and looked up among all words so far: equal words are one state, so that
an order found, and that there is none, is a proof as with states of one number.

A set or a group of registers is one field of bits for each component.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.linearizability.kernels.arena import BITS, MISSING, STATE, Rules, cut
from checkers.linearizability.kernels.search import NEED, search
from checkers.linearizability.kernels.states.packing import PackedCalls, width_of
from checkers.linearizability.kernels.states.steps import OWN, PUT
from checkers.linearizability.kernels.transitions import (
    ILLEGAL,
    UNKNOWN,
    look_up,
    note,
)
from history.kernels import Integers, compiled_in_place

KNOWN, LEARNT = range(2)
"""The registers of `WideStates`: how many states are numbered, and how many transitions are known."""


class WideFields(NamedTuple):
    """Where the components of states have their bits."""

    word: Integers
    """By component."""
    shift: Integers
    mask: Integers
    """The bits of the component's values, before they are shifted."""
    number: Integers
    """By thing the number of its value in the component."""


class WideStates(NamedTuple):
    """The states so far."""

    registers: Integers
    words: Integers
    """By state its words; after the last one, room to compute another."""
    slots: Integers
    """An open hash table of the states; -1 where a slot is empty."""


@compiled_in_place
def lay_out_fields(kinds: Integers, calls: PackedCalls, space: Integers, fields: WideFields) -> int:
    """Give a field to each component that operations of these kinds name; how many words a state has.

    `fields.word` is -1 at first, and `fields.number` is -1. `space` has room for a number by component.
    """
    starts, _, component, thing, at_first, _ = calls
    named = 0
    for row in range(len(kinds)):
        for entry in range(starts[kinds[row]], starts[kinds[row] + 1]):
            own, held = component[entry], thing[entry]
            if fields.word[own] < 0:
                fields.word[own] = 0
                fields.mask[own] = 0  # from here on, and until all are known: how many values there are
                space[named] = own
                named += 1
            if fields.number[held] < 0:
                if at_first[entry]:
                    fields.number[held] = 0
                else:
                    fields.mask[own] += 1
                    fields.number[held] = fields.mask[own]
    word = shift = 0
    for place in range(named):
        own = space[place]
        width = width_of(fields.mask[own])
        if shift + width > BITS:
            word, shift = word + 1, 0
        fields.word[own], fields.shift[own] = word, shift
        fields.mask[own] = (1 << width) - 1
        shift += width
    return word + 1


@compiled_in_place
def put_fields(
    words: Integers, before: int, after: int, width: int, call: int, calls: PackedCalls, fields: WideFields
) -> bool:
    """Write the words that follow those at `before` to `after`; whether the call is possible there."""
    starts, what, component, thing, _, whole = calls
    if whole[call]:
        for place in range(width):
            words[after + place] = 0
        for entry in range(starts[call], starts[call + 1]):
            own = component[entry]
            words[after + fields.word[own]] |= fields.number[thing[entry]] << fields.shift[own]
        same = True
        for place in range(width):
            same = same and words[after + place] == words[before + place]
        return bool(same)
    for place in range(width):
        words[after + place] = words[before + place]
    for entry in range(starts[call], starts[call + 1]):
        own = component[entry]
        shift, mask, number = fields.shift[own], fields.mask[own], fields.number[thing[entry]]
        at = after + fields.word[own]
        if what[entry] == PUT:
            words[at] = (words[at] & ~(mask << shift)) | number << shift
            continue
        if what[entry] != OWN:
            at = before + fields.word[own]
        if words[at] >> shift & mask != number:
            return False
    return True


@compiled_in_place
def numbered_state(states: WideStates, width: int) -> int:
    """The number of the state whose words come after those of all others; a new one if it is new."""
    words, slots = states.words, states.slots
    known = states.registers[KNOWN]
    at = known * width
    h = 0
    for place in range(width):
        value = words[at + place]
        h = h * 1000003 + (value & 0x3FFFFFFF)
        h = (h ^ (h >> 19)) & 0x3FFFFFFFFFF
        h = h * 1000033 + (value >> 30)
        h = (h ^ (h >> 23)) & 0x3FFFFFFFFFF
    mask = len(slots) - 1
    slot = h & mask
    while slots[slot] >= 0:
        same = True
        other = slots[slot] * width
        place = 0
        while same and place < width:
            same = words[other + place] == words[at + place]
            place += 1
        if same:
            return int(slots[slot])
        slot = (slot + 1) & mask
    slots[slot] = known
    states.registers[KNOWN] = known + 1
    return int(known)


@compiled_in_place
def enter_again(states: WideStates, width: int) -> None:
    """Fill the empty slots from all words."""
    known = states.registers[KNOWN]
    states.registers[KNOWN] = 0
    for _ in range(known):  # the next words are those of the next state, as all states differ
        numbered_state(states, width)


@compiled_in_place
def go_on_wide(
    effects: Integers,
    table_keys: Integers,
    table_values: Integers,
    prefixes: Integers,
    budget: int,
    room: int,
    states_room: int,
    space: Integers,
    slots: Integers,
    memo: Integers,
    states: WideStates,
    width: int,
    calls: PackedCalls,
    fields: WideFields,
) -> int:
    """`search`, which learns what follows each state; the status is NEED where there is no room for more."""
    rules = Rules(effects, table_keys, table_values, prefixes)
    arena = cut(space, slots, memo, room, states_room)
    registers = states.registers
    while True:
        status = search(arena, rules, budget)
        if status != NEED:
            return int(status)
        state, missing = arena.registers[STATE], arena.registers[MISSING]
        if (
            2 * (registers[LEARNT] + missing) > len(table_keys)
            or 2 * (registers[KNOWN] + missing) > len(states.slots)
            or (registers[KNOWN] + missing + 1) * width > len(states.words)
        ):
            return NEED
        for place in range(missing):
            kind = arena.missing[place]
            if look_up(rules, (state << 30) | kind) != UNKNOWN:
                continue
            before, after = state * width, registers[KNOWN] * width
            possible = put_fields(states.words, before, after, width, kind, calls, fields)
            follows = numbered_state(states, width) if possible else ILLEGAL
            note(table_keys, table_values, (state << 30) | kind, follows)
            registers[LEARNT] += 1
