"""Calls and states of a model as numbers, for the search's kernels.

Numbers stand for themselves, a text that only grows by its fingerprint, and any other state by its place
among all that were met.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from checkers.linearizability.kernels import transitions
from checkers.linearizability.kernels.arena import EFFECT_WIDTH
from checkers.linearizability.kernels.states.fingerprints import fingerprints
from checkers.linearizability.search.coding import effects_of
from checkers.models.model import (
    ANYTHING,
    MAYBE,
    Call,
    Effect,
    Model,
    ScalarAction,
    is_number,
    is_scalar,
    is_text,
)
from history.kernels import Integers

TABLED = (transitions.TABLE, 0, transitions.PUT, 0, 0)
TABLED_READ = (transitions.TABLE, 0, transitions.KEEP, 0, 0)

TEXT_FORMS = {ScalarAction.KEEP: 0, ScalarAction.PUT: 1, ScalarAction.APPEND: 2}
"""The forms of calls on texts, as `fingerprints` takes them."""
ONLY_OF: dict[ScalarAction, Callable[[Model], bool]] = {
    ScalarAction.ADD: is_number,
    ScalarAction.APPEND: is_text,
}
"""Which models have states such that a formula carries out the action."""


class Numbering:
    """The numbers of one model's states and calls.

    Args:
        exact: whether each state is to have a number of its own, and a table to say what calls do to it.
    """

    def __init__(self, model: Model, *, exact: bool) -> None:
        self._model = model
        self.effect_of = model.effect if is_scalar(model) and not exact else None
        """What a call does, where a formula says it."""
        self.has_fingerprints = self.effect_of is not None and is_text(model)
        self.has_numbers = self.effect_of is not None and is_number(model)
        texts = model.texts if is_text(model) and not exact else None
        self._texts = None if texts is None else {f: TEXT_FORMS[action] for f, action in texts.items()}
        self._known: dict[Hashable, int] = {}
        self.states: list[Hashable] = []
        """By number the state, where states are numbered as they are met."""
        self.begin = self.of(model.initial)
        """The number of the initial state."""

    def give_up_fingerprints(self) -> None:
        """Number texts as they are met, since two of them have one fingerprint."""
        self.has_fingerprints, self.effect_of = False, None
        self.begin = self.of(self._model.initial)

    def effects(self, calls: Sequence[Call]) -> Integers:
        """EFFECT_WIDTH numbers for each call.

        Raises:
            IllegalCall: the model does not know one of the calls.
        """
        return effects_of(calls, self._model, numbers=self.of_all, encoded=self.encoded)

    def texts_shown(self, calls: Sequence[Call]) -> list[bytes]:
        """The texts that replies show, in order."""
        shown = {call.result for call in calls if (self._texts or {}).get(call.f) == 0} - {MAYBE}
        return sorted(map(bytes_of, shown))

    def effects_of_texts(self, calls: Sequence[Call]) -> Integers | None:
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
        lengths = map(len, texts) if len(raw) == len(joined) else (len(bytes_of(text)) for text in texts)
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

    def encoded(self, call: Call) -> tuple[int, int, int, int, int]:
        if self.effect_of is None:
            self._model.step(self._model.initial, call)  # refuses a call that it does not know
            return TABLED_READ if call.f in self._model.reads else TABLED
        effect: Effect = self.effect_of(call)
        if effect.action in ONLY_OF and not ONLY_OF[effect.action](self._model):
            return TABLED  # states are interned, and no formula leads from one to the next
        test, tested = transitions.ANY, 0
        if effect.expected is not ANYTHING:
            test, tested = transitions.IS, self.of(effect.expected)
        elif effect.unless is not ANYTHING:
            test, tested = transitions.IS_NOT, self.of(effect.unless)
        match effect.action:
            case ScalarAction.KEEP:
                return test, tested, transitions.KEEP, 0, 0
            case ScalarAction.PUT:
                return test, tested, transitions.PUT, self.of(effect.argument), 0
            case ScalarAction.ADD:
                return test, tested, transitions.ADD, effect.argument, 0
            case ScalarAction.APPEND:
                text = bytes_of(effect.argument)
                tail = int.from_bytes(text, "big") % transitions.PRIME
                return test, tested, transitions.APPEND, tail, pow(256, len(text), transitions.PRIME)

    def of(self, value: Any) -> int:
        """The integer that stands for a state."""
        if self.has_fingerprints:
            return int.from_bytes(b"\1" + bytes_of(value), "big") % transitions.PRIME
        if self.has_numbers:
            number: int = value
            return number
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = len(self.states)
            self.states.append(value)
        return known

    def of_all(self, values: Sequence[Any]) -> list[int]:
        """The integers that stand for several states."""
        if self.has_fingerprints or self.has_numbers:
            return list(map(self.of, values))
        known, first = self._known, len(self.states)
        self.states += [value for value in dict.fromkeys(values) if value not in known]
        known.update(zip(self.states[first:], range(first, len(self.states)), strict=True))
        return list(map(known.__getitem__, values))

    def interned(self) -> int:
        """How many states are interned; 0 if numbers stand for states."""
        return 0 if self.has_fingerprints or self.has_numbers else len(self._known)


def bytes_of(text: str) -> bytes:
    """A text as bytes, halves of surrogate pairs included."""
    return text.encode("utf-8", "surrogatepass")
