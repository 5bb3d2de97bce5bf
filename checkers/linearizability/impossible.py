"""Explains a part that has no order, whatever its model.

It finds the first reply that no order explains, a smallest impossible part of what came before it, and what
each operation that could come next would need.

**The longest explicable prefix.** Linearizability is closed under prefixes, so a binary search over
the completions finds the first reply that no order explains.

**Shrinking, soundly.** The part shown must be impossible because of the history, not because shrinking tore
it apart (a read of 3 without the write of 3 shows nothing). So an operation is never simply left out. Two
weakenings are sound for every model, as an order that explains the history also explains the weaker one:

- *Forget a reply*: the operation may then have happened at any time after it began, or not at all. If it
  changes nothing, or no remaining reply shows its effect, it does not matter any more. Where the reply
  decides what the operation does (the token that a lock gives), only its time is forgotten.
- *Forget the past*: operations that completed before some moment are left out, and the state at that moment
  may be any. It is enough to try each value that a remaining reply requires, and one that none requires.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checkers.delta_debugging import smallest_failing
from checkers.limits import MOST_OPERATIONS_NEXT
from checkers.linearizability.answer import NEVER, Answer, Budget
from checkers.linearizability.engine import Engine
from checkers.linearizability.part import Part, doubled_calls
from checkers.linearizability.words import need_in_words, value_in_words
from checkers.models.model import (
    ANYTHING,
    IMPOSSIBLE,
    MAYBE,
    Model,
    ScalarAction,
    decided_by_reply,
    is_scalar,
)

Mask = npt.NDArray[np.bool_]
EFFORT, EFFORT_FOR_MORE = 20_000, 6_000
"""What explaining the parts of a history may cost: configurations visited, and operations of the parts
searched. Once the second is spent, no further part is explained."""
EFFORT_FOR_NAMING = 10_000
"""What finding the first inexplicable replies of all other parts may cost; then they are only counted."""
A_SEARCH = 300
"""What a search costs however small the part is."""
BY_TABLE, BY_TEXT = 20, 4
"""What a configuration costs where Python computes what the calls do to each new state, and where states are
texts."""
TRIAL_CONFIGURATIONS, TRIAL_FACTOR = 300, 4
"""The configurations that one trial may visit: so many, and so many for each operation. A search that goes
on for longer has found that what was forgotten matters, or will take too long to find that it does not."""
MOST_STATES = 40
"""If there are more states than this to begin in, the past is not forgotten."""


@dataclass
class Effort:
    """What is left of the effort of explaining a history's parts."""

    left: int = EFFORT
    left_for_naming: int = EFFORT_FOR_NAMING

    @property
    def is_enough_for_more(self) -> bool:
        """Whether another part is to be explained."""
        return self.left > EFFORT - EFFORT_FOR_MORE

    @property
    def is_spent(self) -> bool:
        """Whether no other part is even named."""
        return not self.is_enough_for_more and self.left_for_naming <= 0

    def spend(self, configurations: int, operations: int) -> None:
        """Note that a part of that many operations was searched."""
        self.left -= configurations + operations + A_SEARCH


@dataclass(frozen=True)
class Impossible:
    """The reasons why a part is not linearizable."""

    part: Part
    """What was known when the culprit completed."""
    culprit: int
    """Place in `part` of the operation with the first reply that no order explains."""
    core: tuple[int, ...]
    """Places in `part`: operations whose replies are impossible together."""
    maybe: tuple[int, ...]
    """Places of the operations that may also have taken effect, and do not explain the core either."""
    from_any_state: bool
    """Whether the core is impossible whatever the state before it was."""
    stuck: str
    """The length of the longest order, and what each operation that should come next would need."""
    first: bool = True
    """Whether an order explains every reply before the culprit's."""
    shrunk: bool = True
    """Whether a core was looked for."""


