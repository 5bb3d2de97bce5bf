"""Reads the JSON of transactions into flat arrays of steps, at some hundred megabytes a second.

A transaction is a list of steps `[f, key, value]`. Decoding each into Python objects would take more time
and memory than all that follows, so one pass over the bytes does three things at once: it checks the
grammar of the values, it numbers the keys, and it numbers the *versions*, which are the pairs of a key and
a value written to it (equal JSON is an equal value). A list that was read is kept as a stretch of the text:
whether one list continues another is a comparison of bytes.

Texts must have no blanks, as `msgspec` and other compact writers leave them; `transactions` ensures it.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from history.kernels import AnyIntegers, compiled_in_place

APPEND, READ, WRITE = range(3)
FINE, NOT_STEPS, NOT_AN_F, NOT_A_KEY, NOT_A_VALUE, NOT_A_LIST, BLANKS = range(7)
"""What `scan` found of the first text that breaks the grammar."""
QUOTE, BACKSLASH, COMMA, MINUS, OPEN, CLOSE, SPACE = 34, 92, 44, 45, 91, 93, 32

Text: TypeAlias = npt.NDArray[np.uint8]
"""The bytes of all texts, one after the other. Where nothing is compiled these are `bytes`."""


class Steps(NamedTuple):
    """The steps of all texts, by step."""

    fs: AnyIntegers
    """APPEND, READ or WRITE."""
    keys: AnyIntegers
    versions: AnyIntegers
    """The version written (or, of registers, read); -1 for none."""
    begins: AnyIntegers
    """Where the value begins in the text ..."""
    ends: AnyIntegers
    """... and where it ends."""
    counts: AnyIntegers
    """The length of a list that was read; -1 for none."""


class Tokens(NamedTuple):
    """Numbers for pairs of a key and a token of the text, in an open hash table (FNV-1a)."""

    slots: AnyIntegers
    """A number plus 1, or 0; how many slots there are is a power of two."""
    keys: AnyIntegers
    """By number the key of the pair."""
    begins: AnyIntegers
    """By number where the token begins ..."""
    ends: AnyIntegers
    """... and where it ends."""


@compiled_in_place
def end_of_scalar(text: Text, at: int, end: int) -> int:
    """Where the number, text or constant that begins at `at` ends, or -1 if none begins there."""
    if at >= end:
        return -1
    if text[at] == QUOTE:
        at += 1
        while at < end and text[at] != QUOTE:
            at += 2 if text[at] == BACKSLASH else 1
        return at + 1 if at < end else -1
    begun = at
    # Digits, letters of `true`, `1e9` and the like, signs and the point.
    while at < end and (
        48 <= text[at] <= 57 or 97 <= text[at] <= 122 or text[at] == 69 or text[at] in (MINUS, 43, 46)
    ):
        at += 1
    return at if at > begun else -1


@compiled_in_place
def is_null(text: Text, at: int, end: int) -> bool:
    """Whether `null` lies there."""
    return end - at == 4 and bool(text[at] == 110)


@compiled_in_place
def number_of(text: Text, key: int, at: int, end: int, tokens: Tokens, known: int) -> int:
    """The number of the pair (key, token), which is `known` if it is new; with `known` -1, only look it up.

    `known` is how many numbers are given already.
    """
    slots, of_keys, begins, ends = tokens
    h = (2166136261 ^ (key * 40503)) & 0xFFFFFFFF
    for place in range(at, end):
        h = ((h ^ text[place]) * 16777619) & 0xFFFFFFFF
    slot = (h ^ (h >> 15)) & (len(slots) - 1)
    while slots[slot] > 0:
        found = int(slots[slot]) - 1  # plain Python would stay within 32 bits where the array is
        if of_keys[found] == key and ends[found] - begins[found] == end - at:
            same = True
            for place in range(end - at):
                if text[begins[found] + place] != text[at + place]:
                    same = False
                    break
            if same:
                return found
        slot = (slot + 1) & (len(slots) - 1)
    if known >= 0:
        slots[slot] = known + 1
        of_keys[known] = key
        begins[known] = at
        ends[known] = end
    return known


@compiled_in_place
def scan(
    text: Text,
    starts: AnyIntegers,
    lists: int,
    steps_from: AnyIntegers,
    steps: Steps,
    key_tokens: Tokens,
    version_tokens: Tokens,
    totals: AnyIntegers,
) -> int:
    """Read text d, which lies from starts[d] to starts[d + 1], into steps from steps_from[d] on.

    `lists` is 1 for `append` and reads of lists, 0 for `w` and reads of scalars. `totals` ends as the
    numbers of steps, keys and versions. The result is (what is wrong, in which text), packed as wrong + 16
    * text; 0 if nothing is.
    """
    fs, keys, versions, begins, ends, counts = steps
    step = known_keys = known = 0
    for document in range(len(starts) - 1):
        steps_from[document] = step
        at, end = starts[document], starts[document + 1]
        if at >= end or text[at] != OPEN or text[end - 1] != CLOSE:
            return NOT_STEPS + 16 * document
        at += 1
        while at < end - 1:
            if text[at] == SPACE:
                return BLANKS + 16 * document
            if text[at] != OPEN:
                return NOT_STEPS + 16 * document
            at += 1
            f_end = end_of_scalar(text, at, end)
            if f_end < 0 or f_end >= end or text[f_end] != COMMA:
                return NOT_STEPS + 16 * document
            if f_end - at == 3 and text[at + 1] == 114:
                f = READ
            elif lists == 1 and f_end - at == 8 and text[at + 1] == 97 and text[at + 6] == 100:
                f = APPEND
            elif lists == 0 and f_end - at == 3 and text[at + 1] == 119:
                f = WRITE
            else:
                return NOT_AN_F + 16 * document
            at = f_end + 1
            key_end = end_of_scalar(text, at, end)
            if 0 <= key_end < end and text[key_end] == CLOSE:
                return NOT_STEPS + 16 * document
            if key_end < 0 or key_end >= end or text[key_end] != COMMA or is_null(text, at, key_end):
                return (BLANKS if text[at] == SPACE else NOT_A_KEY) + 16 * document
            key = number_of(text, 0, at, key_end, key_tokens, known_keys)
            known_keys += key == known_keys
            at = key_end + 1
            fs[step] = f
            keys[step] = key
            versions[step] = -1
            begins[step] = at
            counts[step] = -1
            if f == READ and lists == 1 and at < end and text[at] == OPEN:
                count = 0
                at += 1
                while at < end and text[at] != CLOSE:
                    at = end_of_scalar(text, at, end)
                    if at < 0 or at >= end:
                        return NOT_A_LIST + 16 * document
                    count += 1
                    if text[at] == COMMA:
                        at += 1
                    elif text[at] != CLOSE:
                        return NOT_A_LIST + 16 * document
                at += 1
                counts[step] = count
            else:
                value_end = end_of_scalar(text, at, end)
                if value_end < 0:
                    return (BLANKS if text[at] == SPACE else NOT_A_VALUE) + 16 * document
                nothing = is_null(text, at, value_end)
                if f != READ and nothing:
                    return NOT_A_VALUE + 16 * document
                if f == READ and lists == 1 and not nothing:
                    return NOT_A_LIST + 16 * document
                if not nothing:
                    version = number_of(text, key, at, value_end, version_tokens, known)
                    known += version == known
                    versions[step] = version
                at = value_end
            ends[step] = at
            if at >= end or text[at] != CLOSE:
                return NOT_STEPS + 16 * document
            at += 1
            step += 1
            if at >= end:
                return NOT_STEPS + 16 * document
            if text[at] == COMMA:
                at += 1
            elif at != end - 1:
                return NOT_STEPS + 16 * document
    steps_from[len(starts) - 1] = step
    totals[0] = step
    totals[1] = known_keys
    totals[2] = known
    return FINE
