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

import weakref
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np

from checkers.linearizability.answer import DEFAULT, Answer, Budget, Result
from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import EFFECT_WIDTH, Operations
from checkers.linearizability.kernels.each import LEFT, Batch, Decided
from checkers.linearizability.kernels.states.prefixes import enter, measure, put_off
from checkers.linearizability.packing.packed import Packed, Packing
from checkers.linearizability.part import HistoryParts, Part
from checkers.linearizability.search.coding import CodedCalls
from checkers.linearizability.search.kind_search import LAYING_OUT, KindSearch
from checkers.linearizability.search.numbering import Numbering
from checkers.linearizability.search.queue_search import QueueSearch
from checkers.linearizability.search.results import Results
from checkers.linearizability.search.settled import settled_by_effects
from checkers.models.model import ANYTHING, IMPOSSIBLE, Call, Model
from history.kernels import Form, Integers

WORTH_SETTLING = 20_000
"""With fewer configurations than this, a search has ended before it is settled what certainly happened."""


class Engine:
    """Searches parts of histories of one model. Keeps what it learnt of the model from part to part."""

    def __init__(self, model: Model, *, exact: bool = False) -> None:
        self.model = model
        self._numbering = Numbering(model, exact=exact)
        self.packing = None if exact or self._numbering.effect_of is not None else Packing(model)
        self._queues = None if self.packing is None else QueueSearch(model)
        self.options_first = False
        """Whether a search tries operations of unknown outcome before the others; that changes no answer."""
        self.is_by_table = False
        """Whether the part that was searched last needed a table of steps, which Python fills."""
        # Weak, so that an engine and its arrays are gone as soon as nothing uses it, and not only when Python
        # looks for objects that hold each other: ten million operations are searched by ten engines.
        own = weakref.ref(self)

        def following(state: int, kinds: Sequence[int]) -> list[int]:
            engine = own()
            assert engine is not None, "its searches run for it alone"
            return engine._following(state, kinds)

        self._searches = KindSearch(following)
        self._coded_calls: Sequence[Call] = ()
        self._first_kind = 0
        """The kind of the first one of `_coded_calls`; others were coded before it."""

    @cached_property
    def _packed_searches(self) -> KindSearch:
        return KindSearch()

    @cached_property
    def _wide_searches(self) -> KindSearch:
        return KindSearch()

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
        if packed is not None:
            self.is_by_table = False
            operations = Operations(packed.invoked, packed.completed, packed.kinds)
            return self._searches_of(packed).decide(operations, packed.begin, 0, budget)
        return self._decide_wide(part, budget, initial)

    def _decide_wide(self, part: Part, budget: Budget, initial: Any = ANYTHING) -> Result:
        """Search one part whose states are no bits of a number."""
        worth = budget.configurations >= WORTH_SETTLING
        numbering, own = self._numbering, self._searches
        if self.packing and initial is ANYTHING and own.expect(LAYING_OUT * len(part)) is Form.COMPILED:
            wide = self.packing.wide(part, worth)
            if wide is not None:
                self.is_by_table = False
                operations, steps = wide
                self._wide_searches.use_wide(steps)
                self._wide_searches.options_first = self.options_first
                return self._wide_searches.decide(operations, 0, 0, budget)
        self.is_by_table = numbering.effect_of is None
        codes = self._codes_of(part)  # first, since it may change how states are numbered
        begin = numbering.begin if initial is ANYTHING else numbering.of(initial)
        operations = Operations(part.invoked, part.completed, codes)
        if worth:
            operations = self._settled(np.array([0, len(part)], dtype=np.int64), operations, begin)
        own.options_first = self.options_first
        return own.decide(operations, begin, numbering.interned(), budget)

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
            for place in np.flatnonzero(~packed.fits).tolist():
                if is_one_enough and results.has_refuted:
                    break
                results.put(place, self._decide_wide(parts[place], budget))
            return results
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
        if searches.expect(LAYING_OUT * len(kinds)) is Form.COMPILED and len(fitting_parts):
            batch = Batch(fitting_parts.starts, packed.invoked[rows], packed.completed[rows], kinds)
            decided = searches.decide_each(
                batch, fitting_parts.longest, packed.begin, 0, budget, is_one_enough
            )
            statuses[packed.fits] = decided.statuses.reshape(-1, 3)
            orders[rows] = decided.orders
        for place in np.flatnonzero((statuses[:, 0] == LEFT) & packed.fits).tolist():
            if is_one_enough and results.has_refuted:
                break
            own = slice(*parts.starts[place : place + 2].tolist())
            operations = Operations(packed.invoked[own], packed.completed[own], packed.kinds[own])
            results.put(place, searches.decide(operations, packed.begin, 0, budget))
        return results

    def _searches_of(self, packed: Packed) -> KindSearch:
        """The search over these kinds."""
        self._packed_searches.use_effects(packed.effects)
        self._packed_searches.options_first = self.options_first
        return self._packed_searches

    def decided(
        self, parts: HistoryParts, budget: Budget = DEFAULT, *, is_one_enough: bool = False
    ) -> Decided | None:
        """What one call of compiled code finds about all parts; None where that is of no use.

        Args:
            is_one_enough: as in `decide_all`; what comes after the first part without an order is LEFT.

        Raises:
            IllegalCall: the model does not know one of the calls.
        """
        numbering, own = self._numbering, self._searches
        if numbering.effect_of is None or len(parts.keys) == 0:
            return None
        if own.expect(LAYING_OUT * len(parts.kinds)) is Form.PLAIN:
            return None
        kinds = self._codes_of(parts)
        if numbering.effect_of is None:
            return None
        batch = Batch(parts.starts, parts.invoked, parts.completed, kinds)
        own.options_first = self.options_first
        states = numbering.interned()
        return own.decide_each(
            batch, parts.longest, numbering.begin, states, budget, is_one_enough, settles=states > 0
        )

    def _settled(self, starts: Integers, operations: Operations, begin: int) -> Operations:
        """The operations, of which those of unknown outcome end that certainly happened."""
        return settled_by_effects(starts, operations, self._effects, self._numbering.interned(), begin)

    @property
    def _effects(self) -> Integers:
        """By kind its EFFECT_WIDTH numbers."""
        return np.asarray(self._searches.rules.effects, dtype=np.int64).reshape(-1, EFFECT_WIDTH)

    @property
    def exact(self) -> bool:
        """Whether each number stands for one state only, so that an order found is a proof."""
        return not self._numbering.has_fingerprints

    def coded(self, found: HistoryParts) -> CodedCalls | None:
        """The calls of parts that were searched, as effects; None if their states have no numbers."""
        numbering = self._numbering
        has_numbers = numbering.effect_of is not None and numbering.interned() > 0
        if not has_numbers or found.calls is not self._coded_calls:
            return None
        own = self._effects[self._first_kind :]
        if (own[:, 0] > transitions.IS_NOT).any() or (own[:, 2] > transitions.PUT).any():
            return None
        return CodedCalls(own, numbering.states, numbering.begin)

    def moves_states(self, part: Part) -> bool:
        """Whether what some call of a part's history does depends on more than one test of the state."""
        codes = self._codes_of(part)  # first, since it adds to the rules
        own = self._effects[codes]
        return bool((own[:, 0] > transitions.IS_NOT).any() or (own[:, 2] > transitions.PUT).any())

    def states_tested(self, part: Part) -> list[Hashable]:
        """The states that calls of a part are about, where each depends on at most one (`moves_states`)."""
        codes = self._codes_of(part)  # first, since it adds to the rules
        own = self._effects[codes]
        tested = np.unique(own[own[:, 0] != transitions.ANY, 1])
        return list(map(self._numbering.states.__getitem__, tested.tolist()))

    def _codes_of(self, part: Part | HistoryParts) -> Integers:
        """The operations' kinds, as this engine numbers them."""
        if part.calls is not self._coded_calls:  # the parts of one history share their calls
            effects = self._effects_of(part.calls)
            self._first_kind = len(self._searches.rules.effects) // EFFECT_WIDTH
            self._searches.add_effects(effects)
            self._coded_calls = part.calls
        return part.kinds + self._first_kind

    def _effects_of(self, calls: Sequence[Call]) -> Integers:
        numbering, own = self._numbering, self._searches
        if not numbering.has_fingerprints:
            return numbering.effects(calls)
        effects = numbering.effects_of_texts(calls) if own.form is Form.COMPILED else None
        if effects is None:
            effects = numbering.effects(calls)
        if not self._enter_prefixes(numbering.texts_shown(calls)):
            # Two texts have one fingerprint: from here on, states are interned and steps tabulated.
            numbering.give_up_fingerprints()
            return numbering.effects(calls)
        flat = own.form.flat(effects)
        own.form.of(put_off)(flat, own.rules.prefixes)
        return flat

    def _enter_prefixes(self, texts: Sequence[bytes]) -> bool:
        """Note all beginnings of the texts that replies show; whether their fingerprints differ."""
        raw = b"".join(texts)
        form = self._searches.expect(len(raw))
        text = np.frombuffer(raw, dtype=np.uint8) if form is Form.COMPILED else cast(Any, raw)
        flat, zeros = form.flat, form.zeros
        starts = flat(np.concatenate([[0], np.cumsum(list(map(len, texts)))]).astype(np.int64))
        overlaps, path = zeros(len(texts)), zeros(max(map(len, texts), default=0) + 1)
        beginnings = int(form.of(measure)(text, starts, overlaps))
        table = zeros(1 << (2 * beginnings).bit_length(), -1)
        self._searches.rules = self._searches.rules._replace(prefixes=table)
        return bool(form.of(enter)(text, starts, overlaps, path, table))

    def _following(self, state: int, kinds: Sequence[int]) -> list[int]:
        """The states that follow a state, by kind; `transitions.ILLEGAL` where a call is impossible there."""
        calls, first, step = self._coded_calls, self._first_kind, self.model.step
        before = self._numbering.states[state]
        codes = []
        for kind in kinds:
            after = step(before, calls[kind - first])
            codes.append(transitions.ILLEGAL if after is IMPOSSIBLE else self._numbering.of(after))
        return codes