def doubled(part: Part, keeping: Collection[str] = ()) -> Part:
    """The part with its own calls, followed by the same calls without their replies.

    Args:
        keeping: the names of calls that keep their replies.
    """
    used, kinds = np.unique(part.kinds, return_inverse=True)
    calls = doubled_calls(part.calls, used, keeping)
    return Part(part.key, part.invoked, part.completed, np.asarray(kinds, dtype=np.int64), calls)


def weakened(part: Part, forgotten: Mask) -> Part:
    """A doubled part with some replies forgotten."""
    half = len(part.calls) // 2
    kinds = np.where(forgotten & (part.kinds < half), part.kinds + half, part.kinds)
    return Part(part.key, part.invoked, np.where(forgotten, NEVER, part.completed), kinds, part.calls)


def until(part: Part, cutoff: int) -> Part:
    """What was known just after the completion at index `cutoff`: later replies are taken back."""
    begun = part.only(part.invoked <= cutoff)
    return weakened(begun, begun.completed > cutoff)


def explain(
    model: Model,
    part: Part,
    budget: Budget,
    effort: Effort | None = None,
    order: Sequence[int] | None = None,
    engine: Engine | None = None,
) -> Impossible | None:
    """Explain a part that has no order. None if the search does not confirm that within the budget.

    Where the effort does not suffice, a later reply than the first impossible one may be named, and more
    operations than contradict each other.

    Args:
        order: the longest order that a search found which showed that there is no order of all operations.
            Without it the part is searched.
        engine: an engine of the model, where there is one.
    """
    effort = effort or Effort()
    shrinking = _Shrinking(engine or Engine(model), budget, effort)
    if order is None:
        whole = shrinking.engine.decide(part, budget)
        if whole.answer is not Answer.NOT_LINEARIZABLE:
            return None
        order = whole.order
    known, cutoff, first = shrinking.known_at_first_inexplicable(part, order)
    culprit = int(np.flatnonzero(known.completed == cutoff)[0])
    kept = shrinking.shrink(known, culprit if first else None)
    core = tuple(int(place) for place in np.flatnonzero(kept.replies))
    maybe = _of_account(model, known, kept.replies, kept.begin)
    return Impossible(known, culprit, core, maybe, kept.begin > 0, _stuck(shrinking, known), first)


def named(engine: Engine, part: Part, budget: Budget, effort: Effort, order: Sequence[int]) -> Impossible:
    """The first inexplicable reply of a part that has no order; why it is that is not looked for.

    Args:
        order: the longest order that a search of the part found.
    """
    own = Effort(effort.left_for_naming)
    known, cutoff, first = _Shrinking(engine, budget, own).known_at_first_inexplicable(part, order)
    effort.left_for_naming = own.left - A_SEARCH
    culprit = int(np.flatnonzero(known.completed == cutoff)[0])
    return Impossible(known, culprit, (), (), False, "", first, shrunk=False)


def unexplained(part: Part) -> Impossible:
    """A whole part that is known to have no order, for the case that `explain` ran out of its budget."""
    answered = part.completed < NEVER
    last = int(np.argmax(np.where(answered, part.completed, -1)))
    core, maybe = np.flatnonzero(answered).tolist(), np.flatnonzero(~answered).tolist()
    return Impossible(part, last, tuple(core), tuple(maybe), False, "")


@dataclass(frozen=True)
class _Kept:
    """A weakening: the replies that are kept, and the index from which on operations count (0: all)."""

    replies: Mask
    begin: int


