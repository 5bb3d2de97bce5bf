"""All parts of a history in one call of compiled code: what a part costs beyond its own search.

A part of a key-value store has some dozen operations and takes a microsecond or two to search, while each
call from Python into compiled code costs five, for its many arguments. So one call prepares and searches
part after part in one arena of work space. A part that needs more than that (a transition that only the model
can tell, or more memory) is left to `Engine.decide`, and so is everything where nothing is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from checkers.linearizability import kernel
from checkers.linearizability.compiled import compiled

LEFT = -1
"""The answer of a part that was not decided here."""
MEMO = 48
"""Integers of memory for configurations an operation."""
LEAST_SLOTS = 64
LOW = (1 << 53) - 1


@compiled
def slots_for(operations: Any) -> Any:
    """How many hash slots a part gets: a power of two."""
    size = LEAST_SLOTS
    while size < 2 * operations:
        size *= 2
    return size


@compiled
def arena_for(operations: Any, states: Any) -> Any:
    """How long an arena must be for parts of up to so many operations, over so many interned states."""
    words = operations // kernel.BITS + 3
    return (
        kernel.REGISTERS
        + states
        + 10 * (operations + 1)
        + 3 * words
        + 2
        + (kernel.FRAME_WIDTH + 1) * (operations + 1)
        + slots_for(operations)
        + 256
        + MEMO * operations
        + 512
    )


@compiled
def decide_each(
    starts: Any,
    invoked: Any,
    completed: Any,
    kinds: Any,
    effects: Any,
    begin: Any,
    states: Any,
    room: Any,
    stamp: Any,
    arena: Any,
    table: Any,
    budget: Any,
    answers: Any,
    orders: Any,
) -> Any:
    """Search each part, whose operations are those from starts[p] on; the most has `room`.

    answers: of each part three numbers: what the search said (`LEFT` if it needs more), how many
    configurations it visited, and how long its order is; orders: each part's, from starts[p] on. `stamp`
    plus the part's number must be new to this arena, which must come as zeros.
    """
    at = 0
    registers = arena[at : at + kernel.REGISTERS]
    at += kernel.REGISTERS
    wanted = arena[at : at + states]
    at += states
    rooms = room + 1
    words = room // kernel.BITS + 3
    calls, rets = arena[at : at + rooms], arena[at + rooms : at + 2 * rooms]
    item_kinds, items_from = arena[at + 2 * rooms : at + 3 * rooms], arena[at + 3 * rooms : at + 4 * rooms]
    option_calls, option_kinds = (
        arena[at + 4 * rooms : at + 5 * rooms],
        arena[at + 5 * rooms : at + 6 * rooms],
    )
    options_from, groups = arena[at + 6 * rooms : at + 7 * rooms], arena[at + 7 * rooms : at + 8 * rooms]
    group_kinds, group_of = arena[at + 8 * rooms : at + 9 * rooms], arena[at + 9 * rooms : at + 10 * rooms]
    at += 10 * rooms
    used, placed = arena[at : at + words], arena[at + words : at + 3 * words + 2]
    at += 3 * words + 2
    best = arena[at : at + rooms]
    frames = arena[at + rooms : at + rooms + kernel.FRAME_WIDTH * rooms]
    at += (kernel.FRAME_WIDTH + 1) * rooms
    needed = arena[at : at + 256]
    at += 256
    all_slots = arena[at : at + slots_for(room)]
    at += slots_for(room)
    memo = arena[at:]
    left = 0
    for part in range(len(starts) - 1):
        low, high = starts[part], starts[part + 1]
        slots = all_slots[: slots_for(high - low)]
        kernel.prepare(
            invoked[low:high],
            completed[low:high],
            kinds[low:high],
            effects,
            states,
            stamp + part,
            calls,
            rets,
            item_kinds,
            items_from,
            option_calls,
            option_kinds,
            options_from,
            groups,
            group_kinds,
            group_of,
            wanted,
            slots,
            placed,
            used,
            registers,
        )
        items, group_count = registers[0], registers[2]
        window_words, option_words = registers[3], registers[4]
        for register in range(kernel.REGISTERS):
            registers[register] = 0
        registers[kernel.STATE] = begin
        status = kernel.search(
            calls,
            rets,
            item_kinds,
            items,
            option_calls,
            option_kinds,
            groups,
            group_count,
            effects,
            table,
            table,
            registers,
            frames,
            placed,
            used,
            window_words,
            option_words,
            memo,
            slots,
            needed,
            best,
            items_from,
            options_from,
            budget,
        )
        if status > kernel.GAVE_UP:
            answers[3 * part] = LEFT
            left += 1
            continue
        answers[3 * part] = status
        answers[3 * part + 1] = registers[kernel.VISITED]
        answers[3 * part + 2] = registers[kernel.BEST]
        for place in range(registers[kernel.BEST]):
            orders[low + place] = best[place]
    return left


@compiled
def fingerprints(text: Any, lengths: Any, forms: Any, effects: Any) -> Any:
    """Effects of calls on a text, by `forms`: 0 asks for it, 1 puts it, 2 appends it.

    The calls' texts lie one after the other. A text stands for itself as a number: see `engine`.
    """
    at = end = 0
    for call in range(len(lengths)):
        end += lengths[call]
        form = forms[call]
        # A whole text begins with a 1, so that one of zeros differs from an empty one.
        tail = 0 if form == 2 else 1
        power = 1
        while at < end:
            # Times 256 modulo 2^61 - 1 is a turn of the 61 bits.
            tail = ((tail & LOW) << 8 | tail >> 53) + text[at]
            if tail >= kernel.PRIME:
                tail -= kernel.PRIME
            if form == 2:
                power = (power & LOW) << 8 | power >> 53
            at += 1
        effect = call * kernel.EFFECT_WIDTH
        effects[effect] = kernel.IS if form == 0 else kernel.ANY
        effects[effect + 1] = tail if form == 0 else 0
        effects[effect + 2] = kernel.KEEP if form == 0 else kernel.PUT if form == 1 else kernel.APPEND
        effects[effect + 3] = 0 if form == 0 else tail
        effects[effect + 4] = power if form == 2 else 0


EMPTY = np.full(2, -1, dtype=np.int64)
