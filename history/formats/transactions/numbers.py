"""Numbers for keys and for pairs of a key and a value, by open hash tables in compiled code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from history.kernels import AnyIntegers, compiled_in_place

EXACT_DIGITS = 17
"""A whole number of at most this number of digits is known by `folded` alone."""
FOLD = (1 << 59) - 1
MOST_DIGITS = 20
"""Enough for any number of 64 bits."""
ZERO, NINE, MINUS = 48, 57, 45


class Numbered(NamedTuple):
    """Pairs of a number (a key) and a whole number in a text, numbered in order of first appearance."""

    slots: AnyIntegers
    """The number of a pair plus 1, or 0; how many slots there are is a power of two."""
    keys: AnyIntegers
    folded: AnyIntegers
    """The whole number, as `folded_at` computes it."""
    begins: AnyIntegers
    """Where in the text its digits begin ..."""
    ends: AnyIntegers
    """... and where they end."""


def room(most: int) -> Numbered:
    """Tables for at most that many pairs."""
    slots = 1 << max(4, (3 * most // 2).bit_length())
    return Numbered(
        np.zeros(slots, dtype=np.int32),
        np.zeros(most, dtype=np.int32),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int64),
    )


@compiled_in_place
def number_of(
    text: AnyIntegers, key: int, folded: int, begin: int, end: int, known: int, tables: Numbered
) -> int:
    """The number of (key, the digits from `begin` to `end`); `known`, the next one, if the pair is new."""
    slots, keys, folds, begins, ends = tables
    h = ((folded ^ (folded >> 28)) & 0x3FFFFFFF) * 0x2545F491 + key * 0x9E3779B1
    slot = (h ^ (h >> 15) ^ (h >> 31)) & (len(slots) - 1)
    while slots[slot] > 0:
        found = int(slots[slot]) - 1
        if keys[found] == key and folds[found] == folded and ends[found] - begins[found] == end - begin:
            same = True
            if end - begin > EXACT_DIGITS:
                for place in range(end - begin):
                    if text[begins[found] + place] != text[begin + place]:
                        same = False
                        break
            if same:
                return found
        slot = (slot + 1) & (len(slots) - 1)
    slots[slot] = known + 1
    keys[known] = key
    folds[known] = folded
    begins[known] = begin
    ends[known] = end
    return known
