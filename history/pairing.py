"""Pairs the invocations and completions of a history, in compiled code.

`History` does the same with arrays: of a small history each call of numpy takes longer than all of this.
"""

from __future__ import annotations

from history.kernels import Integers, compiled_in_place
from history.operation import NEMESIS

INVOKE, OK, FAIL, INFO = range(4)
"""Codes of `Columns.type`."""


@compiled_in_place
def paired(
    process: Integers,
    types: Integers,
    f: Integers,
    key: Integers,
    is_foreign: int,
    last: Integers,
    pairs: Integers,
) -> bool:
    """Write for each event the place of the other half of its pair; whether no rule is broken.

    `pairs` holds -1 at first. `last` does, too: a hash table of the last event of each process. Its length is
    a power of two, at least twice the number of events.
    """
    mask = len(last) - 1
    for at in range(len(process)):
        group = process[at]
        if is_foreign and group == NEMESIS:
            group = NEMESIS - 1 - f[at]
        slot = (((group ^ (group >> 31)) & 0x7FFFFFFF) * 2654435761 >> 16) & mask
        while last[slot] >= 0:
            other = process[last[slot]]
            if is_foreign and other == NEMESIS:
                other = NEMESIS - 1 - f[last[slot]]
            if other == group:
                break
            slot = (slot + 1) & mask
        before = last[slot]
        last[slot] = at
        if types[at] == INVOKE:
            if before >= 0 and types[before] == INVOKE:
                return False
            if before >= 0 and types[before] == INFO and not is_foreign and process[at] != NEMESIS:
                return False
        else:
            if before < 0 or types[before] != INVOKE or f[before] != f[at] or key[before] != key[at]:
                return False
            pairs[before] = at
            pairs[at] = before
    return True
