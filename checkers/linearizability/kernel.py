"""The search's inner loop: flat arrays of integers in, a status out; compiled where numba is installed.

The same source runs as plain Python on lists (see `compiled`), so both give the same answer by
construction: only indexing and integers below 2**63 are used here.

It can stop and go on: everything it knows lies in `registers` and in the work arrays, so it returns to
its caller to have a transition computed (`NEED`) or the memory enlarged (`GROW`), and is called again.

*Items*: the required operations (with a reply) by invocation. *Options*: operations without a reply,
which may be placed or not; those of one kind are alike but for their invocation, so the one that began
first is used first, and options are numbered so that a kind's lie side by side, by invocation.

*Eager*: an operation that never changes any state (its action is KEEP) is placed without branching as
soon as it can be: wherever an order has it, it can be moved here.

*Options only where needed*: if what follows an option could have stood there without it, and leads to
the same state, the option can be taken out of the order. So after an option only that is tried which
it makes a difference to; a write of unknown outcome, say, is tried only before a read of its value.

*Memo*: an entry is (state, length of the placed prefix, placed bits from there on, used options). A
configuration is dropped if an entry agrees in all but the used options, and has used a subset of them:
whatever can be done from here could be done from there (Lowe 2017, section 4, and for the subset:
an option that was not used is still to be had).
"""

from __future__ import annotations

from typing import Any

from checkers.linearizability.answer import NEVER
from checkers.linearizability.compiled import compiled

BITS = 60  # of a word of a bit set: far from the sign bit
LINEARIZABLE, NOT_LINEARIZABLE, GAVE_UP, NEED, GROW = range(5)
ANY, IS, IS_NOT, TABLE = range(4)
KEEP, PUT, ADD, APPEND = range(4)
EFFECT_WIDTH = 5  # test, tested state, action, argument, multiplier
PRIME = (1 << 61) - 1

# Registers
STARTED, MODE, DEPTH, STATE, PREFIX, VISITED, ENTRIES, BEST, BEST_DEPTH, NEEDED = range(10)
REGISTERS = 10
ENTER, CHOOSE, BACKTRACK = range(3)
# Frames, one a placed operation
F_ITEM, F_STATE, F_PREFIX, F_LAST, F_OPTION, F_FIRST_RET, F_EAGER = range(7)
FRAME_WIDTH = 7
ILLEGAL, UNKNOWN = -(1 << 62), -(1 << 62) + 1


@compiled
def times_modulo(a: Any, b: Any) -> Any:
    """a * b modulo 2**61 - 1, for a and b below it, without a 128-bit product."""
    a_high, a_low = a >> 31, a & 0x7FFFFFFF
    b_high, b_low = b >> 31, b & 0x7FFFFFFF
    middle = a_low * b_high + a_high * b_low
    total = a_high * b_high * 2 + (middle >> 30) + ((middle & 0x3FFFFFFF) << 31)
    total = (total & 0x1FFFFFFFFFFFFFFF) + (total >> 61)
    low = a_low * b_low
    total += (low & 0x1FFFFFFFFFFFFFFF) + (low >> 61)
    total = (total & 0x1FFFFFFFFFFFFFFF) + (total >> 61)
    return total - 0x1FFFFFFFFFFFFFFF if total >= 0x1FFFFFFFFFFFFFFF else total


@compiled
def look_up(table_keys: Any, table_values: Any, key: Any) -> Any:
    """The transition of (state, kind) packed as `key`, or UNKNOWN."""
    mask = len(table_keys) - 1
    slot = (key ^ (key >> 17)) & mask
    while table_keys[slot] != -1:
        if table_keys[slot] == key:
            return table_values[slot]
        slot = (slot + 1) & mask
    return UNKNOWN


@compiled
def learn(table_keys: Any, table_values: Any, key: Any, value: Any) -> Any:
    """Put a transition into the table, which must not be full."""
    mask = len(table_keys) - 1
    slot = (key ^ (key >> 17)) & mask
    while table_keys[slot] != -1:
        slot = (slot + 1) & mask
    table_keys[slot] = key
    table_values[slot] = value


