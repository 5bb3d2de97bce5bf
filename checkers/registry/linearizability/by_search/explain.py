"""Explains a key that is not linearizable: the first reply that no order explains, and a smallest impossible
part.

**The longest explicable prefix.** Linearizability is closed under prefixes, so a binary search over
the completions finds the first reply that no order explains.

**Shrinking, soundly.** The part shown must be impossible *because of the history*, not because
shrinking tore something apart (a lookup of r without r's register is impossible, and shows nothing).
So an operation is left out only if leaving it out of any linearization leaves a linearization:

- a read, and a deregister or update that found nothing, which change nothing;
- a whole block without a deregister (see `presence`: the argument for eager OPEN); but a register's, only if
  what it puts there serves none of the remaining updates: each ended before it began, or some remaining
  register's block without a deregister lies between the two in real time;
- a whole block with one, or an unacknowledged deregister, if the emptiness that it leaves serves
  none of the remaining reads of nothing: each such read ended before it began or (for a block) some
  remaining block lies between the two in real time.

Why the updates that remain still find something: before such an update, in the order that there was, stood a
last register's block with nothing between the two that leaves the key empty. It has not gone, as no other
register's block that remained lay between the two. What has gone besides leaves no key empty.

Where a part is impossible even if updates needed nothing to be there, it is shown so: any block may go then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from checkers.delta_debugging import shrink_by_pieces
from checkers.linearizability.answer import NEVER, Answer
from checkers.linearizability.item_search import search_items
from checkers.registry.linearizability.by_search.presence import (
    CHANGED,
    OPEN,
    PUTS,
    Block,
    PresenceContradiction,
    PresenceEffect,
    PresenceOperation,
    Reduced,
    reduce,
    unconditional,
    until,
)
from checkers.verdict import Evidence
from checkers.words import by_and_at, seconds, sentence, who_answered
from history import History

LONG = 4_000
"""Operations from which on compiled code pays for being loaded."""
CONFIGURATIONS = 300_000
"""What shrinking may cost for one key: configurations visited, and operations of the parts searched."""

Unit = frozenset[PresenceOperation]
"""Operations that are left out together or not at all."""


@dataclass(frozen=True)
class ImpossibleKey:
    """Why a key is not linearizable."""

    culprit: PresenceOperation
    """The operation with the first reply that no order explains."""
    core: tuple[PresenceOperation, ...]
    """A smallest part that is impossible by itself, by invocation."""
    reason: str


def decide(operations: Sequence[PresenceOperation], budget: int) -> tuple[Answer, int]:
    """Whether one key's operations are linearizable, and how many configurations it took to tell."""
    if len(operations) >= LONG:
        from checkers.registry.linearizability.by_search.long_key import (
            LongKey,  # not above: it loads compiled code
        )

        answer = LongKey(operations).decide()
        if answer is not None:
            return answer, 0
    reduced = reduce(operations)
    if isinstance(reduced, PresenceContradiction):
        return Answer.NOT_LINEARIZABLE, 0
    if reduced.has_changes:  # most of what is wrong is so without their condition, and quicker to find then
        easier = reduce(unconditional(operations))
        assert isinstance(easier, Reduced), "the same blocks"
        result = search_items(easier.problem(), easier.model, budget)
        if result.answer is Answer.NOT_LINEARIZABLE:
            return result.answer, result.configurations
    result = search_items(reduced.problem(), reduced.model, budget)
    return result.answer, result.configurations


def explain(operations: Sequence[PresenceOperation], budget: int) -> ImpossibleKey:
    """Explain operations that `decide` found not to be linearizable."""
    shrinking = _Shrinking(budget)
    culprit = _first_inexplicable(operations, shrinking.impossible)
    part = until(operations, culprit.ended)
    if any(op.effect is PresenceEffect.CHANGE for op in part) and shrinking.impossible(unconditional(part)):
        part = unconditional(part)
    reduced = reduce(part)
    if isinstance(reduced, PresenceContradiction):
        return ImpossibleKey(culprit, reduced.operations, reduced.reason)
    if len(operations) >= LONG:
        part = _narrowed(part, reduced, culprit, shrinking)
    core = tuple(shrinking.shrink(part))
    reason = "no order of them explains every reply"
    if any(op.effect is PresenceEffect.CHANGE for op in core):
        reason += ", as an update changes only what is there"
    return ImpossibleKey(culprit, core, reason)


