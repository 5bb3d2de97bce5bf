"""The general engine: Wing & Gong's search with Lowe's memoization, over any model.

Wing & Gong (J. Parallel Distrib. Comput. 17, 1993); Lowe, "Testing for linearizability" (Concurrency
Comput. 29, 2017). A model's calls become kinds and its states integers; the kernels search over those.

- Scalar models (see `checkers.models.model`) need no table: numbers stand for themselves, any other value
  is interned. Texts that grow by appending are followed by a fingerprint, the text as a number modulo the
  prime 2^61 - 1: an append needs only the fingerprint before it. So a *valid* order is replayed on the real
  texts (`by_model.confirmed`). An *invalid* one is a proof: see `kernels.prefixes`. With `exact=True` all
  states are interned, and what calls do to them is tabulated.
- Transitions of all other models are computed when a search first needs them, and kept for all parts of a
  history. States that fit into the bits of a number need none of that: see `packing`.

The budget counts configurations and bytes, not seconds: the same history gives the same verdict everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, cast

import numpy as np

from checkers.linearizability.answer import DEFAULT, NEVER, Answer, Budget, Result
from checkers.linearizability.coding import CodedCalls, effects_of
from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import (
    BEST,
    EFFECT_WIDTH,
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
from checkers.linearizability.kernels.fingerprints import fingerprints
from checkers.linearizability.kernels.memo import rehash
from checkers.linearizability.kernels.prefixes import enter, measure, put_off
from checkers.linearizability.kernels.prepare import prepare
from checkers.linearizability.kernels.search import (
    GAVE_UP,
    GROW,
    NEED,
    search,
    write_order,
)
from checkers.linearizability.packing.packed import Packed, Packing
from checkers.linearizability.packing.wide import WideSteps
from checkers.linearizability.part import HistoryParts, Part
from checkers.linearizability.queue_search import QueueSearch
from checkers.linearizability.results import ANSWERS, TIME, Results, out_of_memory
from checkers.linearizability.settled import Named, settled
from checkers.models.model import (
    ANYTHING,
    IMPOSSIBLE,
    MAYBE,
    Call,
    Effect,
    Model,
    ScalarAction,
    is_number,
    is_scalar,
    is_text,
)
from history.kernels import Form, Integers, extended, fitting

TABLED = (transitions.TABLE, 0, transitions.PUT, 0, 0)
TABLED_READ = (transitions.TABLE, 0, transitions.KEEP, 0, 0)

TEXT_FORMS = {ScalarAction.KEEP: 0, ScalarAction.PUT: 1, ScalarAction.APPEND: 2}
"""The forms of calls on texts, as `fingerprints` takes them."""
ONLY_OF: dict[ScalarAction, Callable[[Model], bool]] = {
    ScalarAction.ADD: is_number,
    ScalarAction.APPEND: is_text,
}
"""Which models have states such that a formula carries out the action."""
FIRST_ROOM = 200
"""For how many operations an engine has work space at first."""
SLICE, PLAIN_SLICE = 100_000, 20_000
"""After so many configurations a search looks whether its time is over; plain Python after looking at so many
candidates, and then also whether it is worth compiling."""
WORTH_SETTLING = 20_000
"""With fewer configurations than this, a search has ended before it is settled what certainly happened."""
LAYING_OUT = 4
"""What it takes to lay out an operation for the search, compared with looking at a candidate."""


class Engine:
    """Searches parts of histories of one model. Keeps what it learnt of the model from part to part."""

    _arena: Arena
    """The work space of `decide`, from its first search on."""

    def __init__(self, model: Model, *, exact: bool = False) -> None:
        self.model = model
        self._effect_of = model.effect if is_scalar(model) and not exact else None
        self._fingerprints = self._effect_of is not None and is_text(model)
        self._numbers = self._effect_of is not None and is_number(model)
        self.packing = None if exact or self._effect_of is not None else Packing(model)
        self._queues = None if self.packing is None else QueueSearch(model)
        self.options_first = False
        """Whether a search tries operations of unknown outcome before the others; that changes no answer."""
        self._packed_searches: Engine | None = None
        self._wide_searches: Engine | None = None
        self._wide: WideSteps | None = None
        """What calls do, if this engine searches wide states."""
        self.is_by_table = False
        """Whether the part that was searched last needed a table of steps, which Python fills."""
        self._packed: Integers | None = None
        """The effects in use, if they are those of packed calls."""
        form = self._form = fitting(0)
        self._rules = Rules(form.flat([]), form.zeros(1024, -1), form.zeros(1024), form.zeros(2, -1))
        self._table_size = 0
        self._coded_calls: Sequence[Call] = ()
        self._first_kind = 0
        """The kind of the first one of `_coded_calls`; others were coded before it."""
        texts = model.texts if is_text(model) and not exact else None
        self._texts = None if texts is None else {f: TEXT_FORMS[action] for f, action in texts.items()}
        self._states: dict[Hashable, int] = {}
        self._state_of: list[Hashable] = []
        self._begin = self._state(model.initial)
        self._stamp = 0
        self._room = self._states_room = self._batch_room = self._batch_states = 0
        self._batch_space = (form.zeros(0), form.zeros(0), form.zeros(0))

    def _make_room(self, operations: int, states: int) -> None:
        """Take an arena for parts of at most that many operations; it is used again for later parts."""
        self._room, self._states_room = operations, states
        slots = self._form.zeros(1 << max(10, (2 * operations).bit_length()), -1)
        self._take_arena(slots, self._form.zeros(MEMO_AN_OPERATION * operations))

    def _take_arena(self, slots: Integers, memo: Integers) -> None:
        if self._form is Form.PLAIN:
            self._arena = arena_of_lists(self._room, self._states_room, slots, memo)
            return
        self._space = self._form.zeros(size_of(self._room, self._states_room))
        self._arena = cut.plain(self._space, slots, memo, self._room, self._states_room)

    def _expect(self, work: int) -> None:
        """Go over to compiled code if that much more work is done sooner there, also amid a search."""
        if self._form is Form.COMPILED or fitting(work) is Form.PLAIN:
            return
        self._form = Form.COMPILED
        self._rules = Rules(*map(self._form.flat, self._rules))
        if not self._room:
            return
        lists = self._arena
        self._take_arena(self._form.flat(lists.slots), self._form.flat(lists.memo))
        for array, numbers in zip(self._arena[:-2], lists[:-2], strict=True):
            array[:] = numbers

    def decide(self, part: Part, budget: Budget = DEFAULT, *, initial: Any = ANYTHING) -> Result:
        """Search one part, from the model's initial state or from another one.

        Raises:
            IllegalCall: the model does not know one of its calls.
        """
        if self._queues and initial is ANYTHING and self._queues.takes(part.calls):
            self.is_by_table = False
            return self._queues.decide(part, budget)
        worth = budget.configurations >= WORTH_SETTLING
        packed = self.packing.of_part(part, worth) if self.packing and initial is ANYTHING else None
        self.is_by_table = False
        if packed is not None:
            operations = Operations(packed.invoked, packed.completed, packed.kinds)
            return self._searches_of(packed).decide_kinds(operations, packed.begin, 0, budget)
        wide = self._wide_form(part, worth) if initial is ANYTHING else None
        if wide is not None:
            operations, steps = wide
            return self._searches_by(steps).decide_kinds(operations, 0, 0, budget)
        self.is_by_table = self._effect_of is None
        begin = self._begin if initial is ANYTHING else self._state(initial)
        operations = Operations(part.invoked, part.completed, self._codes_of(part))
        if worth:
            operations = self._settled(np.array([0, len(part)], dtype=np.int64), operations, begin)
        return self._search(operations, begin, self._interned(), budget)

    def decide_all(
        self, parts: HistoryParts, budget: Budget = DEFAULT, *, is_one_enough: bool = False
    ) -> Results:
        """Search all parts of a history, as `decide` does each.

        Args:
            is_one_enough: whether the first part without an order ends it. Only `has_refuted` is then to be
                asked for.

        Raises:
            IllegalCall: the model does not know one of the calls.
        """
        if self._queues and len(parts) and self._queues.takes(parts.calls):
            results = self._queues.decide_all(parts, budget, is_one_enough=is_one_enough)
            harder = results.given_up_or_left() if budget.configurations >= WORTH_SETTLING else []
            return self._with_others(results, harder, parts, budget, is_one_enough)
        packed = self.packing.of_parts(parts) if self.packing and len(parts) else None
        if packed is not None:
            results = self._decide_packed(parts, packed, budget, is_one_enough)
            return self._with_others(
                results, np.flatnonzero(~packed.fits).tolist(), parts, budget, is_one_enough
            )
        decided = self.decided(parts, budget, is_one_enough=is_one_enough)
        if decided is None:
            statuses = np.full((len(parts), 3), LEFT)
            orders = np.zeros(0, dtype=np.int64)
        else:
            statuses, orders = decided.statuses.reshape(-1, 3), decided.orders
        results = Results(parts.starts, statuses, orders, budget)
        left = np.flatnonzero(statuses[:, 0] == LEFT).tolist()
        return self._with_others(results, left, parts, budget, is_one_enough)

    def _with_others(
        self,
        results: Results,
        others: Sequence[int],
        parts: HistoryParts,
        budget: Budget,
        is_one_enough: bool,
    ) -> Results:
        """The results, with those of other parts, each of which is searched by itself."""
        for place in others:
            if is_one_enough and results.has_refuted:
                break
            results.put(place, self.decide(parts[place], budget))
        return results

    def decide_packed(self, parts: HistoryParts, budget: Budget) -> Results | None:
        """The same for parts whose states are bits of a number. Others are given up; None without any."""
        packed = self.packing.of_parts(parts) if self.packing and len(parts) else None
        if packed is None or not packed.fits.any():
            return None
        results = self._decide_packed(parts, packed, budget, is_one_enough=False)
        for place in np.flatnonzero(~packed.fits).tolist():
            results.put(place, Result(Answer.GAVE_UP, 0, (), "the bits of a number"))
        return results

    def _decide_packed(
        self, parts: HistoryParts, packed: Packed, budget: Budget, is_one_enough: bool
    ) -> Results:
        searches = self._searches_of(packed)
        statuses = np.full((len(parts), 3), LEFT)
        orders = np.empty(len(parts.kinds), dtype=np.int64)
        results = Results(parts.starts, statuses, orders, budget)
        rows = np.repeat(packed.fits, np.diff(parts.starts))
        fitting_parts = parts.of(np.flatnonzero(packed.fits).tolist())
        kinds = packed.kinds[rows]
        searches._expect(LAYING_OUT * len(kinds))
        if searches._form is Form.COMPILED and len(fitting_parts):
            batch = Batch(fitting_parts.starts, packed.invoked[rows], packed.completed[rows], kinds)
            decided = searches._decide_each(
                batch, fitting_parts.longest, packed.begin, 0, budget, is_one_enough
            )
            statuses[packed.fits] = decided.statuses.reshape(-1, 3)
            orders[rows] = decided.orders
        for place in np.flatnonzero((statuses[:, 0] == LEFT) & packed.fits).tolist():
            if is_one_enough and results.has_refuted:
                break
            own = slice(*parts.starts[place : place + 2].tolist())
            operations = Operations(packed.invoked[own], packed.completed[own], packed.kinds[own])
            results.put(place, searches.decide_kinds(operations, packed.begin, 0, budget))
        return results

    def _searches_of(self, packed: Packed) -> Engine:
        """The engine that searches these kinds."""
        if self._packed_searches is None:
            self._packed_searches = Engine(self.model, exact=True)
        if self._packed_searches._packed is not packed.effects:
            self._packed_searches._packed = packed.effects
            self._packed_searches.use_effects(packed.effects)
        self._packed_searches.options_first = self.options_first
        return self._packed_searches

    def _wide_form(self, part: Part, is_settled: bool) -> tuple[Operations, WideSteps] | None:
        """A part whose states are several numbers; None where compiled code is not used, or of no use."""
        if self.packing is None:
            return None
        self._expect(LAYING_OUT * len(part))
        return self.packing.wide(part, is_settled) if self._form is Form.COMPILED else None

    def _searches_by(self, steps: WideSteps) -> Engine:
        """The engine that searches these wide states."""
        if self._wide_searches is None:
            self._wide_searches = Engine(self.model, exact=True)
        searches = self._wide_searches
        searches.options_first = self.options_first
        if searches._wide is not steps:
            form = searches._form
            searches._wide, searches._table_size = steps, 0
            searches._rules = Rules(
                form.flat(steps.effects), form.zeros(1024, -1), form.zeros(1024), form.zeros(2, -1)
            )
        return searches

    def decided(
        self, parts: HistoryParts, budget: Budget = DEFAULT, *, is_one_enough: bool = False
    ) -> Decided | None:
        """What one call of compiled code finds about all parts; None where that is of no use.

        Args:
            is_one_enough: as in `decide_all`; what comes after the first part without an order is LEFT.

        Raises:
            IllegalCall: the model does not know one of the calls.
        """
        if self._effect_of is None or len(parts.keys) == 0:
            return None
        self._expect(LAYING_OUT * len(parts.kinds))
        if self._form is Form.PLAIN:
            return None
        kinds = self._codes_of(parts)
        if self._effect_of is None:
            return None
        operations = Operations(parts.invoked, parts.completed, kinds)
        batch = Batch(parts.starts, *self._settled(parts.starts, operations, self._begin))
        return self._decide_each(batch, parts.longest, self._begin, self._interned(), budget, is_one_enough)

    def _settled(self, starts: Integers, operations: Operations, begin: int) -> Operations:
        """The operations, of which those of unknown outcome end that certainly happened."""
        invoked, completed, kinds = operations
        states = self._interned()
        if not states or not (completed == NEVER).any():
            return operations
        effects = np.asarray(self._rules.effects, dtype=np.int64).reshape(-1, EFFECT_WIDTH)[kinds]
        test, tested, action, argument = effects[:, :4].T
        if (test > transitions.IS_NOT).any() or (action > transitions.PUT).any():
            return operations
        needs = np.flatnonzero(test == transitions.IS)
        makes = np.flatnonzero(
            (action == transitions.PUT) & ~((test == transitions.IS) & (tested == argument))
        )
        at_first = np.arange(states) == begin
        made, needed = Named(makes, argument[makes]), Named(needs, tested[needs])
        known = settled(starts, invoked, completed, made, needed, at_first)
        return Operations(known.invoked, known.completed, kinds)

    def _decide_each(
        self,
        batch: Batch,
        longest: int,
        begin: int,
        states: int,
        budget: Budget,
        is_one_enough: bool = False,
    ) -> Decided:
        if longest > self._batch_room or states > self._batch_states:
            self._batch_room, self._batch_states = 2 * longest, 2 * states
            self._batch_space = (
                self._form.zeros(size_of(self._batch_room, self._batch_states)),
                self._form.zeros(slots_for(self._batch_room)),
                self._form.zeros(MEMO_AN_OPERATION * self._batch_room),
            )
        count = len(batch.starts) - 1
        decided = Decided(np.full(3 * count, LEFT), np.empty(len(batch.kinds), np.int64))
        stamp = self._stamp + 1
        self._stamp += count
        decide_each(
            batch,
            self._rules,
            begin,
            self._batch_states if states else 0,
            stamp,
            budget.configurations,
            int(is_one_enough),
            int(self.options_first),
            self._batch_room,
            *self._batch_space,
            decided,
        )
        return decided

    @property
    def exact(self) -> bool:
        """Whether each number stands for one state only, so that an order found is a proof."""
        return not self._fingerprints

    def _interned(self) -> int:
        """How many states are interned; 0 if numbers stand for states."""
        return 0 if self._fingerprints or self._numbers else len(self._states)

    def _effects_of_texts(self, calls: Sequence[Call]) -> Integers | None:
        """The effects of all calls at once, in the calls' order; None if one of them has no text."""
        forms = self._texts or {}
        # By place, not by name: a name takes longer, and there are as many calls as operations.
        try:
            coded = bytes([forms[call[0]] for call in calls])
        except KeyError:
            return None
        texts = [call[1] if form else call[2] for form, call in zip(coded, calls, strict=True)]
        untold = [place for place, text in enumerate(texts) if text is MAYBE]
        for place in untold:
            texts[place] = ""
        try:
            joined = "".join(texts)
        except TypeError:  # not a text, or no reply: one by one, which says what is wrong if something is
            return None
        raw = joined.encode("utf-8", "surrogatepass")
        lengths = map(len, texts) if len(raw) == len(joined) else (len(_bytes(text)) for text in texts)
        effects = np.empty(EFFECT_WIDTH * len(coded), dtype=np.int64)
        fingerprints(
            np.frombuffer(raw, dtype=np.uint8),
            np.fromiter(lengths, np.int64, len(texts)),
            np.frombuffer(coded, dtype=np.uint8),
            effects,
        )
        for place in untold:  # a read without a reply; whatever puts or appends has its text as its argument
            effects[EFFECT_WIDTH * place : EFFECT_WIDTH * place + 2] = transitions.ANY, 0
        return effects

    def coded(self, found: HistoryParts) -> CodedCalls | None:
        """The calls of parts that were searched, as effects; None if their states have no numbers."""
        if (
            self._effect_of is None
            or self._fingerprints
            or self._numbers
            or found.calls is not self._coded_calls
        ):
            return None
        effects = np.asarray(self._rules.effects, dtype=np.int64).reshape(-1, EFFECT_WIDTH)
        own = effects[self._first_kind :]
        if (own[:, 0] > transitions.IS_NOT).any() or (own[:, 2] > transitions.PUT).any():
            return None
        return CodedCalls(own, self._state_of, self._begin)

    def moves_states(self, part: Part) -> bool:
        """Whether what some call of a part's history does depends on more than one test of the state."""
        codes = self._codes_of(part)  # first, since it adds to the rules
        own = np.asarray(self._rules.effects, dtype=np.int64).reshape(-1, EFFECT_WIDTH)[codes]
        return bool((own[:, 0] > transitions.IS_NOT).any() or (own[:, 2] > transitions.PUT).any())

    def use_effects(self, effects: Integers) -> None:
        """Take kinds from elsewhere, as flat effects; such an engine is only for `decide_kinds`."""
        self._rules = self._rules._replace(effects=self._form.flat(effects))

    def decide_kinds(self, operations: Operations, begin: int, states: int, budget: Budget) -> Result:
        """Search operations whose kinds index the effects in use, over states 0 to `states` - 1."""
        return self._search(operations, begin, states, budget)

    def _search(self, operations: Operations, begin: int, states: int, budget: Budget) -> Result:
        self._expect(LAYING_OUT * len(operations.invoked))
        is_in_one_call = self._form is Form.COMPILED and self._wide is None
        if is_in_one_call and budget.configurations <= SLICE and not budget.is_over():
            result = self._in_one_call(operations, begin, states, budget)
            if result is not None:
                return result
        if len(operations.invoked) > self._room or states > self._states_room or not self._room:
            room, states_room = max(FIRST_ROOM, self._room), max(FIRST_ROOM, self._states_room)
            self._make_room(max(room, 2 * len(operations.invoked)), max(states_room, 2 * states))
        self._stamp += 1
        self._lay_out(Operations(*map(self._form.flat, operations)), begin, states)
        status, why = self._searched(budget)
        registers = self._arena.registers
        order = self._form.zeros(int(registers[BEST]))
        self._form.of(write_order)(self._arena, order, 0)
        return Result(ANSWERS[status], int(registers[VISITED]), cast(Sequence[int], order), why)

    def _in_one_call(self, operations: Operations, begin: int, states: int, budget: Budget) -> Result | None:
        """What a small search finds, which is mostly over sooner than a second call is made."""
        count = len(operations.invoked)
        decided = self._decide_each(Batch(np.array([0, count]), *operations), count, begin, states, budget)
        status, visited, length = decided.statuses.tolist()
        if status == LEFT:
            return None
        why = f"{budget.configurations} configurations" if status == GAVE_UP else ""
        return Result(ANSWERS[status], visited, cast(Sequence[int], decided.orders[:length]), why)

    def _searched(self, budget: Budget) -> tuple[int, str]:
        """The status of the search that is laid out in the arena, and which budget ran out, if one did."""
        registers = self._arena.registers
        candidates = int(registers[WINDOW] + registers[GROUPS]) + 1
        limit = min(budget.configurations, self._slice(candidates))
        if budget.is_over():
            return GAVE_UP, TIME
        while True:
            status = self._go_on(limit)
            if status == NEED and self._wide is None:
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
                self._expect(self._slice(candidates) * candidates)
                limit = min(budget.configurations, limit + self._slice(candidates))

    def _lay_out(self, operations: Operations, begin: int, states: int) -> None:
        arena, rules = self._arena, self._rules
        if self._form is Form.PLAIN:
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
        if self._form is Form.PLAIN:
            return search.plain(arena, self._rules, limit)
        rooms = self._room, self._states_room
        if self._wide is not None:
            return self._wide.go_on(self._rules, limit, rooms, self._space, arena)
        return go_on(*self._rules, limit, *rooms, self._space, arena.slots, arena.memo)

    def _slice(self, candidates: int) -> int:
        """How many configurations with that many candidates each a search visits in one go."""
        return SLICE if self._form is Form.COMPILED else max(1, PLAIN_SLICE // candidates)

    def _grow_wide(self, budget: Budget) -> bool:
        """Make room for more wide states, or for more of their transitions; whether that was allowed."""
        assert self._wide
        states, table = 2 * self._wide.bytes, 4 * 16 * len(self._rules.table_keys)
        grows_table = self._wide.fills(len(self._rules.table_keys))
        more = table if grows_table else states
        if not budget.allows(8 * len(self._arena.memo) + states + table, more):
            return False
        if grows_table:
            self._grow_table()
        else:
            self._wide.grow()
        return True

    def _grow_memo(self, budget: Budget) -> bool:
        """Double the memo, and the slots with it; whether that was allowed."""
        registers, memo = self._arena.registers, self._arena.memo
        width = int(4 + registers[WINDOW_WORDS] + registers[OPTION_WORDS])
        wanted = max(2 * len(memo), 64 * width)
        # A number in a list of plain Python takes four times as much; the memo is copied as it grows.
        each = 8 if self._form is Form.COMPILED else 32
        if not budget.allows(8 * wanted, each * wanted):
            return False
        self._arena = self._arena._replace(memo=extended(memo, self._form.zeros(wanted - len(memo))))
        if 2 * wanted // width > len(self._arena.slots):
            self._arena = self._arena._replace(
                slots=self._form.zeros(1 << (2 * wanted // width).bit_length(), -1)
            )
            self._form.of(rehash)(self._arena, int(registers[ENTRIES]))
        return True

    def _codes_of(self, part: Part | HistoryParts) -> Integers:
        """The operations' kinds, as this engine numbers them."""
        if part.calls is not self._coded_calls:  # the parts of one history share their calls
            effects = self._effects_of(part.calls)
            self._first_kind = len(self._rules.effects) // EFFECT_WIDTH
            self._rules = self._rules._replace(
                effects=extended(self._rules.effects, self._form.flat(effects))
            )
            self._coded_calls = part.calls
        return part.kinds + self._first_kind

    def _effects_of(self, calls: Sequence[Call]) -> Integers:
        if not self._fingerprints:
            return effects_of(calls, self.model, numbers=self._numbers_of, encoded=self._encoded)
        effects = self._effects_of_texts(calls) if self._form is Form.COMPILED else None
        if effects is None:
            effects = effects_of(calls, self.model, numbers=self._numbers_of, encoded=self._encoded)
        if not self._enter_prefixes(calls):
            # Two texts have one fingerprint: from here on, states are interned and steps tabulated.
            self._fingerprints, self._effect_of = False, None
            self._begin = self._state(self.model.initial)
            return effects_of(calls, self.model, numbers=self._numbers_of, encoded=self._encoded)
        flat = self._form.flat(effects)
        self._form.of(put_off)(flat, self._rules.prefixes)
        return flat

    def _enter_prefixes(self, calls: Sequence[Call]) -> bool:
        """Note all beginnings of the texts that replies show; whether their fingerprints differ."""
        shown = {call.result for call in calls if (self._texts or {}).get(call.f) == 0} - {MAYBE}
        texts = sorted(map(_bytes, cast(set[str], shown)))
        raw = b"".join(texts)
        self._expect(len(raw))
        text = np.frombuffer(raw, dtype=np.uint8) if self._form is Form.COMPILED else cast(Any, raw)
        flat, zeros = self._form.flat, self._form.zeros
        starts = flat(np.concatenate([[0], np.cumsum(list(map(len, texts)))]).astype(np.int64))
        overlaps, path = zeros(len(texts)), zeros(max(map(len, texts), default=0) + 1)
        beginnings = int(self._form.of(measure)(text, starts, overlaps))
        table = zeros(1 << (2 * beginnings).bit_length(), -1)
        self._rules = self._rules._replace(prefixes=table)
        return bool(self._form.of(enter)(text, starts, overlaps, path, table))

    def _encoded(self, call: Call) -> tuple[int, int, int, int, int]:
        if self._effect_of is None:
            self.model.step(self.model.initial, call)  # refuses a call that it does not know
            return TABLED_READ if call.f in self.model.reads else TABLED
        effect: Effect = self._effect_of(call)
        if effect.action in ONLY_OF and not ONLY_OF[effect.action](self.model):
            return TABLED  # states are interned, and no formula leads from one to the next
        test, tested = transitions.ANY, 0
        if effect.expected is not ANYTHING:
            test, tested = transitions.IS, self._state(effect.expected)
        elif effect.unless is not ANYTHING:
            test, tested = transitions.IS_NOT, self._state(effect.unless)
        match effect.action:
            case ScalarAction.KEEP:
                return test, tested, transitions.KEEP, 0, 0
            case ScalarAction.PUT:
                return test, tested, transitions.PUT, self._state(effect.argument), 0
            case ScalarAction.ADD:
                return test, tested, transitions.ADD, effect.argument, 0
            case ScalarAction.APPEND:
                text = _bytes(effect.argument)
                tail = int.from_bytes(text, "big") % transitions.PRIME
                return test, tested, transitions.APPEND, tail, pow(256, len(text), transitions.PRIME)

    def _state(self, value: Any) -> int:
        """The integer that stands for a state."""
        if self._fingerprints:
            return int.from_bytes(b"\1" + _bytes(value), "big") % transitions.PRIME
        if self._numbers:
            number: int = value
            return number
        known = self._states.get(value)
        if known is None:
            known = self._states[value] = len(self._state_of)
            self._state_of.append(value)
        return known

    def _numbers_of(self, values: Sequence[Any]) -> list[int]:
        """The integers that stand for several states."""
        if self._fingerprints or self._numbers:
            return list(map(self._state, values))
        known, first = self._states, len(self._state_of)
        self._state_of += [value for value in dict.fromkeys(values) if value not in known]
        known.update(zip(self._state_of[first:], range(first, len(self._state_of)), strict=True))
        return list(map(known.__getitem__, values))

    def _learn(self) -> None:
        """Compute the transitions that the search stopped for."""
        state = int(self._arena.registers[STATE])
        missing = {int(kind) for kind in self._arena.missing[: int(self._arena.registers[MISSING])]}
        self._table_size += len(missing)
        if 2 * self._table_size > len(self._rules.table_keys):
            self._grow_table()
        calls, first, step, before = (
            self._coded_calls,
            self._first_kind,
            self.model.step,
            self._state_of[state],
        )
        codes = []
        for kind in missing:
            after = step(before, calls[kind - first])
            codes.append(transitions.ILLEGAL if after is IMPOSSIBLE else self._state(after))
        keys = [state << 30 | kind for kind in missing]
        flat, rules = self._form.flat, self._rules
        self._form.of(transitions.learn)(rules.table_keys, rules.table_values, flat(keys), flat(codes))

    def _grow_table(self) -> None:
        _, keys, values, _ = self._rules
        size = 4 * len(keys)
        self._rules = self._rules._replace(
            table_keys=self._form.zeros(size, -1), table_values=self._form.zeros(size)
        )
        self._form.of(transitions.learn)(self._rules.table_keys, self._rules.table_values, keys, values)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