@compiled
def step(state: Any, kind: Any, effects: Any, table_keys: Any, table_values: Any) -> Any:
    """The state after an operation of that kind, ILLEGAL, or UNKNOWN if the table does not say yet."""
    at = kind * EFFECT_WIDTH
    test = effects[at]
    if test == TABLE:
        return look_up(table_keys, table_values, (state << 30) | kind)
    if test == IS:
        if state != effects[at + 1]:
            return ILLEGAL
    elif test == IS_NOT and state == effects[at + 1]:
        return ILLEGAL
    action = effects[at + 2]
    if action == KEEP:
        return state
    if action == PUT:
        return effects[at + 3]
    if action == ADD:
        return state + effects[at + 3]
    appended = times_modulo(state, effects[at + 4]) + effects[at + 3]
    return appended - PRIME if appended >= PRIME else appended


@compiled
def recall(
    memo: Any,
    slots: Any,
    state: Any,
    prefix: Any,
    placed: Any,
    used: Any,
    window_words: Any,
    option_words: Any,
    entries: Any,
    keep: Any,
) -> Any:
    """Whether a memo entry makes this configuration needless; if not, `keep` it. Room must be there."""
    width = 4 + window_words + option_words
    first_word = prefix // BITS
    h = (state & 0x3FFFFFFF) * 1000003 + (state >> 30)
    h = (h ^ (h >> 19)) & 0x3FFFFFFFFFF
    h = h * 1000003 + prefix
    h = (h ^ (h >> 23)) & 0x3FFFFFFFFFF
    for word in range(window_words):
        value = placed[first_word + word]
        h = h * 1000003 + (value & 0x3FFFFFFF)
        h = (h ^ (h >> 19)) & 0x3FFFFFFFFFF
        h = h * 1000033 + (value >> 30)
        h = (h ^ (h >> 23)) & 0x3FFFFFFFFFF
    slot = h & (len(slots) - 1)
    entry = slots[slot]
    while entry >= 0:
        at = entry * width
        same = memo[at + 1] == h and memo[at + 2] == state and memo[at + 3] == prefix
        word = 0
        while same and word < window_words:
            same = memo[at + 4 + word] == placed[first_word + word]
            word += 1
        word = 0
        while same and word < option_words:
            same = memo[at + 4 + window_words + word] & ~used[word] == 0
            word += 1
        if same:
            return True
        entry = memo[at]
    if not keep:
        return False
    at = entries * width
    memo[at] = slots[slot]
    memo[at + 1] = h
    memo[at + 2] = state
    memo[at + 3] = prefix
    for word in range(window_words):
        memo[at + 4 + word] = placed[first_word + word]
    for word in range(option_words):
        memo[at + 4 + window_words + word] = used[word]
    slots[slot] = entries
    return False


@compiled
def rehash(memo: Any, slots: Any, width: Any, entries: Any) -> Any:
    """Fill fresh slots from the entries, oldest first."""
    for slot in range(len(slots)):
        slots[slot] = -1
    for entry in range(entries):
        slot = memo[entry * width + 1] & (len(slots) - 1)
        memo[entry * width] = slots[slot]
        slots[slot] = entry


@compiled
def window_of(calls: Any, rets: Any, count: Any) -> Any:
    """The most items that lie, by invocation, between an item and the last that began before its end."""
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


