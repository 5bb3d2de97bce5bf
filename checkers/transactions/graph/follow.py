"""Compiled passes over steps: what a transaction did to a key before, and which list continues which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from checkers.linearizability.answer import NEVER
from checkers.transactions.graph.scan import COMMA, OPEN, READ, Steps, Text, Tokens, end_of_scalar, number_of
from history.kernels import AnyIntegers, compiled, compiled_in_place


class StepShape(NamedTuple):
    """What `within` finds, by step."""

    opening: AnyIntegers
    """The first step of the step's transaction on its key."""
    final: AnyIntegers
    """Whether it is the transaction's last write of its key."""
    internal: AnyIntegers
    """Whether it is a read that contradicts what the transaction itself wrote (`OWN_WRITE`) or else read
    (`OWN_READ`) before."""
    own: AnyIntegers
    """How many writes of its key the transaction made before it ..."""
    previous: AnyIntegers
    """... and of a write, the step of the last one of these; -1 for none."""


OWN_WRITE, OWN_READ = 1, 2


class Trunks(NamedTuple):
    """By key its longest read, and where the elements of that begin if all are laid side by side."""

    longest: AnyIntegers
    """The read's step; -1 for none."""
    starts: AnyIntegers
    """One more than there are keys: the end of the last one follows."""


@compiled_in_place
def ends_with(text: Text, begin: int, at: int, token_begin: int, token_end: int) -> int:
    """Where the element that ends at `at` of the list from `begin` begins, if it is that token; else -1."""
    start = at - (token_end - token_begin)
    if start <= begin or (text[start - 1] != COMMA and text[start - 1] != OPEN):
        return -1
    for place in range(token_end - token_begin):
        if text[start + place] != text[token_begin + place]:
            return -1
    return start


@compiled_in_place
def within(
    text: Text, first: AnyIntegers, known: AnyIntegers, lists: int, steps: Steps, shape: StepShape
) -> None:
    """Write the shape of each step. `first` is by transaction its first step.

    Of reads only those of transactions whose outcome is `known` (1) can contradict.
    """
    f, key, version, begin, end, count = steps
    opening, final, internal, own, previous = shape
    for txn in range(len(first) - 1):
        for step in range(first[txn], first[txn + 1]):
            opening[step] = step
            final[step] = 1 if f[step] != READ else 0
            at = end[step] - 1
            checks = known[txn] == 1 and f[step] == READ
            appended = 0
            before = step - 1
            while before >= first[txn]:
                if key[before] != key[step]:
                    before -= 1
                    continue
                if opening[step] == step:  # the nearest of the steps on this key
                    opening[step] = opening[before]
                    own[step] = own[before] + (1 if f[before] != READ else 0)
                if f[step] != READ:
                    if f[before] != READ:
                        final[before] = 0  # and that one did so with those before it
                        previous[step] = before
                        break
                    before -= 1
                    continue
                if not checks:
                    break
                against = OWN_WRITE if f[before] != READ or own[before] > 0 else OWN_READ
                if lists == 0:
                    internal[step] = against if version[step] != version[before] else 0
                    break
                if f[before] == READ:
                    # Both are lists: the later one must be the earlier, and what was appended since.
                    if count[step] != count[before] + appended:
                        internal[step] = against
                        break
                    for place in range(end[before] - 1 - begin[before] if count[before] else 0):
                        if text[begin[before] + place] != text[begin[step] + place]:
                            internal[step] = against
                            break
                    break
                start = -1
                if count[step] > appended:
                    start = ends_with(text, begin[step], at, begin[before], end[before])
                if start < 0:
                    internal[step] = OWN_WRITE
                    break
                at = start - 1
                appended += 1
                before -= 1


@compiled_in_place
def follow(text: Text, reads: AnyIntegers, steps: Steps, trunks: Trunks, agrees: AnyIntegers) -> int:
    """Find each key's longest read, and by read whether it is a beginning of that one (1 in `agrees`).

    The result is how many elements the longest reads have in all.
    """
    _, key, _, begin, end, count = steps
    longest, trunk_from = trunks
    for place in range(len(reads)):
        read = reads[place]
        if longest[key[read]] < 0 or count[read] > count[longest[key[read]]]:
            longest[key[read]] = read
    total = 0
    for number in range(len(longest)):
        trunk_from[number] = total
        if longest[number] >= 0:
            total += count[longest[number]]
    trunk_from[len(longest)] = total
    for place in range(len(reads)):
        read = reads[place]
        trunk = longest[key[read]]
        if count[read] == 0:
            agrees[place] = 1
            continue
        length = end[read] - 1 - begin[read]
        if count[read] == count[trunk] and length != end[trunk] - 1 - begin[trunk]:
            continue
        if length > end[trunk] - 1 - begin[trunk]:
            continue
        same = True
        for byte in range(length):
            if text[begin[read] + byte] != text[begin[trunk] + byte]:
                same = False
                break
        after = text[begin[trunk] + length]
        if same and (after == COMMA or length == end[trunk] - 1 - begin[trunk]):
            agrees[place] = 1
    return total


@compiled_in_place
def elements(text: Text, trunks: Trunks, steps: Steps, versions: Tokens, trunk: AnyIntegers) -> None:
    """Write to `trunk` the versions of which the longest reads consist; -1 for what was never appended."""
    begin, end = steps.begins, steps.ends
    longest, trunk_from = trunks
    for number in range(len(longest)):
        at = begin[longest[number]] + 1
        for place in range(trunk_from[number], trunk_from[number + 1]):
            token_end = end_of_scalar(text, at, end[longest[number]])
            trunk[place] = number_of(text, number, at, token_end, versions, -1)
            at = token_end + 1


@compiled
def successors(
    starts: AnyIntegers,
    first_end: AnyIntegers,
    last_begin: AnyIntegers,
    before: AnyIntegers,
    after: AnyIntegers,
) -> int:
    """Pairs (v, w) where the first end of v is before the last begin of w, as few as imply all others.

    Versions are places; those of one key, from starts[k] on, by last begin. The result is how many pairs
    there are; only as many as there is room for are written.
    """
    pairs = 0
    for number in range(len(starts) - 1):
        low, high = starts[number], starts[number + 1]
        # From each place on, where the least and the second least first end is.
        least = np.full(high - low + 1, -1, dtype=np.int64)
        second = np.full(high - low + 1, -1, dtype=np.int64)
        for place in range(high - 1, low - 1, -1):
            best, next_best = least[place + 1 - low], second[place + 1 - low]
            if best < 0 or first_end[place] < first_end[best]:
                least[place - low], second[place - low] = place, best
            elif next_best < 0 or first_end[place] < first_end[next_best]:
                least[place - low], second[place - low] = best, place
            else:
                least[place - low], second[place - low] = best, next_best
        for place in range(low, high):
            start, end = low, high
            while start < end:
                middle = (start + end) // 2
                if last_begin[middle] > first_end[place]:
                    end = middle
                else:
                    start = middle + 1
            chosen = least[start - low]
            if chosen == place:
                chosen = second[start - low]
            bound = NEVER if chosen < 0 else first_end[chosen]
            other = start
            while other < high:
                if other != place and (last_begin[other] <= bound or other == chosen):
                    if pairs < len(before):
                        before[pairs] = place
                        after[pairs] = other
                    pairs += 1
                elif last_begin[other] > bound and chosen < other:
                    break
                other += 1
    return pairs