def _narrowed(
    part: list[PresenceOperation], reduced: Reduced, culprit: PresenceOperation, shrinking: _Shrinking
) -> list[PresenceOperation]:
    """A smaller part of a long one that is still impossible: two blocks, or what lies near the culprit."""
    from checkers.registry.linearizability.by_search.long_key import two_blocks

    pair = two_blocks(reduced, culprit)
    if pair is not None and shrinking.impossible(unconditional(pair)):
        return unconditional(pair)
    units = _Units.of(part)
    near = max(1, LONG // 8)
    while near < len(part):
        begin = culprit.ended - 2 * near
        past = [unit for unit in units.all if max(op.ended for op in unit) < begin]
        rest = units.without(part, past)
        if shrinking.impossible(rest):
            return rest
        near *= 8
    return part


def _first_inexplicable(
    operations: Sequence[PresenceOperation], impossible: Callable[[Sequence[PresenceOperation]], bool]
) -> PresenceOperation:
    completed = sorted((op for op in operations if op.completed is not None), key=lambda op: op.ended)
    long_key = None
    if len(operations) >= LONG:
        from checkers.registry.linearizability.by_search.long_key import LongKey

        long_key = LongKey(operations)
    low, high = 0, len(completed) - 1
    while low < high:
        middle = (low + high) // 2
        cutoff = completed[middle].ended
        answer = None if long_key is None else long_key.decide(cutoff)
        if answer is Answer.NOT_LINEARIZABLE or (answer is None and impossible(until(operations, cutoff))):
            high = middle
        else:
            low = middle + 1
    return completed[low]


class _Shrinking:
    """Leaves out units, by delta debugging, while the rest stays impossible and the budget lasts."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._left = CONFIGURATIONS

    def impossible(self, part: Sequence[PresenceOperation]) -> bool:
        """Whether a part has no order; if the budget runs out, no."""
        answer, configurations = decide(part, self._budget)
        self._left -= configurations + len(part)
        return answer is Answer.NOT_LINEARIZABLE

    def shrink(self, part: list[PresenceOperation]) -> list[PresenceOperation]:
        """A part as small as the configurations allow, from which no unit can be left out."""

        units = _Units.of(part)

        def pieces_of(whole: list[PresenceOperation]) -> Sequence[Unit]:
            nonlocal units
            units = _Units.of(whole)
            return units.all

        def without(whole: list[PresenceOperation], group: Sequence[Unit]) -> list[PresenceOperation] | None:
            rest = units.without(whole, group)
            return rest if len(rest) < len(whole) else None

        before = len(part) + 1
        while len(part) < before:
            before = len(part)
            part = shrink_by_pieces(
                part,
                pieces_of=pieces_of,
                without=without,
                still_fails=self.impossible,
                may_go_on=lambda: self._left > 0,
            )
        return part


class _Units(NamedTuple):
    """What can be left out of a part."""

    all: list[Unit]
    """By when they began."""
    emptying: frozenset[Unit]
    """Those of them that leave the key empty."""
    filling: frozenset[Unit]
    """Those that leave something in an empty key, if some update has to find it."""
    blocks: list[Block]
    nothings: list[PresenceOperation]

    @classmethod
    def of(cls, part: Sequence[PresenceOperation]) -> _Units:
        """The units of a part. A read is one by itself, and also belongs to its block."""
        reduced = reduce(part)
        assert isinstance(reduced, Reduced), "units keep blocks whole, so no contradiction can appear"
        emptying = {frozenset(block.operations) for block in reduced.blocks if block.remover is not None}
        emptying |= {frozenset({op}) for op in reduced.removes}
        filling = {frozenset(block.operations) for block in reduced.blocks if block.kind == OPEN}
        filling |= {frozenset({op}) for op in reduced.sets}
        placed = {block.setter for block in reduced.blocks}
        plain = {frozenset(block.operations) for block in reduced.blocks if block.kind == CHANGED}
        plain |= {
            frozenset({op})
            for op in part
            if op.effect is PresenceEffect.READ
            or op.saw_nothing
            or (op.effect is PresenceEffect.CHANGE and op not in placed)
        }
        if not reduced.has_changes:
            plain, filling = plain | filling, set()
        all_ = plain | emptying | filling
        by_begin = sorted(all_, key=lambda unit: (min(op.invoked for op in unit), len(unit)))
        return cls(by_begin, frozenset(emptying), frozenset(filling), reduced.blocks, reduced.nothings)

    def without(self, part: list[PresenceOperation], group: Sequence[Unit]) -> list[PresenceOperation]:
        """The part without a group, save those units of it that may not go together with the others."""
        emptying = [unit for unit in group if unit in self.emptying]
        filling = [unit for unit in group if unit in self.filling]
        tied = self.emptying | self.filling
        gone = frozenset[PresenceOperation]().union(*(unit for unit in group if unit not in tied))
        going = gone.union(*emptying, *filling)
        kept = [block for block in self.blocks if block.setter not in going]
        nothings = [(op.invoked, op.ended) for op in self.nothings if op not in gone]
        gone = gone.union(*_serving_none(emptying, nothings, kept))
        changes = [
            (block.call, block.ret) for block in self.blocks if block.is_change and block.setter not in gone
        ]
        gone = gone.union(*_serving_none(filling, changes, [block for block in kept if block.kind == OPEN]))
        return [op for op in part if op not in gone]


def _serving_none(
    units: Sequence[Unit], served: Sequence[tuple[int, int]], between: Sequence[Block]
) -> list[Unit]:
    """The units that may go: each (call, ret) of `served` ended before they began, or some block of `between`
    certainly lies between them and it."""
    blocks = sorted((block.call, block.ret) for block in between)
    calls = [call for call, _ in blocks]
    earliest_ret = [*_suffix_minima([ret for _, ret in blocks]), NEVER]
    by_end = sorted((ret, call) for call, ret in served)
    ends = [ret for ret, _ in by_end]
    earliest_call = [*_suffix_minima([call for _, call in by_end]), NEVER]
    found = []
    for unit in units:
        call = max(op.invoked for op in unit)
        ret = min(op.ended for op in unit)
        # From here on some block certainly lies between this unit and whatever begins.
        covered_from = earliest_ret[bisect_right(calls, ret)]
        first_served = earliest_call[bisect_left(ends, call)]
        if first_served == NEVER or first_served > covered_from:
            found.append(unit)
    return found


def _suffix_minima(numbers: list[int]) -> list[int]:
    """For each position the least number from there on."""
    return list(accumulate(reversed(numbers), min))[::-1]


def in_words(op: PresenceOperation, history: History) -> str:
    """An operation and its result: `operation 12 (lookup) found r3, answered by n1 at 2.500 s`."""
    where = f"operation {op.invoked} ({op.f})"
    if op.completed is None:
        match op.effect:
            case PresenceEffect.CHANGE:
                return f"{where} replaced what was there by {op.id}, and was never acknowledged"
            case PresenceEffect.REMOVE:
                return f"{where} has no reply, and may remove what is there at any later time"
            case _:
                return f"{where} wrote {op.id}, and was never acknowledged"
    when = by_and_at(history[op.completed])
    match op.effect:
        case PresenceEffect.SET:
            return f"{where} wrote {op.id}, acknowledged{when}"
        case PresenceEffect.CHANGE:
            return f"{where} replaced what was there by {op.id}, acknowledged{when}"
        case PresenceEffect.REMOVE:
            return f"{where} removed {op.id or 'nothing'}, acknowledged{when}"
        case PresenceEffect.READ:
            return f"{where} found {op.id or 'nothing'}, answered{when}"


def as_evidence(key: str, found: ImpossibleKey, history: History) -> Evidence:
    """A key without an order, in words: the first impossible reply, and the smallest impossible part."""
    core = sorted(found.core, key=lambda op: op.invoked)
    order = [
        f"operation {later.invoked} began after operation {earlier.invoked} had ended"
        for earlier, later in pairwise(core)
        if earlier.ended < later.invoked
    ]
    text = (
        f"{_overtaken(found, history)}"
        f"Some order of the operations on {key} explains every earlier reply, "
        f"but no order also explains this one: {in_words(found.culprit, history)}. "
        f"These operations contradict each other: {'; '.join(in_words(op, history) for op in core)}. "
        + (f"In real time, {', and '.join(order)}. " if order else "")
        + f"So {found.reason}."
    )
    reply = None if found.culprit.completed is None else history[found.culprit.completed]
    title = f"{key} is not linearizable"
    if reply is not None:
        answer = found.culprit.id or "nothing"
        title += f": {who_answered(reply)} answered a {reply.f} with {answer} at {seconds(reply.time)}"
        title += _although(found, history)
    numbers = tuple(dict.fromkeys(op.invoked for op in core))
    return Evidence(title=title, text=text, operations=numbers, kind="a key is not linearizable")


def _newer_write(found: ImpossibleKey) -> PresenceOperation | None:
    """The last write of another value, acknowledged before the read with the impossible reply began."""
    read = found.culprit
    if read.effect is not PresenceEffect.READ or read.completed is None:
        return None
    before = [
        op
        for op in found.core
        if op.effect in PUTS and op.completed is not None and op.completed < read.invoked and op.id != read.id
    ]
    return max(before, key=lambda op: op.ended, default=None)


def _although(found: ImpossibleKey, history: History) -> str:
    """For a headline: which node had acknowledged or shown another value before the read began, and when."""
    write, read = _newer_write(found), found.culprit
    if write is not None:
        done = history[write.ended]
        return f", although {who_answered(done)} had acknowledged {write.id} at {seconds(done.time)}"
    if read.effect is not PresenceEffect.READ:
        return ""
    shown = [
        op
        for op in found.core
        if op.effect is PresenceEffect.READ and op.ended < read.invoked and op.id != read.id
    ]
    if not shown:
        return ""
    last = max(shown, key=lambda op: op.ended)
    done = history[last.ended]
    who = who_answered(done)
    return f", although {who} had answered a {done.f} with {last.id or 'nothing'} at {seconds(done.time)}"


def _overtaken(found: ImpossibleKey, history: History) -> str:
    """Of a read of an old value: which newer write had been acknowledged before the read began, and when."""
    newest, read = _newer_write(found), found.culprit
    if newest is None or read.completed is None:
        return ""
    reply, write = history[read.completed], history[newest.ended]
    ago = history[read.invoked].time - write.time
    return (
        f"{sentence(who_answered(reply))} answered a {reply.f} at "
        f"{seconds(reply.time)} with {read.id or 'nothing'}; the "
        f"read had begun {seconds(ago)} after {newest.id} was acknowledged{by_and_at(write)}. "
    )