@compiled
def search(
    calls: Any,
    rets: Any,
    kinds: Any,
    count: Any,
    option_calls: Any,
    option_kinds: Any,
    groups: Any,
    group_count: Any,
    effects: Any,
    table_keys: Any,
    table_values: Any,
    registers: Any,
    frames: Any,
    placed: Any,
    used: Any,
    window_words: Any,
    option_words: Any,
    memo: Any,
    slots: Any,
    needed: Any,
    best: Any,
    items_from: Any,
    options_from: Any,
    budget: Any,
) -> Any:
    """Go on searching; the status. `groups[g]` is where the options of the g-th kind begin, its end last.

    `best` ends as the longest order found, in places of the input.
    """
    mode = registers[MODE]
    depth = registers[DEPTH]
    state = registers[STATE]
    prefix = registers[PREFIX]
    visited = registers[VISITED]
    entries = registers[ENTRIES]
    most = registers[BEST]
    width = 4 + window_words + option_words
    tabled = len(effects) > 0 and effects[0] == TABLE  # then all kinds are: see `engine`
    status = -1
    while status < 0:
        if mode == ENTER:
            while prefix < count and placed[prefix // BITS] >> (prefix % BITS) & 1:
                prefix += 1
            if prefix == count:
                most = -1  # this one, however short: it is complete
                status = LINEARIZABLE
                break
            first_ret = NEVER
            missing = 0
            item = prefix
            while item < count and calls[item] < first_ret:
                if not placed[item // BITS] >> (item % BITS) & 1:
                    if rets[item] < first_ret:
                        first_ret = rets[item]
                    if tabled and missing < len(needed):
                        needed[missing] = kinds[item]
                        missing += step(state, kinds[item], effects, table_keys, table_values) == UNKNOWN
                item += 1
            end = item
            for group in range(group_count if tabled else 0):
                kind = option_kinds[groups[group]]
                if option_calls[groups[group]] < first_ret and missing < len(needed):
                    needed[missing] = kind
                    missing += step(state, kind, effects, table_keys, table_values) == UNKNOWN
            if missing:
                registers[NEEDED] = missing
                status = NEED
                break
            eager = False
            for item in range(prefix, end):
                if calls[item] >= first_ret or placed[item // BITS] >> (item % BITS) & 1:
                    continue
                if (
                    effects[kinds[item] * EFFECT_WIDTH + 2] == KEEP
                    and step(state, kinds[item], effects, table_keys, table_values) == state
                ):
                    at = depth * FRAME_WIDTH
                    frames[at + F_ITEM] = item
                    frames[at + F_STATE] = state
                    frames[at + F_PREFIX] = prefix
                    frames[at + F_EAGER] = 1
                    placed[item // BITS] |= 1 << (item % BITS)
                    depth += 1
                    eager = True
            if eager:
                continue
            if (entries + 1) * width > len(memo):
                status = GROW
                break
            if visited >= budget:
                status = GAVE_UP
                break
            visited += 1
            # What follows an option is restricted, see above: such a configuration is not remembered.
            at = depth * FRAME_WIDTH
            keep = depth == 0 or frames[at - FRAME_WIDTH + F_ITEM] >= 0
            if recall(memo, slots, state, prefix, placed, used, window_words, option_words, entries, keep):
                mode = BACKTRACK
                continue
            entries += 1 if keep else 0
            frames[at + F_LAST] = -1
            frames[at + F_OPTION] = -1
            frames[at + F_FIRST_RET] = first_ret
            frames[at + F_EAGER] = 0
            mode = CHOOSE
        if mode == CHOOSE:
            at = depth * FRAME_WIDTH
            first_ret = frames[at + F_FIRST_RET]
            last = frames[at + F_LAST]
            after_option = depth > 0 and frames[at - FRAME_WIDTH + F_ITEM] < 0
            before = frames[at - FRAME_WIDTH + F_STATE] if after_option else state
            chosen = -1
            chosen_ret = NEVER
            after = ILLEGAL
            item = prefix
            while item < count and calls[item] < first_ret:
                ret = rets[item]
                if last < ret < chosen_ret and not placed[item // BITS] >> (item % BITS) & 1:
                    then = step(state, kinds[item], effects, table_keys, table_values)
                    needless = after_option and then == step(
                        before, kinds[item], effects, table_keys, table_values
                    )
                    if then != ILLEGAL and not needless:
                        chosen, chosen_ret, after = item, ret, then
                item += 1
            if chosen >= 0:
                frames[at + F_LAST] = chosen_ret
                frames[at + F_ITEM] = chosen
                placed[chosen // BITS] |= 1 << (chosen % BITS)
            else:
                frames[at + F_LAST] = NEVER
                group = frames[at + F_OPTION] + 1
                while group < group_count:
                    option = groups[group]
                    while option < groups[group + 1] and used[option // BITS] >> (option % BITS) & 1:
                        option += 1
                    if option < groups[group + 1] and option_calls[option] < first_ret:
                        after = step(state, option_kinds[option], effects, table_keys, table_values)
                        needless = after_option and after == step(
                            before, option_kinds[option], effects, table_keys, table_values
                        )
                        if after != ILLEGAL and after != state and not needless:
                            chosen = option
                            break
                    group += 1
                if chosen < 0:
                    mode = BACKTRACK
                else:
                    frames[at + F_OPTION] = group
                    frames[at + F_ITEM] = -1 - chosen
                    used[chosen // BITS] |= 1 << (chosen % BITS)
            if chosen >= 0:
                frames[at + F_STATE] = state
                frames[at + F_PREFIX] = prefix
                state = after
                depth += 1
                mode = ENTER
                continue
        if mode == BACKTRACK:
            if depth > most:
                most = depth
                for position in range(depth):
                    best[position] = frames[position * FRAME_WIDTH + F_ITEM]
            while True:
                if depth == 0:
                    status = NOT_LINEARIZABLE
                    break
                depth -= 1
                at = depth * FRAME_WIDTH
                item = frames[at + F_ITEM]
                if item >= 0:
                    placed[item // BITS] &= ~(1 << (item % BITS))
                else:
                    used[(-1 - item) // BITS] &= ~(1 << ((-1 - item) % BITS))
                state = frames[at + F_STATE]
                prefix = frames[at + F_PREFIX]
                if frames[at + F_EAGER] == 0:
                    mode = CHOOSE
                    break
    if status < NEED:
        if depth > most:
            most = depth
            for position in range(depth):
                best[position] = frames[position * FRAME_WIDTH + F_ITEM]
        for position in range(most):
            item = best[position]
            best[position] = items_from[item] if item >= 0 else options_from[-1 - item]
    registers[MODE] = mode
    registers[DEPTH] = depth
    registers[STATE] = state
    registers[PREFIX] = prefix
    registers[VISITED] = visited
    registers[ENTRIES] = entries
    registers[BEST] = most
    return status


@compiled
def prepare(
    invoked: Any,
    completed: Any,
    kinds: Any,
    effects: Any,
    states: Any,
    stamp: Any,
    calls: Any,
    rets: Any,
    item_kinds: Any,
    items_from: Any,
    option_calls: Any,
    option_kinds: Any,
    options_from: Any,
    groups: Any,
    group_kinds: Any,
    group_of: Any,
    wanted: Any,
    slots: Any,
    placed: Any,
    used: Any,
    registers: Any,
) -> Any:
    """Sort operations by invocation into items and options, and clear the work arrays.

    An option is left out if it changes nothing; or if it puts a state that no test asks for, where
    states are interned (`states` of them) and tests ask for nothing but equality: whatever followed
    it can follow what preceded it. `wanted` marks those states with `stamp`, which no call before used.
    `items_from`, `options_from`: which operation each one is.
    Registers on return: items in 0, options in 1, groups in 2, words of the window in 3, of options in 4.
    """
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
    for slot in range(len(slots)):
        slots[slot] = -1
    mask = len(slots) - 1
    items = options = found = 0
    groups[0] = 0
    for operation in range(len(invoked)):
        kind = kinds[operation]
        if completed[operation] != NEVER:
            calls[items] = invoked[operation]
            rets[items] = completed[operation]
            item_kinds[items] = kind
            items_from[items] = operation
            items += 1
            continue
        at = kind * EFFECT_WIDTH
        if effects[at + 2] == KEEP:
            continue
        if can_drop and effects[at + 2] == PUT and wanted[effects[at + 3]] != stamp:
            continue
        slot = (kind * 40503) & mask
        while slots[slot] >= 0 and group_kinds[slots[slot]] != kind:
            slot = (slot + 1) & mask
        if slots[slot] < 0:
            slots[slot] = found
            group_kinds[found] = kind
            found += 1
            groups[found] = 0
        group_of[options] = slots[slot]
        groups[slots[slot] + 1] += 1
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
        placed[word] = 0
    option_words = (options + BITS - 1) // BITS
    for word in range(option_words):
        used[word] = 0
    widest = window_of(calls, rets, items)
    for slot in range(len(slots)):
        slots[slot] = -1
    registers[3] = widest // BITS + 2
    registers[0] = items
    registers[1] = options
    registers[2] = found
    registers[4] = option_words
