"""What to show of a key that is not linearizable: how far an order goes, and a smallest impossible part.

**The longest explicable prefix.** Linearizability is closed under prefixes, so a binary search over
the completions finds the first reply that no order explains.

**Shrinking, soundly.** The part shown must be impossible *because of the history*, not because
shrinking tore something apart (a lookup of r without r's register is impossible, and shows nothing).
So an operation is left out only if leaving it out of any linearization leaves a linearization:

- a read, and a deregister that found nothing, which change nothing;
- a whole block without a deregister (see `presence`: the argument for eager OPEN);
- a whole block with one, or an unacknowledged deregister, if the emptiness that it leaves serves
  none of the remaining reads of nothing: each such read ended before it began or (for a block) some
  remaining block lies between the two in real time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from checkers.linearizability.presence import (
    PRESENCE,
    Contradiction,
    Effect,
    PresenceOperation,
    Reduced,
    reduce,
    until,
)
from checkers.linearizability.search import Answer, search
from checkers.verdict import Evidence

SEARCHES = 400
"""How many searches shrinking may take for one key."""

Unit = frozenset[PresenceOperation]
"""Operations that are left out together or not at all."""


@dataclass(frozen=True)
class Impossible:
    """Why a key is not linearizable."""

    culprit: PresenceOperation
    """The operation with the first reply that no order explains."""
    core: tuple[PresenceOperation, ...]
    """A smallest part that is impossible by itself, by invocation."""
    reason: str


def decide(operations: Sequence[PresenceOperation], budget: int) -> tuple[Answer, int]:
    """Whether one key's operations are linearizable, and how many configurations it took to tell."""
    reduced = reduce(operations)
    if isinstance(reduced, Contradiction):
        return Answer.NOT_LINEARIZABLE, 0
    result = search(reduced.problem(), PRESENCE, budget)
    return result.answer, result.configurations


def explain(operations: Sequence[PresenceOperation], budget: int) -> Impossible:
    """Explain operations that `decide` found not to be linearizable."""

    def impossible(part: Sequence[PresenceOperation]) -> bool:
        return decide(part, budget)[0] is Answer.NOT_LINEARIZABLE

    culprit = _first_inexplicable(operations, impossible)
    part = until(operations, culprit.ended)
    reduced = reduce(part)
    if isinstance(reduced, Contradiction):
        return Impossible(culprit, reduced.operations, reduced.reason)
    if not impossible(part):  # only if the budget cut a search short: show everything
        part = list(operations)
    return Impossible(culprit, tuple(_shrink(part, impossible)), "no order of them explains every reply")


def _first_inexplicable(
    operations: Sequence[PresenceOperation], impossible: Callable[[Sequence[PresenceOperation]], bool]
) -> PresenceOperation:
    completed = sorted((op for op in operations if op.completed is not None), key=lambda op: op.ended)
    low, high = 0, len(completed) - 1
    while low < high:
        middle = (low + high) // 2
        if impossible(until(operations, completed[middle].ended)):
            high = middle
        else:
            low = middle + 1
    return completed[low]


def _shrink(
    part: list[PresenceOperation], impossible: Callable[[Sequence[PresenceOperation]], bool]
) -> list[PresenceOperation]:
    """Leave out ever smaller groups of units while the rest stays impossible, until nothing more can go."""
    searches = 0
    shrunk = True
    while shrunk and searches < SEARCHES:
        shrunk = False
        size = max(1, len(part) // 2)
        while size and searches < SEARCHES:
            units = _units(part)
            for start in range(0, len(units), size):
                dropped = frozenset[PresenceOperation]().union(*units[start : start + size])
                rest = [op for op in part if op not in dropped]
                searches += 1
                if len(rest) < len(part) and impossible(rest):
                    part, shrunk = rest, True
            size //= 2
        for unit in _emptying_units(part):
            rest = [op for op in part if op not in unit]
            searches += 1
            if unit in _emptying_units(part) and impossible(rest):
                part, shrunk = rest, True
    return part


def _reduced(part: Sequence[PresenceOperation]) -> Reduced:
    reduced = reduce(part)
    assert isinstance(reduced, Reduced), "shrinking keeps blocks whole, so no contradiction can appear"
    return reduced


def _units(part: Sequence[PresenceOperation]) -> list[Unit]:
    """What can always be left out, each by itself or together."""
    reduced = _reduced(part)
    kept_whole = {op for block in reduced.blocks for op in block.operations}
    units: list[Unit] = [
        frozenset({op})
        for op in part
        if op.effect is Effect.READ or op.saw_nothing or (op.effect is Effect.SET and op not in kept_whole)
    ]
    units += [frozenset(block.operations) for block in reduced.blocks if block.remover is None]
    return sorted(units, key=lambda unit: min(op.invoked for op in unit))


def _emptying_units(part: Sequence[PresenceOperation]) -> list[Unit]:
    """What leaves the key empty, but for none of the reads of nothing that are in `part`."""
    reduced = _reduced(part)
    units: list[Unit] = []
    for op in reduced.optional:
        if all(nothing.ended < op.invoked for nothing in reduced.nothings):
            units.append(frozenset({op}))
    for block in reduced.blocks:
        if block.remover is None:
            continue
        after = [other for other in reduced.blocks if block.ret < other.call and other is not block]
        if all(
            nothing.ended < block.call or any(other.ret < nothing.invoked for other in after)
            for nothing in reduced.nothings
        ):
            units.append(frozenset(block.operations))
    return units


def in_words(op: PresenceOperation) -> str:
    """`operation 12 (lookup) found r3, known at operation 15`."""
    where = f"operation {op.invoked} ({op.f})"
    match op.effect:
        case Effect.SET if op.completed is None:
            return f"{where} puts {op.id}, never acknowledged"
        case Effect.SET:
            return f"{where} puts {op.id}, acknowledged at operation {op.completed}"
        case Effect.REMOVE if op.completed is None:
            return f"{where} may remove what is there at any later time, its reply not being known by then"
        case Effect.REMOVE:
            return f"{where} removed {op.id or 'nothing, as there was nothing'}, known at operation {op.completed}"
        case Effect.READ:
            return f"{where} found {op.id or 'nothing'}, known at operation {op.completed}"


def as_evidence(key: str, found: Impossible) -> Evidence:
    """One impossible key in words."""
    core = sorted(found.core, key=lambda op: op.invoked)
    order = [
        f"operation {later.invoked} began after operation {earlier.completed}"
        for earlier, later in pairwise(core)
        if earlier.ended < later.invoked
    ]
    text = (
        f"{key}: every reply before operation {found.culprit.completed} is explained by some order; "
        f"with that of {in_words(found.culprit)}, none is. "
        f"The smallest impossible part found: {'; '.join(in_words(op) for op in core)}. "
        + (f"In real time, {', '.join(order)}. " if order else "")
        + f"So {found.reason}."
    )
    indices = {index for op in core for index in (op.invoked, op.completed) if index is not None}
    return Evidence(title=f"{key} is not linearizable", text=text, operations=tuple(sorted(indices)))
