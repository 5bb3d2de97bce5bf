"""What the search's kernels take: a part's operations, the model's rules, and an arena of work space.

Each is a NamedTuple of arrays, which numba takes as one typed argument and whose compiled code it keeps on
disk.

The kernels know *items* and *options*. An item is an operation with a reply: it must be placed. An option
is an operation without a reply: it may be placed or not. Options of one kind form a *group*: they are alike
except for their invocation.
"""

from __future__ import annotations

from typing import NamedTuple

from history.kernels import Form, Integers, compiled_in_place

BITS = 60
"""Bits that a word of a bit set holds: the sign bit is far away."""
EFFECT_WIDTH = 7
"""Numbers a kind in `Rules.effects`: test, tested state, action, argument, multiplier, mask, limit."""
NEEDED = 256
"""How many transitions a search asks its caller for at once, at most."""
MEMO_AN_OPERATION = 64
"""Numbers of memory for configurations that an arena has at first for each operation."""

# Registers: where the search stands ...
MODE, DEPTH, STATE, PREFIX, VISITED, ENTRIES, BEST, MISSING = range(8)
# ... and the sizes of what `prepare` laid out.
ITEMS, GROUPS, WINDOW, WINDOW_WORDS, OPTION_WORDS, SLOTS = range(8, 14)
# What prunes the search, and for texts how many reads and puts are not yet placed.
PRUNING, READS_LEFT, PUTS_LEFT = range(14, 17)
# Whether operations without a reply are tried before the others.
OPTIONS_FIRST = 17
REGISTERS = 18

BY_VALUES, BY_TEXTS = 1, 2
"""What can prune a search: see `search`; 0 is nothing."""

# Frames, one for each placed operation
F_ITEM, F_STATE, F_PREFIX, F_LAST, F_OPTION, F_FIRST_RET, F_EAGER = range(7)
FRAME_WIDTH = 7


class Operations(NamedTuple):
    """A part's operations by invocation. `completed` is NEVER where the outcome is unknown."""

    invoked: Integers
    completed: Integers
    kinds: Integers


class Rules(NamedTuple):
    """What an operation of each kind does to a state."""

    effects: Integers
    """EFFECT_WIDTH numbers a kind."""
    table_keys: Integers
    """An open hash table for kinds whose test is TABLE: state and kind, packed ..."""
    table_values: Integers
    """... and the state that follows."""
    prefixes: Integers
    """An open hash table of the texts that lead to one that a reply shows: see `prefixes`."""


class Arena(NamedTuple):
    """The work space of one search. `prepare` clears what needs clearing."""

    registers: Integers
    calls: Integers
    """By item its invocation."""
    rets: Integers
    """By item its completion."""
    kinds: Integers
    """By item its kind."""
    items_from: Integers
    """By item its place among the part's operations."""
    option_calls: Integers
    """By option its invocation."""
    option_kinds: Integers
    """By option its kind."""
    options_from: Integers
    """By option its place among the part's operations."""
    groups: Integers
    """By group where its options begin; the end of the last one follows."""
    group_kinds: Integers
    group_of: Integers
    wanted: Integers
    """By interned state the stamp of the last search that tests for it."""
    needs: Integers
    """By interned state how many unplaced items test for it."""
    makers: Integers
    """By interned state how many operations that are not yet placed put it."""
    makers_from: Integers
    """By interned state where its makers begin in `maker_calls`."""
    maker_calls: Integers
    """The invocations of the operations that put a state, state by state."""
    late: Integers
    """By item how many makers of the state that it tests for began after the item's end."""
    used: Integers
    """The options that are placed, as a bit set."""
    placed: Integers
    """The items that are placed, as a bit set."""
    best: Integers
    """The longest order found, in places of the part."""
    frames: Integers
    """The stack of the search: FRAME_WIDTH numbers for each placed operation."""
    missing: Integers
    """The kinds whose transitions the search waits for."""
    slots: Integers
    """The heads of the memo's hash chains."""
    memo: Integers
    """The configurations that were visited: see `memo`."""


@compiled_in_place
def words_of(operations: int) -> int:
    """How many words a bit set of that many operations has."""
    return operations // BITS + 3


@compiled_in_place
def slots_for(operations: int) -> int:
    """How many hash slots a part of that many operations gets: a power of two."""
    size = 64
    while size < 2 * operations:
        size *= 2
    return size


def size_of(operations: int, states: int) -> int:
    """How many numbers `cut` takes."""
    words = operations // BITS + 3
    return REGISTERS + 4 * states + (13 + FRAME_WIDTH) * (operations + 1) + 3 * words + 2 + NEEDED


@compiled_in_place
def cut(space: Integers, slots: Integers, memo: Integers, operations: int, states: int) -> Arena:
    """An arena for parts of at most that many operations, over at most that many interned states.

    It is cut from one array of `size_of` numbers, so that compiled code takes one array instead of twenty,
    which is much faster. The memo and its slots are apart, since they grow.
    """
    n, words = operations + 1, words_of(operations)
    registers, at = space[:REGISTERS], REGISTERS
    wanted, at = space[at : at + states], at + states
    needs, at = space[at : at + states], at + states
    makers, at = space[at : at + states], at + states
    makers_from, at = space[at : at + states], at + states
    maker_calls, at = space[at : at + n], at + n
    late, at = space[at : at + n], at + n
    calls, at = space[at : at + n], at + n
    rets, at = space[at : at + n], at + n
    kinds, at = space[at : at + n], at + n
    items_from, at = space[at : at + n], at + n
    option_calls, at = space[at : at + n], at + n
    option_kinds, at = space[at : at + n], at + n
    options_from, at = space[at : at + n], at + n
    groups, at = space[at : at + n], at + n
    group_kinds, at = space[at : at + n], at + n
    group_of, at = space[at : at + n], at + n
    best, at = space[at : at + n], at + n
    frames, at = space[at : at + FRAME_WIDTH * n], at + FRAME_WIDTH * n
    used, at = space[at : at + words], at + words
    placed, at = space[at : at + 2 * words + 2], at + 2 * words + 2
    missing, at = space[at : at + NEEDED], at + NEEDED
    return Arena(
        registers,
        calls,
        rets,
        kinds,
        items_from,
        option_calls,
        option_kinds,
        options_from,
        groups,
        group_kinds,
        group_of,
        wanted,
        needs,
        makers,
        makers_from,
        maker_calls,
        late,
        used,
        placed,
        best,
        frames,
        missing,
        slots,
        memo,
    )


def arena_of_lists(operations: int, states: int, slots: Integers, memo: Integers) -> Arena:
    """The same for plain Python, where a slice is a copy."""
    n, words = operations + 1, operations // BITS + 3
    lengths = {
        "registers": REGISTERS,
        "wanted": states,
        "needs": states,
        "makers": states,
        "makers_from": states,
        "used": words,
        "placed": 2 * words + 2,
        "frames": FRAME_WIDTH * n,
        "missing": NEEDED,
    }
    made = {name: Form.PLAIN.zeros(lengths.get(name, n)) for name in Arena._fields[:-2]}
    return Arena(**made, slots=slots, memo=memo)