class _Shrinking:
    def __init__(self, engine: Engine, budget: Budget, effort: Effort) -> None:
        self.engine = engine
        self._budget = budget
        self._effort = effort
        self._other = _Other()

    def known_at_first_inexplicable(self, part: Part, order: Sequence[int]) -> tuple[Part, int, bool]:
        """What was known at the first completion up to which a part has no order, doubled; that completion;
        and whether it is certainly the first.

        Args:
            order: the longest order that a search of the part found. All that completed before the first
                operation that it lacks is explained by it, so that the search for the reply begins there.
                Mostly it is this one, and then no later operation is looked at.
        """
        lacking = part.completed.copy()
        lacking[np.asarray(order, dtype=np.int64)] = NEVER
        at_least = int(lacking.min())
        keeping = decided_by_reply(self.engine.model)
        known = until(doubled(part.only(part.invoked <= at_least), keeping), at_least)
        if at_least == part.completed[part.completed < NEVER].max():
            return known, at_least, True
        share = self._budget.of_configurations(max(1, self._effort.left // 2))
        answer = self._answer(known, share)
        if answer is Answer.NOT_LINEARIZABLE:
            return known, at_least, True
        whole = doubled(part, keeping)
        cutoff, first = self._first_inexplicable(whole, at_least)
        return until(whole, cutoff), cutoff, first and answer is Answer.LINEARIZABLE

    def _first_inexplicable(self, part: Part, after: int) -> tuple[int, bool]:
        """The first completion after one at which a doubled part has no order, and whether it is certainly
        the first of these."""
        completions = np.sort(part.completed[part.completed < NEVER])
        low, high = int(np.searchsorted(completions, after, side="right")), len(completions) - 1
        stride, first = 1, True
        while low < high:
            middle = min(low + stride, (low + high) // 2)
            share = self._budget.of_configurations(max(1, self._effort.left // 2))
            answer = self._answer(until(part, int(completions[middle])), share)
            if answer is Answer.NOT_LINEARIZABLE:
                high, stride = middle, len(completions)
            else:
                low, stride = middle + 1, 2 * stride + 1
                first = first and answer is Answer.LINEARIZABLE
        return int(completions[low]), first

    @property
    def _price(self) -> int:
        """What a configuration costs."""
        if self.engine.is_by_table:
            return BY_TABLE
        return 1 if self.engine.exact else BY_TEXT

    def trial(self, part: Part) -> Budget:
        """What one trial may cost."""
        most = TRIAL_CONFIGURATIONS + TRIAL_FACTOR * len(part)
        return self._budget.of_configurations(max(len(part), most // self._price))

    def _answer(self, part: Part, budget: Budget) -> Answer:
        result = self.engine.decide(part, budget)
        self._effort.spend(result.configurations * self._price, len(part))
        return result.answer

    def shrink(self, part: Part, culprit: int | None) -> _Kept:
        """Forget the past, then replies, for as long as the effort lasts.

        Of the reads only the last one is kept at first, then the last two, four and so on, until the part is
        impossible; then the same with all other operations. Delta debugging makes what is left smaller.

        Args:
            culprit: the operation without whose reply the part has an order, so that the reply is always
                kept; None if it is not known to be such a one.
        """
        replies = part.completed < NEVER
        always = np.arange(len(part)) == culprit if culprit is not None else np.zeros(len(part), dtype=bool)
        begin = self._latest_begin(part)
        replies = replies & (part.invoked >= begin)
        if begin and not self.still(part, _Kept(replies, begin)):
            replies, begin = part.completed < NEVER, 0

        tried: dict[bytes, bool] = {}

        def is_impossible(few: Mask) -> bool:
            key = few.tobytes()
            if key not in tried:
                tried[key] = self.still(part, _Kept(few, begin))
            return tried[key]

        def with_replies(places: Sequence[int]) -> Mask:
            few = always.copy()
            few[list(places)] = True
            return few

        is_read = part.asks_one_of(self.engine.model.reads)
        other = replies & ~always
        reads = self._last(part, other & is_read, (replies & ~is_read) | always, is_impossible)
        writes = self._last(part, other & ~is_read, reads | always, is_impossible)
        fewest = smallest_failing(
            np.flatnonzero(reads | writes).tolist(),
            lambda places: is_impossible(with_replies(places)),
            may_go_on=lambda: self._effort.left > 0,
        )
        return _Kept(with_replies(fewest), begin)

    def _last(self, part: Part, some: Mask, others: Mask, is_impossible: Callable[[Mask], bool]) -> Mask:
        """Of some replies the last ones that, together with the others, are still impossible."""
        places = np.flatnonzero(some)
        places = places[np.argsort(part.completed[places])]
        last = 0 if others.any() else 1
        while last < len(places) and self._effort.left > 0:
            few = np.zeros(len(part), dtype=bool)
            few[places[len(places) - last :]] = True
            if is_impossible(few | others):
                return few
            last = max(1, 2 * last)
        return some

    def _latest_begin(self, part: Part) -> int:
        """The latest moment such that what began from then on is impossible from any state; or 0."""
        model = self.engine.model
        if not is_scalar(model) or type(model.initial) in (str, int):
            return 0  # the engine takes only texts or only numbers as states, so no other state can be tried
        if self.engine.moves_states(part):
            return 0
        replies = part.completed < NEVER
        low, high = 0, len(part) - 1
        begins = part.invoked
        while low < high and self._effort.left > 0:
            middle = (low + high + 1) // 2
            begin = int(begins[middle])
            if self.still(part, _Kept(replies & (begins >= begin), begin)):
                low = middle
            else:
                high = middle - 1
        return int(begins[low]) if low else 0

    def still(self, part: Part, kept: _Kept) -> bool:
        """Whether the weakened part is impossible."""
        each = self.trial(part)
        if not kept.begin:
            return self._counted(weakened(part, ~kept.replies & (part.completed < NEVER)), each, [ANYTHING])
        lasting = part.only((part.completed >= kept.begin) | kept.replies)
        replies = kept.replies[(part.completed >= kept.begin) | kept.replies]
        lasting = weakened(lasting, ~replies & (lasting.completed < NEVER))
        # States that none of these operations tells apart are alike: one stands for all of them.
        states = [self._other, *self.engine.states_tested(lasting)]
        return len(states) <= MOST_STATES and self._counted(lasting, each, states)

    def _counted(self, part: Part, budget: Budget, states: list[Hashable]) -> bool:
        for state in states:
            result = self.engine.decide(part, budget, initial=state)
            self._effort.spend(result.configurations * self._price, len(part))
            if result.answer is not Answer.NOT_LINEARIZABLE:
                return False
        return True


class _Other:
    """Stands for a state that no operation names."""


def _of_account(model: Model, part: Part, replies: Mask, begin: int) -> tuple[int, ...]:
    """The operations without a (kept) reply whose effect a kept reply may show."""
    left = np.flatnonzero(~replies & (part.completed >= begin))
    if not is_scalar(model):
        return tuple(left.tolist())
    effects = [model.effect(call._replace(result=MAYBE)) for call in part.calls_of(left)]
    kept = [model.effect(call) for call in part.calls_of(np.flatnonzero(replies))]
    shown = {effect.expected for effect in (*kept, *effects)}
    every = any(effect.unless is not ANYTHING for effect in kept)
    return tuple(
        place
        for place, effect in zip(left.tolist(), effects, strict=True)
        if effect.action in (ScalarAction.ADD, ScalarAction.APPEND)
        or (effect.action is ScalarAction.PUT and (every or effect.argument in shown))
    )


def _stuck(shrinking: _Shrinking, part: Part) -> str:
    """The longest order that the search found, and what may come next in real time, in words."""
    model = shrinking.engine.model
    result = shrinking.engine.decide(part, shrinking.trial(part))
    state = model.initial
    order = np.asarray(result.order, dtype=np.int64)
    for call in part.calls_of(order):
        after = model.step(state, call)
        assert after is not IMPOSSIBLE, "the search placed it"
        state = after
    rest = np.ones(len(part), dtype=bool)
    rest[order] = False
    open_ones = np.flatnonzero(rest & (part.completed < NEVER))
    first_ret = part.completed[open_ones].min() if len(open_ones) else NEVER
    following = [int(place) for place in open_ones if part.invoked[place] < first_ret]
    needs = ", ".join(
        f"operation {int(part.invoked[place])} {need_in_words(model, state, part.call(place))}"
        for place in following[:MOST_OPERATIONS_NEXT]
    )
    return (
        f"The longest order places {len(order)} of {len(part)} operations and ends with "
        f"{value_in_words(state)}; of what should come next, {needs}."
    )
