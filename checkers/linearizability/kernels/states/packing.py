"""Gives the parts of a history bits for what they name, and their calls as effects on these bits."""

from __future__ import annotations

from typing import NamedTuple

from checkers.linearizability.kernels.arena import EFFECT_WIDTH
from checkers.linearizability.kernels.states.steps import OWN, PUT
from checkers.linearizability.kernels.transitions import ANY, BITS_PUT, KEEP, MASKED
from history.kernels import Integers, compiled_in_place

MOST_BITS = 61
"""How many bits a state has."""
ALWAYS = 1 << 62
"""Above every state."""


class PackedCalls(NamedTuple):
    """What calls test and put: see `packing.entries.Entries`."""

    starts: Integers
    what: Integers
    component: Integers
    thing: Integers
    at_first: Integers
    whole: Integers


class PackingSpace(NamedTuple):
    """Work space: by component, by thing and by call. All is -1 at first."""

    part_of_component: Integers
    values: Integers
    """By component how many values a part gives it, besides the one that it holds at first."""
    offset: Integers
    part_of_thing: Integers
    number: Integers
    """By thing the number of its value in the component."""
    part_of_call: Integers
    kind_of_call: Integers
    named: Integers
    """The components of a part."""


@compiled_in_place
def width_of(values: int) -> int:
    """How many bits hold the numbers from 0 to `values`."""
    bits = 0
    while values >> bits:
        bits += 1
    return bits


@compiled_in_place
def pack(
    part_starts: Integers,
    kinds: Integers,
    calls: PackedCalls,
    space: PackingSpace,
    effects: Integers,
    packed_kinds: Integers,
    fits: Integers,
) -> int:
    """Write effects, the kind of each operation among these, and by part whether it fits; how many effects.

    There must be room for as many effects as operations.
    """
    starts, what, component, thing, at_first, whole = calls
    found = 0
    for part in range(len(part_starts) - 1):
        low, high = part_starts[part], part_starts[part + 1]
        named = bits = 0
        for row in range(low, high):
            for entry in range(starts[kinds[row]], starts[kinds[row] + 1]):
                own, held = component[entry], thing[entry]
                if space.part_of_component[own] != part:
                    space.part_of_component[own] = part
                    space.values[own] = 0
                    space.named[named] = own
                    named += 1
                if space.part_of_thing[held] != part:
                    space.part_of_thing[held] = part
                    if at_first[entry]:
                        space.number[held] = 0
                    else:
                        space.values[own] += 1
                        space.number[held] = space.values[own]
        for place in range(named):
            own = space.named[place]
            space.offset[own] = bits
            bits += width_of(space.values[own])
            if bits > MOST_BITS:
                break
        fits[part] = bits <= MOST_BITS
        if bits > MOST_BITS:
            continue
        for row in range(low, high):
            kind = kinds[row]
            if space.part_of_call[kind] == part:
                packed_kinds[row] = space.kind_of_call[kind]
                continue
            space.part_of_call[kind] = part
            space.kind_of_call[kind] = found
            packed_kinds[row] = found
            mask = want = clear = put = 0
            possible = True
            for entry in range(starts[kind], starts[kind + 1]):
                own = component[entry]
                field = ((1 << width_of(space.values[own])) - 1) << space.offset[own]
                value = space.number[thing[entry]] << space.offset[own]
                if what[entry] == PUT:
                    clear |= field
                    put = (put & ~field) | value
                elif what[entry] == OWN:
                    possible = possible and put & field == value
                else:
                    possible = possible and (mask & field == 0 or want & field == value)
                    mask |= field
                    want |= value
            if whole[kind]:
                mask = (1 << bits) - 1
            at = found * EFFECT_WIDTH
            effects[at] = MASKED if mask or not possible else ANY
            effects[at + 1] = want
            effects[at + 2] = BITS_PUT if clear else KEEP
            effects[at + 3] = put
            effects[at + 4] = clear
            effects[at + 5] = mask
            effects[at + 6] = ALWAYS if possible else 0
            found += 1
    return found
