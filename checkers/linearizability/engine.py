"""The general engine: Wing & Gong's search with Lowe's memoization, over any model.

Wing & Gong (J. Parallel Distrib. Comput. 17, 1993); Lowe, "Testing for linearizability" (Concurrency
Comput. 29, 2017). A model's calls become kinds, its states integers; `kernel` searches over those.

- Scalar models (see `checkers.models.model`) need no table: numbers stand for themselves, any other
  value is interned. Texts that grow by appending are followed by a fingerprint, the text as a number
  modulo the prime 2^61 - 1, of which an append needs only the old one; so a *valid* order is replayed
  on the real texts, and whoever reports *invalid* confirms it with `Engine(model, exact=True)`
  (`judge.judge_part` does), which tabulates the real texts.
- All other models' transitions are computed when first met, and kept for all parts of a history.

The budget counts configurations and bytes, not seconds: the same history gives the same verdict
everywhere.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.linearizability import each, kernel
from checkers.linearizability.answer import DEFAULT, Answer, Budget, Result
from checkers.linearizability.compiled import IS_COMPILED, flat, zeros
from checkers.linearizability.part import HistoryParts, Part
from checkers.models.model import ANYTHING, IMPOSSIBLE, Action, Call, Effect, Model, Scalar, TextModel

TABLED = (kernel.TABLE, 0, kernel.PUT, 0, 0)
TABLED_READ = (kernel.TABLE, 0, kernel.KEEP, 0, 0)


ANSWERS = {
    kernel.LINEARIZABLE: Answer.LINEARIZABLE,
    kernel.NOT_LINEARIZABLE: Answer.NOT_LINEARIZABLE,
    kernel.GAVE_UP: Answer.GAVE_UP,
}


TEXT_FORMS = {Action.KEEP: 0, Action.PUT: 1, Action.APPEND: 2}
"""As `each.fingerprints` takes them."""


class Answers(NamedTuple):
    """As `each.decide_each` leaves them."""

    said: npt.NDArray[np.int64]
    orders: Any


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class Engine:
    """Searches parts of histories of one model. Keeps what it learnt of the model from part to part."""

    def __init__(self, model: Model, *, exact: bool = False) -> None:
        self.model = model
        self._effect_of = model.effect if isinstance(model, Scalar) and not exact else None
        self._fingerprints = self._effect_of is not None and type(model.initial) is str
        self._numbers = self._effect_of is not None and type(model.initial) is int
        self._kinds: dict[Call, int] = {}
        self._calls: list[Call] = []
        self._effects = flat([])
        self._coded_calls: Sequence[Call] = ()
        self._codes = np.zeros(0, dtype=np.int64)
        texts = model.texts if isinstance(model, TextModel) and not exact else None
        self._texts = None if texts is None else {f: TEXT_FORMS[action] for f, action in texts.items()}
        self._texts_of: Sequence[Call] | None = None
        self._text_effects: Any = None
        self._arena = zeros(0)
        self._arena_room = self._arena_states = 0
        self._states: dict[Hashable, int] = {}
        self._state_of: list[Hashable] = []
        self._begin = self._state(model.initial)
        self._table_size = 0
        self._table_keys, self._table_values = zeros(1024, -1), zeros(1024)
        self._room = self._stamp = 0
        self._make_room(200)

    def _make_room(self, operations: int) -> None:
        """Work arrays for parts of up to so many operations; they are reused, and cleared by `prepare`."""
        self._room = operations
        self._item_calls, self._rets, self._item_kinds = (zeros(operations) for _ in range(3))
        self._option_calls, self._option_kinds = zeros(operations), zeros(operations)
        self._items_from, self._options_from = zeros(operations), zeros(operations)
        self._group_kinds, self._group_of = zeros(operations), zeros(operations)
        self._groups = zeros(operations + 1)
        self._wanted = zeros(operations)
        words = operations // kernel.BITS + 3
        self._used = zeros(words)
        # A window can lie at the end of the placed bits: one more window's length behind them.
        self._placed = zeros(2 * words + 2)
        self._registers = zeros(kernel.REGISTERS)
        self._frames = zeros(kernel.FRAME_WIDTH * (operations + 1))
        self._best = zeros(operations + 1)
        self._needed = zeros(256)
        self._slots = zeros(1 << max(10, (2 * operations).bit_length()), -1)
        self._memo = zeros(64 * operations)

    def decide(self, part: Part, budget: Budget = DEFAULT, *, initial: Any = ANYTHING) -> Result:
        """Search one part, from the model's initial state or from another one.

        Raises:
            IllegalCall: the model does not know one of its calls.
        """
        begin = self._begin if initial is ANYTHING else self._state(initial)
        kinds = self._kinds_of(part)
        interned = 0 if self._fingerprints or self._numbers else len(self._states)
        return self._search(flat(part.invoked), flat(part.completed), kinds, begin, interned, budget)

    def decide_all(self, parts: HistoryParts, budget: Budget = DEFAULT) -> list[Result]:
        """Search all parts of a history, as `decide` does each.

        Raises:
            IllegalCall: the model does not know one of the calls.
        """
        answers = self.answers(parts, budget)
        if answers is None:
            return [self.decide(part, budget) for part in parts]
        results = []
        for part, low in enumerate(parts.starts[:-1].tolist()):
            status, visited, length = answers.said[3 * part : 3 * part + 3].tolist()
            if status == each.LEFT:
                results.append(self.decide(parts[part], budget))
                continue
            why = f"{budget.configurations} configurations" if status == kernel.GAVE_UP else ""
            results.append(Result(ANSWERS[status], visited, answers.orders[low : low + length], why))
        return results

    def answers(self, parts: HistoryParts, budget: Budget = DEFAULT) -> Answers | None:
        """What one call of compiled code says of all parts; None where that is of no use.

        Raises:
            IllegalCall: as `decide_all`.
        """
        if self._effect_of is None or not IS_COMPILED or len(parts.keys) == 0:
            return None
        effects = self._effects_of_texts(parts.calls) if self._texts is not None else None
        if effects is None:
            kinds = self._codes_of(parts)
            effects = self._effects
        else:
            kinds = parts.kinds
        interned = 0 if self._fingerprints or self._numbers else len(self._states)
        if parts.longest > self._arena_room or interned > self._arena_states:
            self._arena_room, self._arena_states = 2 * parts.longest, 2 * interned
            self._arena = zeros(each.arena_for(self._arena_room, self._arena_states))
        said, orders = np.empty(3 * len(parts.keys), np.int64), np.empty(len(kinds), np.int64)
        stamp = self._stamp + 1
        self._stamp += len(parts.keys)
        states = self._arena_states if interned else 0
        each.decide_each(
            parts.starts,
            parts.invoked,
            parts.completed,
            kinds,
            effects,
            self._begin,
            states,
            self._arena_room,
            stamp,
            self._arena,
            each.EMPTY,
            budget.configurations,
            said,
            orders,
        )
        return Answers(said, orders)

    def _effects_of_texts(self, calls: Sequence[Call]) -> Any:
        """The effects of all calls at once, in the calls' order; None if some has no text."""
        if calls is self._texts_of:
            return self._text_effects
        forms = self._texts or {}
        # By place, not by name: a name takes longer, and there are as many calls as operations.
        try:
            coded = bytes([forms[call[0]] for call in calls])
        except KeyError:
            return None
        texts = [call[1] if form else call[2] for form, call in zip(coded, calls, strict=True)]
        try:
            joined = "".join(texts)
        except TypeError:  # not a text, or no reply: one by one, which says what is wrong if something is
            return None
        raw = joined.encode("utf-8", "surrogatepass")
        lengths = map(len, texts) if len(raw) == len(joined) else (len(_bytes(text)) for text in texts)
        effects = np.empty(kernel.EFFECT_WIDTH * len(coded), dtype=np.int64)
        each.fingerprints(
            np.frombuffer(raw, dtype=np.uint8),
            np.fromiter(lengths, np.int64, len(texts)),
            np.frombuffer(coded, dtype=np.uint8),
            effects,
        )
        self._texts_of, self._text_effects = calls, effects
        return effects

    def use_effects(self, effects: Any) -> None:
        """Take kinds from elsewhere, as flat effects; only `decide_kinds` is for such an engine."""
        self._effects = effects

    def decide_kinds(
        self,
        invoked: npt.NDArray[np.int64],
        completed: npt.NDArray[np.int64],
        kinds: npt.NDArray[np.int64],
        begin: int,
        states: int,
        budget: Budget,
    ) -> Result:
        """Search operations whose kinds index the effects in use, over states 0 to `states` - 1."""
        return self._search(flat(invoked), flat(completed), flat(kinds), begin, states, budget)

    def _search(
        self, invoked: Any, completed: Any, kinds: Any, begin: int, interned: int, budget: Budget
    ) -> Result:
        if len(invoked) > self._room:
            self._make_room(2 * len(invoked))
        if len(self._wanted) < interned:
            self._wanted = zeros(2 * interned)
        self._stamp += 1
        registers = self._registers
        kernel.prepare(
            invoked,
            completed,
            kinds,
            self._effects,
            interned,
            self._stamp,
            self._item_calls,
            self._rets,
            self._item_kinds,
            self._items_from,
            self._option_calls,
            self._option_kinds,
            self._options_from,
            self._groups,
            self._group_kinds,
            self._group_of,
            self._wanted,
            self._slots,
            self._placed,
            self._used,
            registers,
        )
        items, groups, window_words, option_words = (int(registers[place]) for place in (0, 2, 3, 4))
        registers[:] = [begin if place == kernel.STATE else 0 for place in range(kernel.REGISTERS)]
        width = 4 + window_words + option_words
        while True:
            status = kernel.search(
                self._item_calls,
                self._rets,
                self._item_kinds,
                items,
                self._option_calls,
                self._option_kinds,
                self._groups,
                groups,
                self._effects,
                self._table_keys,
                self._table_values,
                registers,
                self._frames,
                self._placed,
                self._used,
                window_words,
                option_words,
                self._memo,
                self._slots,
                self._needed,
                self._best,
                self._items_from,
                self._options_from,
                budget.configurations,
            )
            if status == kernel.NEED:
                self._learn()
            elif status != kernel.GROW:
                why = f"{budget.configurations} configurations" if status == kernel.GAVE_UP else ""
                break
            elif not self._grow_memo(width, budget.memory_bytes):
                status, why = kernel.GAVE_UP, f"{budget.memory_bytes >> 20} MiB of configurations"
                break
        order = self._best[: int(registers[kernel.BEST])].copy()
        return Result(ANSWERS[status], int(registers[kernel.VISITED]), order, why)

    def _grow_memo(self, width: int, most_bytes: int) -> bool:
        """Double the memo, and the slots with it; whether that was allowed."""
        wanted = max(2 * len(self._memo), 64 * width)
        if 8 * wanted > most_bytes:
            return False
        if isinstance(self._memo, list):
            self._memo += [0] * (wanted - len(self._memo))
        else:
            self._memo = np.concatenate([self._memo, zeros(wanted - len(self._memo))])
        entries = int(self._registers[kernel.ENTRIES])
        if 2 * len(self._memo) // width > len(self._slots):
            self._slots = zeros(1 << (2 * len(self._memo) // width).bit_length(), -1)
            kernel.rehash(self._memo, self._slots, width, entries)
        return True

    def _kinds_of(self, part: Part) -> Any:
        """The part's operations as kinds of this engine."""
        return flat(self._codes_of(part))

    def _codes_of(self, part: Part | HistoryParts) -> npt.NDArray[np.int64]:
        if part.calls is not self._coded_calls:  # the parts of one history share their calls
            known = self._kinds
            try:
                codes = [known[call] for call in part.calls]
            except KeyError:
                self._add_kinds(part.calls)
                codes = [known[call] for call in part.calls]
            self._coded_calls, self._codes = part.calls, np.array(codes)
        return self._codes[part.kinds]

    def _add_kinds(self, calls: Sequence[Call]) -> None:
        added: list[int] = []
        for call in calls:
            if call not in self._kinds:
                self._kinds[call] = len(self._calls)
                self._calls.append(call)
                added += self._encoded(call)
        effects = flat(added)
        self._effects = (
            self._effects + effects if isinstance(effects, list) else np.concatenate([self._effects, effects])
        )

    def _encoded(self, call: Call) -> tuple[int, int, int, int, int]:
        if self._effect_of is None:
            self.model.step(self.model.initial, call)  # refuses a call that it does not know
            return TABLED_READ if call.f in self.model.reads else TABLED
        effect: Effect = self._effect_of(call)
        test, tested = kernel.ANY, 0
        if effect.expected is not ANYTHING:
            test, tested = kernel.IS, self._state(effect.expected)
        elif effect.unless is not ANYTHING:
            test, tested = kernel.IS_NOT, self._state(effect.unless)
        match effect.action:
            case Action.KEEP:
                return test, tested, kernel.KEEP, 0, 0
            case Action.PUT:
                return test, tested, kernel.PUT, self._state(effect.argument), 0
            case Action.ADD:
                return test, tested, kernel.ADD, effect.argument, 0
            case Action.APPEND:
                text = effect.argument.encode("utf-8", "surrogatepass")
                tail = int.from_bytes(text, "big") % kernel.PRIME
                return test, tested, kernel.APPEND, tail, pow(256, len(text), kernel.PRIME)

    def _state(self, value: Any) -> int:
        """The integer that stands for a state."""
        if self._fingerprints:
            return int.from_bytes(b"\1" + value.encode("utf-8", "surrogatepass"), "big") % kernel.PRIME
        if self._numbers:
            number: int = value
            return number
        known = self._states.get(value)
        if known is None:
            known = self._states[value] = len(self._state_of)
            self._state_of.append(value)
        return known

    def _learn(self) -> None:
        """Compute the transitions that the search stopped for."""
        state = int(self._registers[kernel.STATE])
        needed = {int(kind) for kind in self._needed[: int(self._registers[kernel.NEEDED])]}
        self._table_size += len(needed)
        if 2 * self._table_size > len(self._table_keys):
            self._grow_table()
        for kind in needed:
            after = self.model.step(self._state_of[state], self._calls[kind])
            code = kernel.ILLEGAL if after is IMPOSSIBLE else self._state(after)
            kernel.learn(self._table_keys, self._table_values, state << 30 | kind, code)

    def _grow_table(self) -> None:
        keys, values = self._table_keys, self._table_values
        size = 4 * len(keys)
        self._table_keys, self._table_values = zeros(size, -1), zeros(size)
        for key, value in zip(keys, values, strict=True):
            if key != -1:
                kernel.learn(self._table_keys, self._table_values, key, value)
