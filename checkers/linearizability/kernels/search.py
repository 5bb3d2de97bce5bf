"""The search's inner loop: looks for an order of a part's operations, depth first.

Wing & Gong's search with Lowe's memoization: see `engine`. Only indexing and integers below 2**63 are used,
so that the source, which also runs as plain Python on lists (see `compiled`), gives the same answer there
by construction.

The search can stop and continue: all that it knows is in the arena. So it returns to its caller to have
transitions computed (`NEED`) or the memory enlarged (`GROW`), and is called again.

*Items* are the operations with a reply, by invocation. *Options* are those without a reply, which may be
placed or not. Options of one kind are alike except for their invocation, so the one that began first is
used first; options are numbered so that those of one kind lie next to each other, by invocation.

*Eager*: an operation that never changes any state (its action is KEEP) is placed without branching as soon
as it can be placed: wherever an order has it, it can be moved to here.

*Options only where needed*: if the operation after an option could have stood there without the option, and
leads to the same state, the option can be taken out of the order. So after an option only operations are
tried to which the option makes a difference: a write of unknown outcome, say, is tried only before a read
of its value.

*What is tried first*: items, in the order of their ends, and then options; or options first, which finds an
order sooner where many of them happened.

*Twins*: of items of one kind that may come next, the one that ends first comes first. Exchanging two of them
in an order harms neither.

*No return*: a state is not left while an item that is not placed tests for it and nothing is left that puts
it; and where an item tests for a state that nothing which began before its end can still put, the search
turns back. Of texts that are appended to, only beginnings of those that replies show differ
(`prefixes`).
"""

from __future__ import annotations

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.arena import (
    BEST,
    BITS,
    BY_TEXTS,
    BY_VALUES,
    DEPTH,
    EFFECT_WIDTH,
    ENTRIES,
    F_EAGER,
    F_FIRST_RET,
    F_ITEM,
    F_LAST,
    F_OPTION,
    F_PREFIX,
    F_STATE,
    FRAME_WIDTH,
    GROUPS,
    ITEMS,
    MISSING,
    MODE,
    OPTION_WORDS,
    OPTIONS_FIRST,
    PREFIX,
    PRUNING,
    PUTS_LEFT,
    READS_LEFT,
    STATE,
    VISITED,
    WINDOW_WORDS,
    Arena,
    Rules,
)
from checkers.linearizability.kernels.memo import recall
from checkers.linearizability.kernels.transitions import ILLEGAL, IS, KEEP, OFF, PUT, TABLE, UNKNOWN, step
from history.kernels import Integers, compiled_in_place, inlined

LINEARIZABLE, NOT_LINEARIZABLE, GAVE_UP, NEED, GROW = range(5)
"""The status of a search."""
ENTER, CHOOSE, BACKTRACK = range(3)
"""Its modes, in the register MODE."""


@inlined
def take(arena: Arena, effects: Integers, kind: int, items: int, by: int) -> None:
    """Take an operation of that kind from what is left if `by` is 1, or give it back if it is -1."""
    pruning = arena.registers[PRUNING]
    if pruning > 0:
        at = kind * EFFECT_WIDTH
        tests, puts = effects[at] == IS and items == 1, effects[at + 2] == PUT
        if pruning == BY_VALUES:
            if tests:
                arena.needs[effects[at + 1]] -= by
            if puts:
                arena.makers[effects[at + 3]] -= by
        else:
            if tests:
                arena.registers[READS_LEFT] -= by
            if puts:
                arena.registers[PUTS_LEFT] -= by


@inlined
def hopeless_item(arena: Arena, effects: Integers, item: int, state: int) -> bool:
    """Whether an item tests for another state, which nothing that began before its end can still put."""
    at = arena.kinds[item] * EFFECT_WIDTH
    if effects[at] != IS or effects[at + 1] == state:
        return False
    return bool(arena.makers[effects[at + 1]] <= arena.late[item])


