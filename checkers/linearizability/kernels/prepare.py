"""Lays out the operations of a part for the search: which must be placed, and which may be."""

from __future__ import annotations

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.arena import (
    BITS,
    BY_TEXTS,
    BY_VALUES,
    EFFECT_WIDTH,
    GROUPS,
    ITEMS,
    OPTION_WORDS,
    PRUNING,
    PUTS_LEFT,
    READS_LEFT,
    REGISTERS,
    SLOTS,
    STATE,
    WINDOW,
    WINDOW_WORDS,
    Arena,
    Operations,
    Rules,
)
from checkers.linearizability.kernels.transitions import ADD, ANY, APPEND, IS, KEEP, PUT, TABLE
from history.kernels import Integers, compiled_in_place


@compiled_in_place
def prepare(
    operations: Operations, rules: Rules, begin: int, states: int, stamp: int, slots: int, arena: Arena
) -> None:
    """Sort operations by invocation into items and options, and set the arena up for a search from `begin`.

    An option is left out if it changes nothing. If states are interned (`states` of them) and tests only ask
    for equality, an option is also left out if it puts a state that no test asks for: any operation that
    follows it can follow what precedes it. `stamp` marks the states that tests ask for; it must be new to
    this arena. `slots` is how many slots the memo uses: a power of two.
    """
    invoked, completed, kinds = operations
    effects, wanted = rules.effects, arena.wanted
    calls, rets, item_kinds, items_from = arena.calls, arena.rets, arena.kinds, arena.items_from
    option_calls, option_kinds, options_from = arena.option_calls, arena.option_kinds, arena.options_from
    groups, group_kinds, group_of = arena.groups, arena.group_kinds, arena.group_of
    slot_of = arena.slots
    can_drop = states > 0
    for operation in range(len(invoked)):
        at = kinds[operation] * EFFECT_WIDTH
        if effects[at] == IS:
            if can_drop:
                wanted[effects[at + 1]] = stamp
        elif effects[at] != ANY:
            can_drop = False
        if effects[at + 2] > PUT:
            can_drop = False
    for slot in range(slots):
        slot_of[slot] = -1
    mask = slots - 1
    pruning = pruned_by(effects, kinds, states)
    if pruning == BY_VALUES:
        count_makers(operations, effects, begin, arena)
    items = options = found = reads = puts = 0
    groups[0] = 0
    for operation in range(len(invoked)):
        kind = kinds[operation]
        if completed[operation] != NEVER:
            calls[items] = invoked[operation]
            rets[items] = completed[operation]
            item_kinds[items] = kind
            items_from[items] = operation
            at = kind * EFFECT_WIDTH
            if effects[at] == IS:
                reads += 1
                if pruning == BY_VALUES:
                    arena.late[items] = late_makers(arena, effects[at + 1], completed[operation])
            puts += effects[at + 2] == PUT
            items += 1
            continue
        at = kind * EFFECT_WIDTH
        puts += effects[at + 2] == PUT
        if effects[at + 2] == KEEP:
            continue
        if can_drop and effects[at + 2] == PUT and wanted[effects[at + 3]] != stamp:
            continue
        slot = (kind * 40503) & mask
        while slot_of[slot] >= 0 and group_kinds[slot_of[slot]] != kind:
            slot = (slot + 1) & mask
        if slot_of[slot] < 0:
            slot_of[slot] = found
            group_kinds[found] = kind
            found += 1
            groups[found] = 0
        group_of[options] = slot_of[slot]
        groups[slot_of[slot] + 1] += 1
        option_kinds[options] = operation  # for the moment
        options += 1
    for group in range(found):
        groups[group + 1] += groups[group]
        group_kinds[group] = groups[group]  # from here on: where the group's next option goes
    for option in range(options):
        group = group_of[option]
        options_from[group_kinds[group]] = option_kinds[option]
        group_kinds[group] += 1
    for option in range(options):
        operation = options_from[option]
        option_calls[option] = invoked[operation]
        option_kinds[option] = kinds[operation]
    for word in range(items // BITS + 3):
        arena.placed[word] = 0
    option_words = (options + BITS - 1) // BITS
    for word in range(option_words):
        arena.used[word] = 0
    for slot in range(slots):
        slot_of[slot] = -1
    registers = arena.registers
    for register in range(REGISTERS):
        registers[register] = 0
    registers[STATE] = begin
    registers[ITEMS] = items
    registers[GROUPS] = found
    registers[WINDOW] = window_of(calls, rets, items)
    registers[WINDOW_WORDS] = registers[WINDOW] // BITS + 2
    registers[OPTION_WORDS] = option_words
    registers[SLOTS] = slots
    registers[PRUNING] = pruning
    registers[READS_LEFT] = reads
    registers[PUTS_LEFT] = puts


@compiled_in_place
def pruned_by(effects: Integers, kinds: Integers, states: int) -> int:
    """What can prune a search of operations of these kinds."""
    appends = False
    for operation in range(len(kinds)):
        at = kinds[operation] * EFFECT_WIDTH
        if effects[at] >= TABLE or effects[at + 2] == ADD or effects[at + 2] > APPEND:
            return 0
        appends = appends or effects[at + 2] == APPEND
    if states > 0:
        return BY_VALUES
    return BY_TEXTS if appends else 0


@compiled_in_place
def count_makers(operations: Operations, effects: Integers, begin: int, arena: Arena) -> None:
    """Count by state the items that need it and the operations that put it; list the beginnings of these.

    The state `begin` may be one that no operation names; another search may have left numbers there.
    """
    invoked, completed, kinds = operations
    needs, makers, makers_from, maker_calls = arena.needs, arena.makers, arena.makers_from, arena.maker_calls
    needs[begin] = 0
    makers[begin] = 0
    for operation in range(len(invoked)):
        at = kinds[operation] * EFFECT_WIDTH
        for state in (effects[at + 1], effects[at + 3]):
            needs[state] = 0
            makers[state] = 0
            makers_from[state] = -1
    for operation in range(len(invoked)):
        at = kinds[operation] * EFFECT_WIDTH
        if effects[at] == IS and completed[operation] != NEVER:
            needs[effects[at + 1]] += 1
        if effects[at + 2] == PUT:
            makers[effects[at + 3]] += 1
    total = 0
    for operation in range(len(invoked)):
        at = kinds[operation] * EFFECT_WIDTH
        if effects[at + 2] != PUT:
            continue
        state = effects[at + 3]
        if makers_from[state] < 0:
            makers_from[state] = total
            total += makers[state]
            makers[state] = 0  # from here on: how many of them are listed
        maker_calls[makers_from[state] + makers[state]] = invoked[operation]
        makers[state] += 1


@compiled_in_place
def late_makers(arena: Arena, state: int, end: int) -> int:
    """How many operations that put a state began after `end`."""
    first = arena.makers_from[state]
    last = first + arena.makers[state]
    if first < 0:
        return 0
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if arena.maker_calls[middle] < end:
            low = middle + 1
        else:
            high = middle
    return int(last - low)


@compiled_in_place
def window_of(calls: Integers, rets: Integers, count: int) -> int:
    """How many items lie, by invocation, between an item and the last that began before its end, at most."""
    widest, ahead = 0, 0
    for item in range(count):
        if ahead < item:
            ahead = item
        # Ends are not sorted: only an end later than all before can push the front.
        while ahead + 1 < count and calls[ahead + 1] < rets[item]:
            ahead += 1
        low, high = item, ahead
        while low < high:
            middle = (low + high + 1) // 2
            if calls[middle] < rets[item]:
                low = middle
            else:
                high = middle - 1
        if low - item > widest:
            widest = low - item
    return widest
