"""Asks the rule of a data type, if it has one. An order that it finds counts only if it holds by itself."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from checkers.delta_debugging import smallest_failing
from checkers.limits import MOST_VALUES
from checkers.linearizability.answer import NEVER, Answer, Budget, Result
from checkers.linearizability.part import Part
from checkers.linearizability.words import value_in_words
from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Model, ScalarAction, TextModel, is_text
from checkers.models.set import Set

MOST_TRIALS = 60
"""How often elements are left out, to see whether the others still contradict each other."""


@dataclass(frozen=True)
class Refuted:
    """The operations on some elements of a set, and its reads, that have no order by themselves."""

    model: Set
    part: Part
    elements: frozenset[Hashable]
    """The elements that contradict each other; a read shows these alone."""
    budget: Budget

    @property
    def alone(self) -> str:
        """The elements in words."""
        words = sorted(map(value_in_words, self.elements))
        more = [f"{len(words) - MOST_VALUES} more"] if len(words) > MOST_VALUES else []
        return " and ".join(words[:MOST_VALUES] + more)

    def fewest(self) -> Refuted:
        """The same without the elements that the contradiction does not need, as far as these are found."""

        def contradicts(names: Sequence[Hashable]) -> bool:
            return isinstance(_by_reads(self.model, on_elements(self.part, names), self.budget), Refuted)

        trials = iter(range(MOST_TRIALS))
        needed = frozenset(self.model.initial)
        few = smallest_failing(
            sorted(self.elements - needed, key=value_in_words),
            lambda names: contradicts([*needed, *names]),
            may_go_on=lambda: next(trials, None) is not None,
        )
        return replace(
            self, part=on_elements(self.part, {*needed, *few}), elements=frozenset(few) or self.elements
        )


def by_rule(model: Model, part: Part, budget: Budget) -> Result | Refuted | None:
    """An order of a key's operations, or a few of them that have none; None where no rule says so.

    Raises:
        IllegalCall: the model does not know one of the calls.
    """
    if is_text(model):
        return by_texts(model, part)
    if isinstance(model, Set):
        return _by_reads(model, part, budget)
    return None


def by_texts(model: Model, part: Part) -> Result | None:
    """An order of texts of which each part was written once; None if there is none to be found so."""
    from checkers.linearizability.by_rule.text_order import ordered, texts_of

    if not is_text(model):
        return None
    kinds, examples = np.unique(part.kinds, return_index=True)
    effects = dict(zip(kinds.tolist(), map(model.effect, part.calls_of(examples)), strict=True))
    texts = texts_of(part, effects, model.initial)
    return _looked_through(model, part, None if texts is None else ordered(texts))


def _by_reads(model: Set, part: Part, budget: Budget) -> Result | Refuted | None:
    """An order of a set's operations, or those on the elements that have none together with all reads."""
    from checkers.linearizability.by_rule.set_reads import decided

    found = decided(model, part, lambda: not budget.is_over())
    if found is None or found.order is not None:
        return None if found is None else _looked_through(model, part, found.order)
    elements = found.elements | model.initial
    return Refuted(model, on_elements(part, elements), elements, budget)


def on_elements(part: Part, elements: Collection[Hashable]) -> Part:
    """The operations on some elements of a set, and its reads with replies, as if there were no others."""
    calls = [part.call(place) for place in range(len(part))]
    kept = [
        place
        for place, call in enumerate(calls)
        if (call.f == "read" and call.result is not MAYBE) or call.argument in elements
    ]
    few: dict[Call, int] = {}
    kinds = [few.setdefault(_of_these(calls[place], elements), len(few)) for place in kept]
    return replace(
        part.only(np.array(kept, dtype=np.int64)), kinds=np.array(kinds, dtype=np.int64), calls=tuple(few)
    )


def _of_these(call: Call, elements: Collection[Hashable]) -> Call:
    """A read as if there were no other elements; any other call as it is."""
    if call.f != "read":
        return call
    return call._replace(result=tuple(element for element in call.result if element in elements))


def _looked_through(model: Model, part: Part, order: Sequence[int] | None) -> Result | None:
    """An order that holds by itself: it follows real time, and explains all replies."""
    if order is None or not follows_time(part, order) or not replays(model, part, order):
        return None
    return Result(Answer.LINEARIZABLE, 0, order)


def follows_time(part: Part, order: Sequence[int]) -> bool:
    """Whether an order has each operation with a reply, and none after one that began when it was over."""
    placed = np.array(order, dtype=np.int64)
    if not np.array_equal(
        np.sort(placed[part.completed[placed] < NEVER]), np.flatnonzero(part.completed < NEVER)
    ):
        return False
    begun = np.maximum.accumulate(part.invoked[placed])
    return bool((part.completed[placed][1:] > begun[:-1]).all())


def replays(model: Model, part: Part, order: Sequence[int]) -> bool:
    """Whether this order of a part's operations explains their replies, by the model's own rules."""
    calls, kinds = part.calls, part.kinds[np.asarray(order, dtype=np.int64)].tolist()
    if is_text(model):
        return replays_texts(model, [calls[kind] for kind in kinds])
    state = model.initial
    for kind in kinds:
        after = model.step(state, calls[kind])
        if after is IMPOSSIBLE:
            return False
        state = after
    return True


def replays_texts(model: TextModel, calls: Iterable[Call]) -> bool:
    """The same for texts, of which a history can have megabytes: by what each call does to a text."""
    actions, text = model.texts, model.initial
    keep, put = ScalarAction.KEEP, ScalarAction.PUT
    for f, argument, result in calls:
        action = actions[f]
        if action is keep:
            if result is not MAYBE and result != text:
                return False
        else:
            text = argument if action is put else text + argument
    return True
