"""The texts that lead to one that a reply shows: all beginnings of such texts.

A text that is none of these can only be replaced: no append leads from it to a text that a reply shows. So
the search takes all others for one state, `OFF`. The beginnings lie in a hash table as fingerprints (see
`engine`). They are entered one by one, so it is known whether two of them have one fingerprint. If not, then
a fingerprint stands for one beginning. A text that is none can still have the fingerprint of one. Then the
search may find a wrong order, which a replay shows; it never misses an order, since whatever may follow `OFF`
may also follow any beginning.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from checkers.linearizability.kernels.arena import EFFECT_WIDTH
from checkers.linearizability.kernels.transitions import OFF, PRIME, PUT, holds
from history.kernels import Integers, compiled_in_place

Bytes = npt.NDArray[np.uint8]
LOW = (1 << 53) - 1
EMPTY = 1
"""The fingerprint of the empty text."""


@compiled_in_place
def measure(text: Bytes, starts: Integers, overlaps: Integers) -> int:
    """How many beginnings the texts have, which lie sorted one after the other.

    `overlaps` gets by text how many bytes it shares with the one before it.
    """
    total = 1
    for place in range(len(starts) - 1):
        begin, end = starts[place], starts[place + 1]
        shared = 0
        if place > 0:
            before = starts[place - 1]
            while (
                begin + shared < end
                and before + shared < begin
                and text[begin + shared] == text[before + shared]
            ):
                shared += 1
        overlaps[place] = shared
        total += end - begin - shared
    return total


@compiled_in_place
def enter(text: Bytes, starts: Integers, overlaps: Integers, path: Integers, table: Integers) -> bool:
    """Enter the fingerprint of each beginning into the table, whose slots are -1; whether all differ.

    `path` has room for one number more than the longest text has bytes.
    """
    mask = len(table) - 1
    path[0] = EMPTY
    h = EMPTY * 1000003
    table[(h ^ (h >> 19)) & mask] = EMPTY
    for place in range(len(starts) - 1):
        length = starts[place + 1] - starts[place]
        for at in range(overlaps[place], length):
            # Times 256 modulo 2^61 - 1 is a turn of the 61 bits.
            number = ((path[at] & LOW) << 8 | path[at] >> 53) + text[starts[place] + at]
            if number >= PRIME:
                number -= PRIME
            path[at + 1] = number
            h = (number & 0x3FFFFFFF) * 1000003 + (number >> 30)
            slot = (h ^ (h >> 19)) & mask
            while table[slot] != -1:
                if table[slot] == number:
                    return False
                slot = (slot + 1) & mask
            table[slot] = number
    return True


@compiled_in_place
def put_off(effects: Integers, prefixes: Integers) -> None:
    """Let calls that put a text which is no beginning put `OFF`."""
    for call in range(len(effects) // EFFECT_WIDTH):
        at = call * EFFECT_WIDTH
        if effects[at + 2] == PUT and not holds(prefixes, effects[at + 3]):
            effects[at + 3] = OFF
