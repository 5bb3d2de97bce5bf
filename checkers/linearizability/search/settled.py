"""Operations of unknown outcome of which the replies show that they happened, and until when.

A search tries each operation without a reply as one that may have happened at any time, or not at all. But if
a reply shows a value that nothing else brings, the operation that brings it happened before that reply. It
then has an end as any other has, and there is nothing left to try. What brings only values that nothing asks
for can be left out. Both are so in every order, so the answer of the search stays the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import NEVER
from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import Operations
from checkers.linearizability.kernels.settle import BETWEEN, ROUNDS
from checkers.linearizability.part import Integers

Mask = npt.NDArray[np.bool_]


class Named(NamedTuple):
    """Operations and the things that they name: entry i says that operation `row[i]` names `thing[i]`."""

    row: Integers
    thing: Integers


class Settled(NamedTuple):
    """The operations as they are to be searched."""

    invoked: Integers
    completed: Integers
    needless: Mask
    """Which operations of unknown outcome bring only what nothing asks for."""


def settled(
    starts: Integers,
    invoked: Integers,
    completed: Integers,
    makes: Named,
    needs: Named,
    at_first: Mask,
) -> Settled:
    """Give an end to each operation of unknown outcome that certainly happened.

    Args:
        makes: what operations bring, if they happen.
        needs: what must be there when they do. Things are numbered alike in all parts.
        at_first: by thing whether it is there before any operation.
    """
    unknown = completed == NEVER
    may = unknown[makes.row]
    if not may.any():
        return Settled(invoked, completed, np.zeros(len(invoked), dtype=bool))
    part_of = np.repeat(np.arange(len(starts) - 1, dtype=np.int64), np.diff(starts))
    made = part_of[makes.row] * len(at_first) + makes.thing
    names, of_may = np.unique(made[may], return_inverse=True)
    makers = np.bincount(_places(names, made)[0], minlength=len(names))
    needed, by = _places(names, part_of[needs.row] * len(at_first) + needs.thing)
    alone = (makers == 1) & ~at_first[names % len(at_first)]
    ends = completed
    for _ in range(ROUNDS):
        since = np.full(len(names), NEVER, dtype=np.int64)
        np.minimum.at(since, needed, ends[needs.row[by]])
        until = np.full(len(invoked), NEVER, dtype=np.int64)
        np.minimum.at(until, makes.row[may], np.where(alone, since, NEVER)[of_may])
        before, ends = ends, np.where(unknown & (until > invoked), until, completed)
        if np.array_equal(before, ends):
            break
    wanted = np.zeros(len(names), dtype=bool)
    wanted[needed] = True
    needless = unknown & (ends == NEVER)
    needless[np.delete(np.arange(len(invoked)), makes.row)] = False
    needless[makes.row[may][(wanted | at_first[names % len(at_first)])[of_may]]] = False
    happened = np.flatnonzero(unknown & (ends < NEVER))
    if not len(happened):
        return Settled(invoked, completed, needless)
    return Settled(BETWEEN * invoked, _spread(ends, happened, invoked), needless)


def settled_by_effects(
    starts: Integers, operations: Operations, effects: Integers, states: int, begin: int
) -> Operations:
    """Operations whose kinds are effects on single values, with the ends of those that certainly happened.

    `kernels.settle` does the same in compiled code.

    Args:
        effects: by kind its EFFECT_WIDTH numbers.
        states: how many states are numbered; 0 if numbers stand for states.
        begin: the state before any operation.
    """
    invoked, completed, kinds = operations
    if not states or not (completed == NEVER).any():
        return operations
    test, tested, action, argument = effects[kinds, :4].T
    if (test > transitions.IS_NOT).any() or (action > transitions.PUT).any():
        return operations
    needs = np.flatnonzero(test == transitions.IS)
    makes = np.flatnonzero((action == transitions.PUT) & ~((test == transitions.IS) & (tested == argument)))
    at_first = np.arange(states) == begin
    made, needed = Named(makes, argument[makes]), Named(needs, tested[needs])
    known = settled(starts, invoked, completed, made, needed, at_first)
    return Operations(known.invoked, known.completed, kinds)


def _places(names: Integers, things: Integers) -> tuple[Integers, Integers]:
    """The places in `names` of the things that it holds, and the places of these in `things`."""
    place = np.minimum(np.searchsorted(names, things), len(names) - 1)
    found = np.flatnonzero(names[place] == things)
    return place[found], found


def _spread(ends: Integers, happened: Integers, invoked: Integers) -> Integers:
    """The ends with moments between them, such that all of them differ."""
    order = happened[np.lexsort((-invoked[happened], ends[happened]))]
    same = np.flatnonzero(np.diff(ends[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(same, np.diff(same, append=len(order))) + 1
    spread = np.where(ends == NEVER, NEVER, BETWEEN * np.minimum(ends, NEVER // BETWEEN))
    spread[order] = np.where(rank < BETWEEN, spread[order] - rank, NEVER)
    return spread
