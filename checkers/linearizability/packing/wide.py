"""Parts of a history whose states take more bits than a number has, as calls on states of several words."""

from __future__ import annotations

import numpy as np

from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import EFFECT_WIDTH, NEEDED, Arena, Rules
from checkers.linearizability.kernels.states.packing import PackedCalls
from checkers.linearizability.kernels.states.wide import (
    KNOWN,
    LEARNT,
    WideFields,
    WideStates,
    enter_again,
    go_on_wide,
    lay_out_fields,
)
from checkers.linearizability.packing.entries import PUT, Entries
from checkers.linearizability.part import Integers
from history.kernels import Form

FIRST_STATES = 256
"""For how many states there is room at first."""
MANY_STATES = 20_000
"""With more states than this, a later search of other operations does not take them over."""
zeros = Form.COMPILED.zeros


class WideSteps:
    """What calls do to wide states, and all such states that were met so far. For compiled code alone."""

    def __init__(
        self,
        width: int,
        changes: Integers,
        calls: PackedCalls,
        fields: WideFields,
    ) -> None:
        self.width = width
        """How many words a state has."""
        effects = np.zeros((len(changes), EFFECT_WIDTH), dtype=np.int64)
        effects[:, 0] = transitions.TABLE
        effects[:, 2] = np.where(changes, transitions.PUT, transitions.KEEP)
        self.effects: Integers = effects.reshape(-1)
        """What the search takes: a table decides, and whether a call of a kind ever changes a state."""
        self._calls, self._fields = calls, fields
        self._states = WideStates(zeros(2), zeros(FIRST_STATES * width), zeros(2 * FIRST_STATES, -1))
        self._states.registers[KNOWN] = 1  # the state before any operation has no bits
        enter_again(self._states, width)

    @property
    def are_many(self) -> bool:
        """Whether more states were met than another part's search should begin with: it begins with none."""
        return int(self._states.registers[KNOWN]) > MANY_STATES

    def fills(self, slots: int) -> bool:
        """Whether a table with that many slots has no room for what follows one more state."""
        return bool(2 * (self._states.registers[LEARNT] + NEEDED) > slots)

    @property
    def bytes(self) -> int:
        """What the states take."""
        return 8 * (len(self._states.words) + len(self._states.slots))

    def go_on(self, rules: Rules, limit: int, rooms: tuple[int, int], space: Integers, arena: Arena) -> int:
        """`search`, and learn what follows each state, as far as there is room.

        Args:
            rooms: for how many operations, and how many states, the arena is cut.
        """
        return go_on_wide(
            *rules,
            limit,
            *rooms,
            space,
            arena.slots,
            arena.memo,
            self._states,
            self.width,
            self._calls,
            self._fields,
        )

    def grow(self) -> None:
        """Make room for twice as many states."""
        registers, words, slots = self._states
        self._states = WideStates(
            registers, np.concatenate([words, zeros(len(words))]), zeros(2 * len(slots), -1)
        )
        enter_again(self._states, self.width)


def of_fields(entries: Entries, kinds: Integers) -> WideSteps:
    """The steps of operations of these kinds, and after them a kind without any effect."""
    calls = PackedCalls(
        np.append(entries.starts, entries.starts[-1]),
        entries.what,
        entries.component,
        entries.thing,
        entries.at_first.astype(np.int64),
        np.append(entries.whole, False).astype(np.int64),
    )
    components = len(entries.texts)
    fields = WideFields(
        zeros(components, -1), zeros(components), zeros(components), zeros(entries.things, -1)
    )
    width = lay_out_fields(kinds, calls, zeros(components), fields)
    puts = np.concatenate([[0], np.cumsum(entries.what == PUT)])
    changes = np.append(puts[entries.starts[1:]] > puts[entries.starts[:-1]], False)
    return WideSteps(width, changes, calls, fields)
