"""Searches operations whose kinds say, in numbers, what they do to states that are numbers.

A search by itself may take long: it works in slices, grows its memory, and goes over to compiled code when
that is worth it. Many small searches are one call of compiled code.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from checkers.linearizability.answer import TIME, Budget, Result
from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import (
    BEST,
    ENTRIES,
    GROUPS,
    MEMO_AN_OPERATION,
    MISSING,
    OPTION_WORDS,
    OPTIONS_FIRST,
    STATE,
    VISITED,
    WINDOW,
    WINDOW_WORDS,
    Arena,
    Operations,
    Rules,
    arena_of_lists,
    cut,
    size_of,
    slots_for,
)
from checkers.linearizability.kernels.each import LEFT, Batch, Decided, decide_each, go_on, lay_out
from checkers.linearizability.kernels.memo import rehash
from checkers.linearizability.kernels.prepare import prepare
from checkers.linearizability.kernels.search import GAVE_UP, GROW, NEED, search, write_order
from checkers.linearizability.kernels.settle import settling_size_of
from checkers.linearizability.packing.wide import WideSteps
from checkers.linearizability.search.results import ANSWERS, out_of_memory
from history.kernels import Form, Integers, extended, fitting

MOST_SHARED = 20_000
"""Parts of up to this number of operations, and of states, are searched in work space that all searches of
this process share; it has some megabytes."""
FIRST_TABLE = 1024
"""The size of a table of steps at first: a power of two."""
FIRST_ROOM = 200
"""For how many operations there is work space at first."""
SLICE, PLAIN_SLICE = 100_000, 20_000
"""The configurations after which a search looks whether its time is over; in plain Python, the candidates
after which it also looks whether it is worth compiling."""
LAYING_OUT = 4
"""What it takes to lay out an operation for the search, compared with looking at a candidate."""


class BatchSpace:
    """Work space for `decide_each`, which leaves nothing there that another search needs but its stamps.

    Where states are numbered, a stamp at a state says which search asked for it last. So such searches and
    others, which use that room for something else, never share their space.
    """

    def __init__(self, room: int, states: int) -> None:
        zeros = Form.COMPILED.zeros
        self.room = room
        self.states = states
        self.space = zeros(size_of(room, states))
        self.slots = zeros(slots_for(room))
        self.memo = zeros(MEMO_AN_OPERATION * room)
        self.settling = zeros(settling_size_of(room, states))
        self.one = Batch(zeros(2), zeros(room), zeros(room), zeros(room))
        """Room for a batch of one part; what kernels get again and again is sooner given to them."""
        self.found = Decided(zeros(3), zeros(room))
        self._stamp = 0

    def stamps(self, parts: int) -> int:
        """The first stamp of as many parts, which are all new to this space."""
        first = self._stamp + 1
        self._stamp += parts
        return first


def _empty_rules(form: Form) -> Rules:
    return Rules(form.flat([]), form.zeros(FIRST_TABLE, -1), form.zeros(FIRST_TABLE), form.zeros(2, -1))


Spaces = dict[bool, BatchSpace]
"""By whether states are numbered."""


class _Shared(threading.local):
    """The work space that all searches of small parts in this thread share."""

    def __init__(self) -> None:
        self.spaces: Spaces = {}
        zeros = Form.COMPILED.zeros
        self.empty = Rules(zeros(0), zeros(FIRST_TABLE, -1), zeros(FIRST_TABLE), zeros(2, -1))
        """The rules of a search that has none yet; its table is never written to."""


_SHARED = _Shared()


Following = Callable[[int, Sequence[int]], list[int]]
"""From a state and some kinds, the states that follow, or `transitions.ILLEGAL`."""


class KindSearch:
    """Searches with one set of rules. Keeps what it learnt of these from one part to the next.

    Args:
        following: computes what the rules leave to a table; None if they leave nothing to it.
    """

    _arena: Arena
    """The work space of one search by itself, from the first one on."""

    def __init__(self, following: Following | None = None) -> None:
        self._following = following
        self.options_first = False
        """Whether a search tries operations of unknown outcome before the others; that changes no answer."""
        self.wide: WideSteps | None = None
        """What operations do, if states are wide."""
        form = self.form = fitting(0)
        self.rules = _SHARED.empty if form is Form.COMPILED else _empty_rules(form)
        self._effects: object = None
        """What `use_effects` was given last."""
        self._table_size = 0
        self._stamp = 0
        self._room = self._states_room = 0
        self._batch_spaces: Spaces = {}
        """Work space for batches that are too large for the one that is shared."""

    def use_effects(self, effects: Integers) -> None:
        """Take other kinds, as flat effects, in place of all before."""
        if self._effects is not effects:
            self._effects = effects
            self.rules = self.rules._replace(effects=self.form.flat(effects))

    def use_wide(self, steps: WideSteps) -> None:
        """Take other wide states, in place of all before."""
        if self.wide is not steps:
            form = self.form
            self.wide, self._table_size = steps, 0
            self.rules = _empty_rules(form)._replace(effects=form.flat(steps.effects))

    def add_effects(self, effects: Integers) -> None:
        """Take further kinds, which are numbered after all before."""
        self.rules = self.rules._replace(effects=extended(self.rules.effects, self.form.flat(effects)))

    def _make_room(self, operations: int, states: int) -> None:
        """Take an arena for parts of at most that many operations; it is used again for later parts."""
        self._room, self._states_room = operations, states
        slots = self.form.zeros(1 << max(10, (2 * operations).bit_length()), -1)
        self._take_arena(slots, self.form.zeros(MEMO_AN_OPERATION * operations))

    def _take_arena(self, slots: Integers, memo: Integers) -> None:
        if self.form is Form.PLAIN:
            self._arena = arena_of_lists(self._room, self._states_room, slots, memo)
            return
        self._space = self.form.zeros(size_of(self._room, self._states_room))
        self._arena = cut.plain(self._space, slots, memo, self._room, self._states_room)

    def expect(self, work: int) -> Form:
        """The form in which that much more work is done sooner; goes over to it, also amid a search."""
        if self.form is Form.COMPILED or fitting(work) is Form.PLAIN:
            return self.form
        self.form = Form.COMPILED
        self.rules = Rules(*map(self.form.flat, self.rules))
        if self._room:
            lists = self._arena
            self._take_arena(self.form.flat(lists.slots), self.form.flat(lists.memo))
            for array, numbers in zip(self._arena[:-2], lists[:-2], strict=True):
                array[:] = numbers
        return self.form

    def decide(self, operations: Operations, begin: int, states: int, budget: Budget) -> Result:
        """Search operations whose kinds index the effects in use.

        Args:
            states: states are the numbers below this; if it is 0, any numbers.
        """
        self.expect(LAYING_OUT * len(operations.invoked))
        is_in_one_call = self.form is Form.COMPILED and self.wide is None
        if is_in_one_call and budget.configurations <= SLICE and not budget.is_over():
            result = self._in_one_call(operations, begin, states, budget)
            if result is not None:
                return result
        if len(operations.invoked) > self._room or states > self._states_room or not self._room:
            room, states_room = max(FIRST_ROOM, self._room), max(FIRST_ROOM, self._states_room)
            self._make_room(max(room, 2 * len(operations.invoked)), max(states_room, 2 * states))
        self._stamp += 1
        self._lay_out(Operations(*map(self.form.flat, operations)), begin, states)
        status, why = self._searched(budget)
        registers = self._arena.registers
        order = self.form.zeros(int(registers[BEST]))
        self.form.of(write_order)(self._arena, order, 0)
        return Result(ANSWERS[status], int(registers[VISITED]), cast(Sequence[int], order), why)

    def _in_one_call(self, operations: Operations, begin: int, states: int, budget: Budget) -> Result | None:
        """What a small search finds, which is mostly over sooner than a second call is made."""
        count = len(operations.invoked)
        space = self._space_for(count, states)
        one, found = space.one, space.found
        one.starts[1] = count
        one.invoked[:count], one.completed[:count], one.kinds[:count] = operations
        found.statuses[0] = LEFT
        self._decide_each(one, space, begin, states, budget, found)
        status, visited, length = found.statuses.tolist()
        if status == LEFT:
            return None
        why = f"{budget.configurations} configurations" if status == GAVE_UP else ""
        return Result(ANSWERS[status], visited, cast(Sequence[int], found.orders[:length].copy()), why)

    def _searched(self, budget: Budget) -> tuple[int, str]:
        """The status of the search that is laid out in the arena, and which budget ran out, if one did."""
        registers = self._arena.registers
        candidates = int(registers[WINDOW] + registers[GROUPS]) + 1
        limit = min(budget.configurations, self._slice(candidates))
        if budget.is_over():
            return GAVE_UP, TIME
        while True:
            status = self._go_on(limit)
            if status == NEED and self.wide is None:
                self._learn()
            elif status == NEED:
                if not self._grow_wide(budget):
                    return GAVE_UP, out_of_memory(budget)
            elif status == GROW:
                if not self._grow_memo(budget):
                    return GAVE_UP, out_of_memory(budget)
            elif status < GAVE_UP:
                return status, ""
            elif limit == budget.configurations:
                return GAVE_UP, f"{budget.configurations} configurations"
            elif budget.is_over():
                return GAVE_UP, TIME
            else:
                self.expect(self._slice(candidates) * candidates)
                limit = min(budget.configurations, limit + self._slice(candidates))

    def _lay_out(self, operations: Operations, begin: int, states: int) -> None:
        arena, rules = self._arena, self.rules
        if self.form is Form.PLAIN:
            prepare.plain(operations, rules, begin, states, self._stamp, len(arena.slots), arena)
            arena.registers[OPTIONS_FIRST] = int(self.options_first)
            return
        rooms = self._room, self._states_room
        lay_out(
            operations,
            rules,
            begin,
            states,
            self._stamp,
            int(self.options_first),
            *rooms,
            self._space,
            arena.slots,
            arena.memo,
        )

    def _go_on(self, limit: int) -> int:
        arena = self._arena
        if self.form is Form.PLAIN:
            return search.plain(arena, self.rules, limit)
        rooms = self._room, self._states_room
        if self.wide is not None:
            return self.wide.go_on(self.rules, limit, rooms, self._space, arena)
        return go_on(*self.rules, limit, *rooms, self._space, arena.slots, arena.memo)

    def _slice(self, candidates: int) -> int:
        """How many configurations with that many candidates each a search visits in one go."""
        return SLICE if self.form is Form.COMPILED else max(1, PLAIN_SLICE // candidates)

    def _grow_wide(self, budget: Budget) -> bool:
        """Make room for more wide states, or for more of their transitions; whether that was allowed."""
        assert self.wide
        states, table = 2 * self.wide.bytes, 4 * 16 * len(self.rules.table_keys)
        grows_table = self.wide.fills(len(self.rules.table_keys))
        more = table if grows_table else states
        if not budget.allows(8 * len(self._arena.memo) + states + table, more):
            return False
        if grows_table:
            self._grow_table()
        else:
            self.wide.grow()
        return True

    def _grow_memo(self, budget: Budget) -> bool:
        """Double the memo, and the slots with it; whether that was allowed."""
        registers, memo = self._arena.registers, self._arena.memo
        width = int(4 + registers[WINDOW_WORDS] + registers[OPTION_WORDS])
        wanted = max(2 * len(memo), 64 * width)
        # A number in a list of plain Python takes four times as much; the memo is copied as it grows.
        each = 8 if self.form is Form.COMPILED else 32
        if not budget.allows(8 * wanted, each * wanted):
            return False
        self._arena = self._arena._replace(memo=extended(memo, self.form.zeros(wanted - len(memo))))
        if 2 * wanted // width > len(self._arena.slots):
            self._arena = self._arena._replace(
                slots=self.form.zeros(1 << (2 * wanted // width).bit_length(), -1)
            )
            self.form.of(rehash)(self._arena, int(registers[ENTRIES]))
        return True

    def _grow_table(self) -> None:
        _, keys, values, _ = self.rules
        size = 4 * len(keys)
        self.rules = self.rules._replace(
            table_keys=self.form.zeros(size, -1), table_values=self.form.zeros(size)
        )
        self.form.of(transitions.learn)(self.rules.table_keys, self.rules.table_values, keys, values)

    def decide_each(
        self,
        batch: Batch,
        longest: int,
        begin: int,
        states: int,
        budget: Budget,
        is_one_enough: bool = False,
        *,
        settles: bool = False,
    ) -> Decided:
        """Search all parts in one call of compiled code. What it leaves is LEFT.

        Args:
            longest: how many operations the longest part has.
            is_one_enough: whether the first part without an order ends it.
            settles: whether operations of unknown outcome that certainly happened are given ends; states are
                then interned.
        """
        space = self._space_for(longest, states)
        if len(batch.starts) == 2:  # copied to where the kernel had the last one, it is sooner given to it
            one, found = space.one, space.found
            one.starts[1] = longest
            for room, numbers in zip(one[1:], batch[1:], strict=True):
                room[:longest] = numbers
            found.statuses[:] = LEFT
            self._decide_each(one, space, begin, states, budget, found, is_one_enough, settles=settles)
            return Decided(found.statuses.copy(), found.orders[:longest].copy())
        decided = Decided(np.full(3 * len(batch.starts) - 3, LEFT), np.empty(len(batch.kinds), np.int64))
        self._decide_each(batch, space, begin, states, budget, decided, is_one_enough, settles=settles)
        return decided

    def _decide_each(
        self,
        batch: Batch,
        space: BatchSpace,
        begin: int,
        states: int,
        budget: Budget,
        decided: Decided,
        is_one_enough: bool = False,
        *,
        settles: bool = False,
    ) -> None:
        decide_each(
            batch,
            self.rules,
            begin,
            space.states if states else 0,
            space.stamps(len(batch.starts) - 1),
            budget.configurations,
            int(is_one_enough),
            int(self.options_first),
            int(settles),
            space.room,
            space.space,
            space.slots,
            space.memo,
            space.settling,
            decided,
        )

    def _space_for(self, longest: int, states: int) -> BatchSpace:
        """Work space for parts of at most that many operations, and over at most that many states."""
        spaces = _SHARED.spaces if max(longest, states) <= MOST_SHARED else self._batch_spaces
        space = spaces.get(states > 0)
        if space is None or longest > space.room or states > space.states:
            room, states_room = (FIRST_ROOM, FIRST_ROOM) if space is None else (space.room, space.states)
            space = BatchSpace(max(room, 2 * longest), max(states_room, 2 * states))
            spaces[states > 0] = space
        return space

    def _learn(self) -> None:
        """Compute the transitions that the search stopped for."""
        assert self._following
        state = int(self._arena.registers[STATE])
        if self.rules.table_keys is _SHARED.empty.table_keys:
            self.rules = _empty_rules(self.form)._replace(
                effects=self.rules.effects, prefixes=self.rules.prefixes
            )
        missing = [*{int(kind) for kind in self._arena.missing[: int(self._arena.registers[MISSING])]}]
        self._table_size += len(missing)
        if 2 * self._table_size > len(self.rules.table_keys):
            self._grow_table()
        codes = self._following(state, missing)
        keys = [state << 30 | kind for kind in missing]
        flat, rules = self.form.flat, self.rules
        self.form.of(transitions.learn)(rules.table_keys, rules.table_values, flat(keys), flat(codes))
