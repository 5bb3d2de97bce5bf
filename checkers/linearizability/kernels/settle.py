"""Gives ends to operations of unknown outcome that certainly happened, as `search/settled` does with arrays.

Of a small history, each call of numpy would take longer than all of this.
"""

from __future__ import annotations

from typing import NamedTuple

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels.arena import EFFECT_WIDTH, Operations
from checkers.linearizability.kernels.transitions import IS, IS_NOT, PUT
from history.kernels import Integers, compiled_in_place, inlined

ROUNDS = 4
"""How often what is settled settles others: an operation that happened may itself need a value."""
BETWEEN = 1 << 10
"""Moments between two events of a history, of which each settled operation gets its own."""


class Settling(NamedTuple):
    """Work space for n operations over some states."""

    makers: Integers
    """By state how many operations put it."""
    since: Integers
    """By state the first end of an operation that needs it."""
    ends: Integers
    """By operation its end, as far as it is known."""
    moments: Integers
    """A hash table of ends, and then how many operations have each: together two powers of two, of which each
    is at least 2n."""
    invoked: Integers
    completed: Integers


def settling_size_of(operations: int, states: int) -> int:
    """How many numbers `cut_settling` takes."""
    return 2 * states + 3 * operations + 2 * moments_for(operations)


@compiled_in_place
def moments_for(operations: int) -> int:
    """How many slots the hash table of ends has."""
    size = 16
    while size < 2 * operations:
        size *= 2
    return size


@compiled_in_place
def cut_settling(space: Integers, operations: int, states: int) -> Settling:
    """Work space for that many operations and states, cut from one array."""
    n, slots, at = operations, 2 * moments_for(operations), 2 * states
    return Settling(
        space[:states],
        space[states : 2 * states],
        space[at : at + n],
        space[at + n : at + n + slots],
        space[at + n + slots : at + 2 * n + slots],
        space[at + 2 * n + slots : at + 3 * n + slots],
    )


@inlined
def is_maker(effects: Integers, at: int) -> bool:
    """Whether an operation with these effects puts a state that it did not find."""
    return bool(effects[at + 2] == PUT and not (effects[at] == IS and effects[at + 1] == effects[at + 3]))


@compiled_in_place
def settle(operations: Operations, effects: Integers, begin: int, space: Settling) -> bool:
    """Write when the operations of one part begin and end, if some of unknown outcome certainly happened.

    Args:
        begin: the state before any operation.

    Returns:
        Whether there are such operations; `space.invoked` and `space.completed` then hold the times, which
        leave room between two events.
    """
    completed, kinds = operations.completed, operations.kinds
    makers, ends = space.makers, space.ends
    may = False
    for operation in range(len(kinds)):
        at = kinds[operation] * EFFECT_WIDTH
        if effects[at] > IS_NOT or effects[at + 2] > PUT:
            return False
        makers[effects[at + 1]] = 0
        makers[effects[at + 3]] = 0
        ends[operation] = completed[operation]
        may = may or (completed[operation] == NEVER and is_maker(effects, at))
    if not may:
        return False
    for operation in range(len(kinds)):
        at = kinds[operation] * EFFECT_WIDTH
        if is_maker(effects, at):
            makers[effects[at + 3]] += 1
    changes = True
    turn = 0
    while changes and turn < ROUNDS:
        changes = settle_once(operations, effects, begin, space)
        turn += 1
    happened = False
    for operation in range(len(kinds)):
        happened = happened or ends[operation] != completed[operation]
    if happened:
        give_moments(operations, space)
    return happened


@compiled_in_place
def settle_once(operations: Operations, effects: Integers, begin: int, space: Settling) -> bool:
    """One round; whether an end changed."""
    invoked, completed, kinds = operations
    makers, since, ends = space.makers, space.since, space.ends
    for operation in range(len(kinds)):
        at = kinds[operation] * EFFECT_WIDTH
        since[effects[at + 1]] = NEVER
        since[effects[at + 3]] = NEVER
    for operation in range(len(kinds)):
        at = kinds[operation] * EFFECT_WIDTH
        if effects[at] == IS and ends[operation] < since[effects[at + 1]]:
            since[effects[at + 1]] = ends[operation]
    changes = False
    for operation in range(len(kinds)):
        at = kinds[operation] * EFFECT_WIDTH
        state = effects[at + 3]
        if completed[operation] == NEVER and is_maker(effects, at) and makers[state] == 1 and state != begin:
            until = since[state] if since[state] > invoked[operation] else NEVER
            changes = changes or until != ends[operation]
            ends[operation] = until
    return changes


@compiled_in_place
def give_moments(operations: Operations, space: Settling) -> None:
    """Write the times; of operations that end before one event, what began sooner ends sooner."""
    invoked, completed, kinds = operations
    ends, moments = space.ends, space.moments
    slots = moments_for(len(kinds))
    for slot in range(2 * slots):
        moments[slot] = 0
    for operation in range(len(kinds) - 1, -1, -1):
        end = ends[operation]
        space.invoked[operation] = BETWEEN * invoked[operation]
        if end == NEVER:
            space.completed[operation] = NEVER
            continue
        space.completed[operation] = BETWEEN * min(end, NEVER // BETWEEN)
        if end == completed[operation]:
            continue
        slot = ((end & 0x7FFFFFFF) * 2654435761 >> 16) & (slots - 1)
        while moments[slot] != 0 and moments[slot] != end + 1:
            slot = (slot + 1) & (slots - 1)
        moments[slot] = end + 1
        moments[slots + slot] += 1
        rank = moments[slots + slot]
        if rank < BETWEEN:
            space.completed[operation] -= rank
        else:
            space.completed[operation] = NEVER
