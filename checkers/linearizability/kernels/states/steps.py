"""Reads the steps of transactions, `[["w","x",1],["r","y",null]]`, all in one call of compiled code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from history.kernels import Integers, compiled_in_place

Bytes = npt.NDArray[np.uint8]
OPEN, CLOSE, COMMA, QUOTE, MINUS = 91, 93, 44, 34, 45
R, W, ZERO, NINE = 114, 119, 48, 57
TEST, PUT, OWN = range(3)


class StepSlots(NamedTuple):
    """Open hash tables whose empty slots are -1: of values, and of registers with values."""

    tokens: Integers
    things: Integers


class Steps(NamedTuple):
    """The steps of calls."""

    what: Integers
    component: Integers
    """By step the number of its register."""
    thing: Integers
    """By step the number of its register with its value."""
    starts: Integers
    """By call where its steps begin; the end of the last one follows."""
    spans: Integers
    """By value where it begins and ends in the text."""
    pairs: Integers
    """By thing its register and its value, as numbers of values."""
    sizes: Integers
    """How many steps, values and things there are; -1 steps if a text is anything else than steps."""


@compiled_in_place
def token_end(text: Bytes, at: int, end: int) -> int:
    """Where the value ends that begins at `at`: a text, a whole number or null; -1 if it is anything else."""
    if at >= end:
        return -1
    first = text[at]
    at += 1
    if first == QUOTE:
        while at < end and text[at] != QUOTE:
            at += 1
        return at + 1 if at < end else -1
    if first == 110:  # null
        right = at + 3 <= end and text[at] == 117 and text[at + 1] == 108 and text[at + 2] == 108
        return at + 3 if right else -1
    if not (ZERO <= first <= NINE or (first == MINUS and at < end and ZERO < text[at] <= NINE)):
        return -1
    while at < end and ZERO <= text[at] <= NINE:
        at += 1
    return at


@compiled_in_place
def token_of(text: Bytes, begin: int, end: int, slots: Integers, spans: Integers, count: int) -> int:
    """The number of a value; `count` if it is new: then it is entered. Values are compared byte by byte."""
    mask = len(slots) - 1
    h = end - begin
    for at in range(begin, end):
        h = ((h & 0xFFFFFFFFFF) * 1000003) ^ text[at]
    slot = (h ^ (h >> 21)) & mask
    while slots[slot] >= 0:
        token = slots[slot]
        first, last = spans[2 * token], spans[2 * token + 1]
        same = last - first == end - begin
        at = begin
        while same and at < end:
            same = text[at] == text[first + at - begin]
            at += 1
        if same:
            return int(token)
        slot = (slot + 1) & mask
    slots[slot] = count
    spans[2 * count] = begin
    spans[2 * count + 1] = end
    return count


@compiled_in_place
def thing_of(register: int, value: int, slots: Integers, pairs: Integers, count: int) -> int:
    """The number of a register with a value; `count` if it is new: then it is entered."""
    mask = len(slots) - 1
    h = register * 2654435761 + value * 40503
    slot = (h ^ (h >> 23)) & mask
    while slots[slot] >= 0:
        thing = slots[slot]
        if pairs[2 * thing] == register and pairs[2 * thing + 1] == value:
            return int(thing)
        slot = (slot + 1) & mask
    slots[slot] = count
    pairs[2 * count] = register
    pairs[2 * count + 1] = value
    return count


@compiled_in_place
def read_steps(text: Bytes, ends: Integers, known: Integers, slots: StepSlots, found: Steps) -> None:
    """Read the steps of calls whose texts lie one after the other and end at `ends`.

    The reads of a call that is not `known` show nothing, and are left out.
    """
    what, component, thing, starts, spans, pairs, sizes = found
    steps = tokens = things = begin = 0
    sizes[0] = -1
    for call in range(len(ends)):
        end = ends[call]
        first = steps
        starts[call] = first
        at = begin
        begin = end
        if at + 2 > end or text[at] != OPEN or text[end - 1] != CLOSE:
            return
        at += 1
        end -= 1
        while at < end:
            # ["w",
            if at + 5 > end or text[at] != OPEN or text[at + 1] != QUOTE or text[at + 3] != QUOTE:
                return
            f = text[at + 2]
            if text[at + 4] != COMMA or (f != R and f != W):
                return
            at += 5
            stop = token_end(text, at, end)
            if stop < 0 or stop >= end or text[stop] != COMMA:
                return
            register = token_of(text, at, stop, slots.tokens, spans, tokens)
            tokens += register == tokens
            at = stop + 1
            stop = token_end(text, at, end)
            if stop < 0 or stop >= end or text[stop] != CLOSE:
                return
            value = token_of(text, at, stop, slots.tokens, spans, tokens)
            tokens += value == tokens
            at = stop + 1
            if at < end:
                if text[at] != COMMA or at + 1 == end:
                    return
                at += 1
            if f == R and not known[call]:
                continue
            number = thing_of(register, value, slots.things, pairs, things)
            things += number == things
            own = TEST
            for step in range(first, steps):
                if component[step] == register and what[step] == PUT:
                    own = OWN
            what[steps] = PUT if f == W else own
            component[steps] = register
            thing[steps] = number
            steps += 1
    starts[len(ends)] = steps
    sizes[0] = steps
    sizes[1] = tokens
    sizes[2] = things
