"""Turns the texts of a history's calls into numbers, all in one call of compiled code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from checkers.linearizability.kernels.arena import EFFECT_WIDTH
from checkers.linearizability.kernels.transitions import ANY, APPEND, IS, KEEP, PRIME, PUT
from history.kernels import Integers, compiled_in_place

Bytes = npt.NDArray[np.uint8]
LOW = (1 << 53) - 1


@compiled_in_place
def fingerprints(text: Bytes, lengths: Integers, forms: Bytes, effects: Integers) -> None:
    """Write the effects of calls on a text, by `forms`: 0 reads it, 1 puts it, 2 appends to it.

    The calls' texts lie one after the other. A number modulo PRIME stands for a text: see `engine`.
    """
    at = end = 0
    for call in range(len(lengths)):
        end += lengths[call]
        form = forms[call]
        # A whole text begins with a 1, so that one of zeros differs from an empty one.
        tail = 0 if form == 2 else 1
        power = 1
        while at < end:
            # Times 256 modulo 2^61 - 1 is a turn of the 61 bits.
            tail = ((tail & LOW) << 8 | tail >> 53) + text[at]
            if tail >= PRIME:
                tail -= PRIME
            if form == 2:
                power = (power & LOW) << 8 | power >> 53
            at += 1
        effect = call * EFFECT_WIDTH
        effects[effect] = IS if form == 0 else ANY
        effects[effect + 1] = tail if form == 0 else 0
        effects[effect + 2] = KEEP if form == 0 else PUT if form == 1 else APPEND
        effects[effect + 3] = 0 if form == 0 else tail
        effects[effect + 4] = power if form == 2 else 0
        effects[effect + 5] = effects[effect + 6] = 0
