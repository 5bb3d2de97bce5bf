"""Logs whose keys and values are whole numbers of 64 bits in a binary file: here they get names as texts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from history.formats.transactions.log import Integers, Names, Steps, TransactionLog, assembled
from history.kernels import AnyIntegers, compiled_in_place


class WholeSteps(NamedTuple):
    """Steps in the order of a file; the value 0 is the initial one unless a step writes it."""

    writes: Integers
    key: Integers
    value: Integers
    transaction: Integers


class _Table(NamedTuple):
    """Pairs of whole numbers, numbered in order of first appearance by an open hash table."""

    slots: AnyIntegers
    firsts: AnyIntegers
    seconds: AnyIntegers


@compiled_in_place
def _number(firsts: AnyIntegers, seconds: AnyIntegers, table: _Table, numbers: AnyIntegers) -> int:
    """Number each pair (firsts[n], seconds[n]) into `numbers`; how many different ones there are."""
    slots, known_firsts, known_seconds = table
    known = 0
    for place in range(len(firsts)):
        first, second = int(firsts[place]), int(seconds[place])
        h = ((second ^ (second >> 28)) & 0x3FFFFFFF) * 0x2545F491
        h += ((first ^ (first >> 29)) & 0x3FFFFFFF) * 0x1E3779B1
        slot = (h ^ (h >> 15) ^ (h >> 31)) & (len(slots) - 1)
        number = known
        while slots[slot] > 0:
            found = slots[slot] - 1
            if known_firsts[found] == first and known_seconds[found] == second:
                number = found
                break
            slot = (slot + 1) & (len(slots) - 1)
        if number == known:
            slots[slot] = known + 1
            known_firsts[known] = first
            known_seconds[known] = second
            known += 1
        numbers[place] = number
    return known


def whole_log(
    steps: WholeSteps,
    *,
    session: Integers,
    outcome: Integers,
    line: Integers,
    format_name: str,
    initial_in_words: str = "0",
) -> TransactionLog:
    """The log of steps on whole numbers."""
    key, keys, _ = _numbered(steps.key, np.zeros(len(steps.key), dtype=np.int64))
    version, version_key, values = _numbered(key, steps.value)
    names = list(map(str, [*keys.tolist(), *values.tolist()]))
    ends = np.cumsum(np.fromiter(map(len, names), np.int64, len(names)))
    begins = np.concatenate([[0], ends[:-1]])
    count = len(keys)
    return assembled(
        Steps(steps.writes, key, version, steps.transaction),
        session=session,
        outcome=outcome,
        line=line,
        names=Names(
            "".join(names).encode(), begins[:count], ends[:count], version_key, begins[count:], ends[count:]
        ),
        initial=np.flatnonzero(values == 0),
        format_name=format_name,
        initial_in_words=initial_in_words,
    )


def _numbered(firsts: Integers, seconds: Integers) -> tuple[Integers, Integers, Integers]:
    """(number of each pair, the first of each number, the second of each number)."""
    most = len(firsts)
    numbers = np.zeros(most, dtype=np.int32)
    table = _Table(
        np.zeros(1 << max(4, (3 * most // 2).bit_length()), dtype=np.int32),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int64),
    )
    known = _number.by_size(firsts, seconds, table, numbers)
    return numbers, table.firsts[:known], table.seconds[:known]
