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
EFFECT_WIDTH = 5
"""Numbers a kind in `Rules.effects`: test, tested state, action, argument, multiplier."""
NEEDED = 256
"""How many transitions a search asks its caller for at once, at most."""
MEMO_AN_OPERATION = 64
"""Numbers of memory for configurations that an arena has at first for each operation."""

# Registers: where the search stands ...
MODE, DEPTH, STATE, PREFIX, VISITED, ENTRIES, BEST, MISSING = range(8)
# ... and the sizes of what `prepare` laid out.
ITEMS, GROUPS, WINDOW_WORDS, OPTION_WORDS, SLOTS = range(8, 13)
REGISTERS = 13

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


def new_arena(operations: int, states: int, slots: int, form: Form) -> Arena:
    """An arena for parts of at most that many operations, over at most that many interned states."""
    by_operation, words, zeros = operations + 1, operations // BITS + 3, form.zeros
    return Arena(
        registers=zeros(REGISTERS),
        calls=zeros(by_operation),
        rets=zeros(by_operation),
        kinds=zeros(by_operation),
        items_from=zeros(by_operation),
        option_calls=zeros(by_operation),
        option_kinds=zeros(by_operation),
        options_from=zeros(by_operation),
        groups=zeros(by_operation),
        group_kinds=zeros(by_operation),
        group_of=zeros(by_operation),
        wanted=zeros(states),
        used=zeros(words),
        # A window can lie at the end of the placed bits: one more window's length after them.
        placed=zeros(2 * words + 2),
        best=zeros(by_operation),
        frames=zeros(FRAME_WIDTH * by_operation),
        missing=zeros(NEEDED),
        slots=zeros(slots, -1),
        memo=zeros(MEMO_AN_OPERATION * operations),
    )


@compiled_in_place
def slots_for(operations: int) -> int:
    """How many hash slots a part of that many operations gets: a power of two."""
    size = 64
    while size < 2 * operations:
        size *= 2
    return size


@compiled_in_place
def room_for(operations: int, states: int) -> int:
    """How many numbers an arena has in which `cut` makes room for that many operations and states."""
    return (
        REGISTERS
        + states
        + (11 + FRAME_WIDTH + MEMO_AN_OPERATION) * (operations + 1)
        + 3 * words_of(operations)
        + 2
        + NEEDED
        + slots_for(operations)
    )


@compiled_in_place
def cut(space: Integers, operations: int, states: int) -> Arena:
    """An arena for parts of at most that many operations, cut from one array of `room_for` them."""
    n, words = operations + 1, words_of(operations)
    registers, at = space[:REGISTERS], REGISTERS
    wanted, at = space[at : at + states], at + states
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
    slots, at = space[at : at + slots_for(operations)], at + slots_for(operations)
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
        used,
        placed,
        best,
        frames,
        missing,
        slots,
        memo=space[at:],
    )