@inlined
def hopeless_text(arena: Arena) -> bool:
    """Whether a reply is to come that shows a text, and nothing is left that puts one."""
    return bool(arena.registers[READS_LEFT] > 0 and arena.registers[PUTS_LEFT] == 0)


@inlined
def needed_still(arena: Arena, effects: Integers, kind: int, state: int) -> bool:
    """Whether an item other than this one tests for the state, and nothing is left that puts it again."""
    at = kind * EFFECT_WIDTH
    own = effects[at] == IS and effects[at + 1] == state
    return bool(arena.makers[state] == 0 and arena.needs[state] > own)


@inlined
def has_twin(arena: Arena, item: int, prefix: int, first_ret: int, last: int) -> bool:
    """Whether an item of the same kind, which ends sooner, was tried in the place of this one."""
    kinds, calls, rets, placed = arena.kinds, arena.calls, arena.rets, arena.placed
    other = prefix
    found = False
    while not found and other < arena.registers[ITEMS] and calls[other] < first_ret:
        if kinds[other] == kinds[item] and rets[other] <= last:
            found = not placed[other // BITS] >> (other % BITS) & 1
        other += 1
    return found


@compiled_in_place
def search(arena: Arena, rules: Rules, budget: int) -> int:
    """Continue the search that `prepare` laid out, or that stopped with NEED or GROW, and return its status.

    At most `budget` configurations are visited, then the status is GAVE_UP; with a larger budget the search
    goes on from there. `best` holds the longest order found, and `registers[BEST]` its length; `write_order`
    turns it into places of the part.
    """
    registers, frames, best = arena.registers, arena.frames, arena.best
    placed, used = arena.placed, arena.used
    calls, rets, kinds = arena.calls, arena.rets, arena.kinds
    option_calls, option_kinds, groups = arena.option_calls, arena.option_kinds, arena.groups
    effects, missing_kinds = rules.effects, arena.missing
    count, group_count = registers[ITEMS], registers[GROUPS]
    mode = registers[MODE]
    depth = registers[DEPTH]
    state = registers[STATE]
    prefix = registers[PREFIX]
    visited = registers[VISITED]
    entries = registers[ENTRIES]
    most = registers[BEST]
    width = 4 + registers[WINDOW_WORDS] + registers[OPTION_WORDS]
    pruning, options_first = registers[PRUNING], registers[OPTIONS_FIRST]
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
            hopeless = pruning == BY_TEXTS and state == OFF and hopeless_text(arena)
            item = prefix
            while item < count and calls[item] < first_ret:
                if not placed[item // BITS] >> (item % BITS) & 1:
                    if rets[item] < first_ret:
                        first_ret = rets[item]
                    if tabled and missing < len(missing_kinds):
                        missing_kinds[missing] = kinds[item]
                        missing += step(rules, state, kinds[item]) == UNKNOWN
                    if pruning == BY_VALUES and hopeless_item(arena, effects, item, state):
                        hopeless = True
                item += 1
            if hopeless:
                mode = BACKTRACK
                continue
            end = item
            for group in range(group_count if tabled else 0):
                kind = option_kinds[groups[group]]
                if option_calls[groups[group]] < first_ret and missing < len(missing_kinds):
                    missing_kinds[missing] = kind
                    missing += step(rules, state, kind) == UNKNOWN
            if missing:
                registers[MISSING] = missing
                status = NEED
                break
            eager = False
            for item in range(prefix, end):
                if calls[item] >= first_ret or placed[item // BITS] >> (item % BITS) & 1:
                    continue
                if (
                    effects[kinds[item] * EFFECT_WIDTH + 2] == KEEP
                    and step(rules, state, kinds[item]) == state
                ):
                    at = depth * FRAME_WIDTH
                    frames[at + F_ITEM] = item
                    frames[at + F_STATE] = state
                    frames[at + F_PREFIX] = prefix
                    frames[at + F_EAGER] = 1
                    placed[item // BITS] |= 1 << (item % BITS)
                    take(arena, effects, kinds[item], 1, 1)
                    depth += 1
                    eager = True
            if eager:
                continue
            if (entries + 1) * width > len(arena.memo):
                status = GROW
                break
            if visited >= budget:
                status = GAVE_UP
                break
            visited += 1
            # What follows an option is restricted, see above: such a configuration is not remembered.
            at = depth * FRAME_WIDTH
            keep = depth == 0 or frames[at - FRAME_WIDTH + F_ITEM] >= 0
            if recall(arena, state, prefix, entries, keep):
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
            for turn in range(2):
                if chosen >= 0:
                    continue
                if turn == options_first:
                    item = prefix
                    while item < count and calls[item] < first_ret:
                        ret = rets[item]
                        if last < ret < chosen_ret and not placed[item // BITS] >> (item % BITS) & 1:
                            then = step(rules, state, kinds[item])
                            needless = after_option and then == step(rules, before, kinds[item])
                            if pruning == BY_VALUES and then != state and then != ILLEGAL:
                                needless = needless or needed_still(arena, effects, kinds[item], state)
                            if not needless and last >= 0 and then != ILLEGAL:
                                needless = has_twin(arena, item, prefix, first_ret, last)
                            if then != ILLEGAL and not needless:
                                chosen, chosen_ret, after = item, ret, then
                        item += 1
                    if chosen >= 0:
                        frames[at + F_LAST] = chosen_ret
                        frames[at + F_ITEM] = chosen
                        placed[chosen // BITS] |= 1 << (chosen % BITS)
                        take(arena, effects, kinds[chosen], 1, 1)
                    else:
                        frames[at + F_LAST] = NEVER
                else:
                    group = frames[at + F_OPTION] + 1
                    while group < group_count:
                        option = groups[group]
                        while option < groups[group + 1] and used[option // BITS] >> (option % BITS) & 1:
                            option += 1
                        if option < groups[group + 1] and option_calls[option] < first_ret:
                            after = step(rules, state, option_kinds[option])
                            needless = after_option and after == step(rules, before, option_kinds[option])
                            if pruning == BY_VALUES and after != ILLEGAL:
                                # An option is no item: it does not need the state that it tests for.
                                needless = needless or (arena.needs[state] > 0 and arena.makers[state] == 0)
                            if after != ILLEGAL and after != state and not needless:
                                chosen = option
                                break
                        group += 1
                    if chosen < 0:
                        frames[at + F_OPTION] = group_count
                    else:
                        frames[at + F_OPTION] = group
                        frames[at + F_ITEM] = -1 - chosen
                        used[chosen // BITS] |= 1 << (chosen % BITS)
                        take(arena, effects, option_kinds[chosen], 0, 1)
            if chosen < 0:
                mode = BACKTRACK
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
                    take(arena, effects, kinds[item], 1, -1)
                else:
                    used[(-1 - item) // BITS] &= ~(1 << ((-1 - item) % BITS))
                    take(arena, effects, option_kinds[-1 - item], 0, -1)
                state = frames[at + F_STATE]
                prefix = frames[at + F_PREFIX]
                if frames[at + F_EAGER] == 0:
                    mode = CHOOSE
                    break
    if status < NEED and depth > most:
        most = depth
        for position in range(depth):
            best[position] = frames[position * FRAME_WIDTH + F_ITEM]
    registers[MODE] = mode
    registers[DEPTH] = depth
    registers[STATE] = state
    registers[PREFIX] = prefix
    registers[VISITED] = visited
    registers[ENTRIES] = entries
    registers[BEST] = most
    return status


@compiled_in_place
def write_order(arena: Arena, order: Integers, at: int) -> None:
    """Write the longest order found into `order` from `at` on, in places of the part."""
    best, items_from, options_from = arena.best, arena.items_from, arena.options_from
    for position in range(arena.registers[BEST]):
        item = best[position]
        order[at + position] = items_from[item] if item >= 0 else options_from[-1 - item]
