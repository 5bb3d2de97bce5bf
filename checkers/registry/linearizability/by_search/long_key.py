"""One long key of a registry, decided and cut by compiled code: any prefix in milliseconds.

Explaining asks again and again whether a prefix has an order. For a hundred thousand operations that must
not build as many objects each time, so they become arrays once, and a prefix is two comparisons: what began
by then, and whose reply had come. Zones decide it (`zones`); where they cannot tell, the search over blocks
has to. To zones a CHANGE is a write like any other: what has no order then has none, and no more is known.

The core of an impossible prefix is mostly two blocks that must each come before the other (see `presence`
for blocks): an operation of either was complete before one of the other began. Without a reply that found
nothing, whatever else is left out leaves a linearization, so these few operations are impossible alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from checkers.linearizability.answer import NEVER, Answer
from checkers.linearizability.kernels.zones import NO, READ, REMOVE, WRITE, YES, RegisterOperations, by_zones
from checkers.registry.linearizability.by_search.presence import (
    Block,
    PresenceEffect,
    PresenceOperation,
    Reduced,
)

CHOICES = 64
"""The number of contradicting blocks of which the smallest is shown."""
_EFFECTS = {
    PresenceEffect.SET: WRITE,
    PresenceEffect.CHANGE: WRITE,
    PresenceEffect.REMOVE: REMOVE,
    PresenceEffect.READ: READ,
}


class LongKey:
    """A key's operations as arrays, by invocation."""

    def __init__(self, operations: Sequence[PresenceOperation]) -> None:
        known: dict[str | None, int] = {None: 0}
        self._invoked = np.array([op.invoked for op in operations], dtype=np.int64)
        self._completed = np.array([op.ended for op in operations], dtype=np.int64)
        self._effects = np.array([_EFFECTS[op.effect] for op in operations], dtype=np.int64)
        self._values = np.array([known.setdefault(op.id, len(known)) for op in operations], dtype=np.int64)
        self._states = len(known)
        self._first_change = min(
            (op.invoked for op in operations if op.effect is PresenceEffect.CHANGE), default=NEVER
        )

    def decide(self, cutoff: int = NEVER - 1) -> Answer | None:
        """Whether what was known just after the completion at `cutoff` has an order; None: not by zones."""
        begun = self._invoked <= cutoff
        completed = np.where(self._completed > cutoff, NEVER, self._completed)[begun]
        starts = np.array([0, len(completed)], dtype=np.int64)
        columns = (self._invoked[begun], completed, self._effects[begun], self._values[begun])
        (answer,) = by_zones(RegisterOperations(starts, *columns), self._states).tolist()
        if answer == YES and self._first_change <= cutoff:
            return None
        return {YES: Answer.LINEARIZABLE, NO: Answer.NOT_LINEARIZABLE}.get(answer)


def two_blocks(reduced: Reduced, culprit: PresenceOperation) -> list[PresenceOperation] | None:
    """A few operations that are impossible alone: the culprit's block, and one that contradicts it."""
    own = next((block for block in reduced.blocks if culprit in block.operations), None)
    if own is None:
        return None
    call, ret = own.call, own.ret
    others = (block for block in reduced.blocks if block is not own and block.ret < call and ret < block.call)
    parts: list[set[PresenceOperation]] = [_ends(own) | _ends(b) for b in islice(others, CHOICES)]
    if not parts:
        return None
    smallest = min(parts, key=len)
    return sorted(smallest, key=lambda op: op.invoked)


def _ends(block: Block) -> set[PresenceOperation]:
    """The registration, who was first to complete, and who was last to begin."""
    first = min(block.operations, key=lambda op: op.ended)
    last = max(block.operations, key=lambda op: op.invoked)
    return {block.setter, first, last}
