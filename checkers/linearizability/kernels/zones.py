"""Read/write registers whose writes are all different: decided in O(n log n), without a search.

Gibbons & Korach, "Testing shared memories" (SIAM J. Comput. 26, 1997), section 4. A *cluster* is a write
and the reads of its value. From the earliest completion f in it to the latest invocation s, if f < s, its
value must be there: a *forward zone* [f, s]. Otherwise the value only has to be there at one moment of its
*backward zone* [s, f]. Given that every value read was written, and no read of it completed before its
write began, there is an order exactly if

- no two forward zones overlap, and
- no backward zone lies inside a forward zone.

For one instance of a registry the same holds as long as no lookup found it empty again: a deregister that
names r is a read of r that nothing reads after. A deregister of unknown outcome then has no effect on the
answer. Where a lookup found nothing although a deregister may have removed the instance, replies do not
show *which* removal it saw; such keys are left to the search (`AMBIGUOUS`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from checkers.linearizability.answer import NEVER
from history.kernels import Integers, compiled_in_place, fitting

WRITE, READ, REMOVE = range(3)
YES, NO, AMBIGUOUS = range(3)


class RegisterOperations(NamedTuple):
    """The operations of all keys: those of key k are from starts[k] up to starts[k + 1], in any order."""

    starts: Integers
    invoked: Integers
    completed: Integers
    effects: Integers
    values: Integers
    """What was written, read or removed, as integers; 0 is "nothing", which is there at first."""


class ClusterSpace(NamedTuple):
    """Work space, by value."""

    marks: Integers
    """The key whose cluster this is; -1 at first."""
    call: Integers
    ret: Integers
    write_call: Integers
    removed: Integers
    last_read: Integers
    lows: Integers
    """The zones of one key: where each begins, and in `highs` where it ends."""
    highs: Integers


def by_zones(operations: RegisterOperations, values: int) -> Integers:
    """By key YES, NO or AMBIGUOUS; the operations' values are below `values`."""
    form = fitting(len(operations.invoked) + values)
    answers = form.zeros(len(operations.starts) - 1)
    space = ClusterSpace(form.zeros(values, -1), *(form.zeros(values) for _ in range(7)))
    form.of(decide_keys)(RegisterOperations(*map(form.flat, operations)), space, answers)
    return np.asarray(answers, dtype=np.int64)


@compiled_in_place
def order_zones(lows: Integers, highs: Integers, count: int) -> None:
    """Order the first zones by where they begin (Williams, "Heapsort", Commun. ACM 7, 1964)."""
    begin, end = count // 2, count
    while end > 1:
        if begin > 0:
            begin -= 1
        else:
            end -= 1
            lows[0], lows[end] = lows[end], lows[0]
            highs[0], highs[end] = highs[end], highs[0]
        at = begin
        while 2 * at + 1 < end:
            child = 2 * at + 1
            if child + 1 < end and lows[child] < lows[child + 1]:
                child += 1
            if lows[at] >= lows[child]:
                break
            lows[at], lows[child] = lows[child], lows[at]
            highs[at], highs[child] = highs[child], highs[at]
            at = child


@compiled_in_place
def decide_keys(operations: RegisterOperations, space: ClusterSpace, answers: Integers) -> None:
    """Write the answer of each key; `space` must be fresh."""
    starts, invoked, completed, effects, values = operations
    marks, call, ret, write_call, removed, last_read, lows, highs = space
    for key in range(len(starts) - 1):
        begin, end = starts[key], starts[key + 1]
        removals = nothings = found = 0
        verdict = YES
        for operation in range(begin, end):
            value = values[operation]
            effect = effects[operation]
            if completed[operation] == NEVER and effect != WRITE:
                removals += effect == REMOVE
                continue
            if effect == WRITE and value == 0:
                removals += 1
            if value == 0 and effect != WRITE:
                nothings += 1
            removals += effect == REMOVE and value != 0
            if marks[value] != key:
                marks[value] = key
                call[value] = -1
                ret[value] = NEVER
                write_call[value] = -1
                removed[value] = NEVER
                last_read[value] = -1
                if value == 0:
                    write_call[value] = ret[value] = -1
                    call[value] = -1
                found += 1
            if effect == WRITE:
                if write_call[value] >= 0:
                    verdict = AMBIGUOUS
                write_call[value] = invoked[operation]
            elif effect == REMOVE and value != 0:
                if removed[value] != NEVER:
                    verdict = NO if verdict != AMBIGUOUS else AMBIGUOUS
                removed[value] = completed[operation]
            else:
                last_read[value] = max(last_read[value], invoked[operation])
            call[value] = max(call[value], invoked[operation])
            ret[value] = min(ret[value], completed[operation])
        if verdict == AMBIGUOUS or (removals and nothings):
            answers[key] = AMBIGUOUS
            continue
        forward = 0
        backward = found
        for operation in range(begin, end):
            value = values[operation]
            if marks[value] != key or (completed[operation] == NEVER and effects[operation] != WRITE):
                continue
            marks[value] = -2  # each cluster once
            if value != 0 and write_call[value] < 0:
                verdict = NO  # seen, and no operation wrote it
            elif value != 0 and (ret[value] < write_call[value] or last_read[value] > removed[value]):
                verdict = NO  # seen before it was written, or after it was removed
            elif ret[value] < call[value]:
                lows[forward] = ret[value]
                highs[forward] = call[value]
                forward += 1
            elif ret[value] != NEVER:
                backward -= 1
                lows[backward] = call[value]
                highs[backward] = ret[value]
        order_zones(lows, highs, forward)
        for place in range(1, forward):
            if highs[place - 1] > lows[place]:
                verdict = NO
        place = backward
        while verdict == YES and place < found:
            # The last forward zone that begins before this backward one.
            low, high = 0, forward
            while low < high:
                middle = (low + high) // 2
                if lows[middle] < lows[place]:
                    low = middle + 1
                else:
                    high = middle
            if low > 0 and highs[place] < highs[low - 1]:
                verdict = NO
            place += 1
        answers[key] = verdict
