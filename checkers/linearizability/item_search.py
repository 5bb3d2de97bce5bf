"""A search over items: does any order of them respect real time and satisfy the model?

Wing & Gong's search (J. Parallel Distrib. Comput. 17, 1993) with Lowe's memoization ("Testing for
linearizability", Concurrency Comput. 29, 2017), in plain Python: depth first, one item after the other; a
configuration (which items are placed, model state) is never explored twice. The compiled search of `kernels`
knows single operations only.

An *item* has a `call` and a `ret`: item a must come before item b exactly if `a.ret < b.call`. For a plain
operation these are its invocation and its completion, and `call < ret`. An item that stands for a contiguous
block of operations (see `presence`) may have `call > ret`.

Three things keep the search small. Each is sound for a reason that the model must guarantee:

- *Eager* items are placed without branching as soon as they can be: the model guarantees that this never
  loses an order and never changes the state.
- *Optional* items, those of operations of unknown outcome, need not be placed and never end. Those of one
  kind are alike except for their `call`, so the one that began first is always used first, and a
  configuration that has used no more of any kind dominates the same one with more.
- Placed items are kept as (length of the placed prefix, bits after it), so that the size of a configuration
  grows with the concurrency at that point and not with the history.

The budget counts configurations, not seconds: the same history gives the same verdict everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import le

from checkers.linearizability.answer import NEVER, Answer


@dataclass(frozen=True)
class ItemModel:
    """A data type as tables over small integers: state 0 is the initial one.

    step[state][kind]: the state after an item of that kind, or -1 if it cannot be placed there.
    eager[state][kind]: whether placing such an item now, if real time allows, keeps the state and never
    loses an order.
    """

    step: Sequence[Sequence[int]]
    eager: Sequence[Sequence[bool]]


@dataclass(frozen=True)
class ItemProblem:
    """n items as three sequences of length n, and the optional ones: by kind their calls, ascending."""

    calls: Sequence[int]
    rets: Sequence[int]
    kinds: Sequence[int]
    optional: Sequence[tuple[int, Sequence[int]]] = ()


@dataclass(frozen=True)
class ItemResult:
    """The answer of a search, and how many configurations it visited."""

    answer: Answer
    configurations: int


def search_items(problem: ItemProblem, model: ItemModel, budget: int) -> ItemResult:
    """Look for an order, visiting at most `budget` configurations."""
    window = _Window(problem)
    fewest_used: dict[tuple[int, int, int], list[tuple[int, ...]]] = {}
    none_used = (0,) * len(problem.optional)
    stack = [(0, 0, 0, none_used)]  # state, length of the placed prefix, bits after it, optional items used
    visited = 0
    while stack:
        state, prefix, placed, used = stack.pop()
        visited += 1
        if visited > budget:
            return ItemResult(Answer.GAVE_UP, visited - 1)
        eager = model.eager[state]
        while True:
            candidates, first_ret = window.candidates(prefix, placed)
            at_once = [item for item in candidates if eager[problem.kinds[window.order[item]]]]
            if not at_once:
                break
            for item in at_once:
                placed |= 1 << (item - prefix)
            prefix, placed = _normalized(prefix, placed)
        if prefix == len(window.order):
            return ItemResult(Answer.LINEARIZABLE, visited)
        configuration = (state, prefix, placed)
        known = fewest_used.setdefault(configuration, [])
        if any(all(map(le, fewer, used)) for fewer in known):
            continue
        known.append(used)

        step = model.step[state]
        for place, (kind, calls) in enumerate(problem.optional):
            after = step[kind]
            if after in (-1, state) or used[place] == len(calls) or calls[used[place]] >= first_ret:
                continue
            more = (*used[:place], used[place] + 1, *used[place + 1 :])
            stack.append((after, prefix, placed, more))
        # The stack is last in, first out: the item that must end first is tried first.
        for item in sorted(candidates, key=window.ret_of, reverse=True):
            after = step[problem.kinds[window.order[item]]]
            if after >= 0:
                stack.append((after, *_normalized(prefix, placed | 1 << (item - prefix)), used))
    return ItemResult(Answer.NOT_LINEARIZABLE, visited)


def _normalized(prefix: int, placed: int) -> tuple[int, int]:
    """Move the run of ones at the bottom of `placed` into the prefix."""
    ones = (~placed & (placed + 1)).bit_length() - 1
    return prefix + ones, placed >> ones


class _Window:
    """The items by the earlier of their two ends, so that what can be placed next is near the prefix."""

    def __init__(self, problem: ItemProblem) -> None:
        both = list(zip(problem.calls, problem.rets, strict=True))
        self.order = sorted(range(len(both)), key=lambda item: min(both[item]))
        self._starts = [min(both[item]) for item in self.order]
        self._calls = [both[item][0] for item in self.order]
        self._rets = [both[item][1] for item in self.order]

    def ret_of(self, item: int) -> int:
        """The ret of the item at that place of the order."""
        return self._rets[item]

    def candidates(self, prefix: int, placed: int) -> tuple[list[int], int]:
        """The unplaced items that no other unplaced item must precede, and the earliest unplaced ret.

        An item may have `call > ret`, and does not precede itself: it is compared with the earliest
        ret of the *others*, hence the two earliest.
        """
        starts, rets = self._starts, self._rets
        first = second = NEVER
        first_item = -1
        unplaced = []
        for item in range(prefix, len(starts)):
            if starts[item] >= second:
                break
            if placed >> (item - prefix) & 1:
                continue
            unplaced.append(item)
            ret = rets[item]
            if ret < first:
                first, second, first_item = ret, first, item
            elif ret < second:
                second = ret
        calls = self._calls
        found = [item for item in unplaced if calls[item] < (second if item == first_item else first)]
        return found, first
