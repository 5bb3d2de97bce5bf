"""Sets and queues of distinct values, judged without a search.

`queues` and `sets` decide which keys have an order and which have none; they leave the others to the search.
For a key without an order, a small part is given that has none either, for `impossible.explain`, which
searches the part and so confirms the result. To make the part small, only whole values are left out: an order
of all operations contains an order of those on some of the values, in queues and in sets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.delta_debugging import smallest_failing
from checkers.limits import MOST_VALUES
from checkers.linearizability.answer import NEVER, Budget
from checkers.linearizability.distinct_values import elements, queues, sets
from checkers.linearizability.distinct_values.rows import UNTOLD, HistoryRows, rows_of
from checkers.linearizability.part import Integers, Part
from checkers.linearizability.words import value_in_words
from checkers.models.model import MAYBE, Call, Model
from history import History
from history.values import frozen

NEAR = 512
"""The number of positions before and after the first impossible reply that are looked at first."""
SHRINKING_OPERATIONS = 2_000_000
"""What finding a small part of a queue may cost, in operations looked at."""
TRIAL_OPERATIONS = 1_000
"""What each trial costs besides the operations that it looks at."""
MOST_TAKERS = 4
"""With more dequeues of unknown outcome than this, a search may take minutes."""
Mask = npt.NDArray[np.bool_]


class Small(NamedTuple):
    """A few operations that have no order."""

    part: Part
    alone: str = ""
    """Their values in words, where the key has other values, too."""
    simple: bool = True
    """Whether a search of them is quick."""


class Distinct(ABC):
    """The keys of a history, and which of them have an order."""

    def __init__(self, rows: HistoryRows) -> None:
        self.rows = rows
        self.keys = rows.keys
        self.operations: Integers = np.bincount(rows.key, minlength=len(rows.keys))
        self.impossible: Mask = np.zeros(len(rows.keys), dtype=bool)
        """By key, whether it has no order."""
        self.left: Mask = np.zeros(len(rows.keys), dtype=bool)
        """By key, whether it is left to the search; all others have an order."""

    @abstractmethod
    def small(self, key: int) -> Small:
        """A small part of an impossible key that is impossible by itself."""

    def _of(self, key: int) -> HistoryRows:
        own = self.rows.only(self.rows.key == key)
        return replace(own, keys=(self.keys[key],), key=np.zeros(len(own), dtype=np.int64))


class Queues(Distinct):
    """Queues, decided by the rules in `queues`."""

    def __init__(self, rows: HistoryRows) -> None:
        super().__init__(queues.prepared(rows))
        self.left = queues.ambiguous(self.rows)
        rows = self.rows.only(~self.left[self.rows.key]) if self.left.any() else self.rows
        self.impossible = queues.impossible(rows)

    def small(self, key: int) -> Small:
        """A few values that contradict each other, if there are such values among those that replies name.

        Otherwise the values that no dequeue returned contradict the dequeues that may have taken them, but
        only all together: then these are the operations up to the first impossible reply.
        """
        rows = self._of(key)
        named = rows.only(~queues.takers(rows) & ~queues.unnamed(rows))
        if queues.impossible(named)[0]:
            few = _fewest(named, _first_inexplicable(named))
            values = np.unique(few.argument[few.f == queues.ENQUEUE]).tolist()
            words = [value_in_words(rows.history.columns.decoded(code)) for code in values[:MOST_VALUES]]
            alone = " and ".join(words) + (
                f" and {len(values) - MOST_VALUES} more" if len(values) > MOST_VALUES else ""
            )
            return Small(few.part(0, queues.FUNCTIONS), alone)
        cutoff = _first_inexplicable(rows)
        few = _fewest(rows.until(cutoff), cutoff)
        return Small(few.part(0, queues.FUNCTIONS), simple=int(queues.takers(few).sum()) <= MOST_TAKERS)


def _first_inexplicable(rows: HistoryRows) -> int:
    """The first completion of a queue's operations up to which they have no order."""
    completions = np.sort(rows.completed[rows.completed < NEVER])
    low, high = 0, len(completions) - 1
    while low < high:
        middle = (low + high) // 2
        if queues.impossible(rows.until(int(completions[middle])))[0]:
            high = middle
        else:
            low = middle + 1
    return int(completions[low])


def _fewest(rows: HistoryRows, cutoff: int) -> HistoryRows:
    """A part of a queue's operations that is still impossible, from which few values could be left out.

    Delta debugging, bounded. The values that were gone long before `cutoff`, or came long after it, are left
    out first. Dequeues that replied nothing may be left out; those that may take any value never are.
    """
    unit = np.where(rows.value >= 0, rows.value, -3 - np.arange(len(rows)))
    unit[queues.takers(rows)] = UNTOLD
    units, number = np.unique(unit, return_inverse=True)
    ended = np.full(len(units), -1)
    np.maximum.at(ended, number, np.where(rows.completed < NEVER, rows.completed, rows.invoked))
    always = units == UNTOLD
    left = SHRINKING_OPERATIONS + 4 * len(rows)

    def impossible(kept: Mask) -> bool:
        nonlocal left
        fewer = rows.only(kept[number])
        left -= len(fewer) + TRIAL_OPERATIONS
        return bool(queues.impossible(fewer)[0])

    kept = np.ones(len(units), dtype=bool)
    near = NEAR
    while near < len(rows.history):
        recent = always | (np.abs(ended - cutoff) <= near)
        if impossible(recent):
            kept = recent
            break
        near *= 8

    def with_these(places: tuple[int, ...]) -> Mask:
        few: Mask = always.copy()
        few[list(places)] = True
        return few

    places = np.flatnonzero(kept & ~always)
    fewest = smallest_failing(
        places[np.argsort(ended[places])].tolist(),
        lambda some: impossible(with_these(some)),
        may_go_on=lambda: left > 0,
    )
    return rows.only(with_these(fewest)[number])


class Sets(Distinct):
    """Sets, decided by the rules in `sets`."""

    def __init__(self, rows: HistoryRows, budget: Budget) -> None:
        super().__init__(sets.prepared(rows))
        self._bad_operations: Mask = np.zeros(len(rows), dtype=bool)
        self._conflicts: dict[int, sets.Conflict] = {}
        rows, keys = self.rows, len(self.keys)
        ambiguous = sets.ambiguous(rows)
        has_reads = np.bincount(rows.key[rows.f == sets.READ], minlength=keys) > 0
        grows = has_reads & (np.bincount(rows.key[(rows.f == sets.REMOVE) | ambiguous], minlength=keys) == 0)
        self.left = has_reads & ~grows
        plain = ~has_reads[rows.key] & ~ambiguous
        self._bad_operations[np.flatnonzero(plain)[sets.impossible(rows.only(plain))]] = True
        self._judge_elements(np.where(has_reads, ~grows, True)[rows.key] & ~plain, budget)
        self.impossible[rows.key[self._bad_operations]] = True
        self.left &= ~self.impossible
        for key in np.flatnonzero(grows).tolist():
            conflict = sets.Growing(self._of(key)).conflict()
            if conflict is not None:
                self._conflicts[key] = conflict
                self.impossible[key] = True

    def _judge_elements(self, which: Mask, budget: Budget) -> None:
        """Search element by element; a key with an element that was not decided is `left`."""
        if not which.any():
            return
        bad, unsure = elements.judged(self.rows.only(which), budget)
        self._bad_operations[which] = bad
        self.left[self.rows.key[which][unsure]] = True

    def small(self, key: int) -> Small:
        """The operations on one element; where reads conflict, on one or two, and those reads."""
        if key in self._conflicts:
            conflict = self._conflicts[key]
            part = self._of(key).only(conflict.kept).part(0, sets.FUNCTIONS)
            calls = tuple(_of_these(call, conflict.elements) for call in part.calls)
            named = " and ".join(sorted(map(value_in_words, conflict.elements)))
            return Small(replace(part, calls=calls), named)
        rows = self.rows
        first = int(np.flatnonzero(self._bad_operations & (rows.key == key))[0])
        of_element = (rows.key == key) & (rows.value == rows.value[first]) & (rows.f != sets.READ)
        reads = (rows.key == key) & (rows.f == sets.READ) & (rows.completed < NEVER)
        part = rows.only(of_element | reads).part(key, sets.FUNCTIONS)
        element = frozen(rows.history.columns.decoded(int(rows.argument[first])))
        calls = tuple(_of_these(call, frozenset({element})) for call in part.calls)
        return Small(replace(part, calls=calls), value_in_words(element))


def _of_these(call: Call, elements: frozenset[Hashable]) -> Call:
    """A read as if there were no other elements."""
    if call.f != sets.FUNCTIONS[sets.READ] or call.result is MAYBE:
        return call
    return call._replace(result=tuple(element for element in call.result if element in elements))


def legal(history: History, model: Model) -> bool:
    """Whether the model certainly knows all calls, found without looking at each of them."""
    return _rows(history, model) is not None


def decided(
    history: History, model: Model, budget: Budget, only: Collection[str | None] | None = None
) -> Distinct | None:
    """The keys that are decided, or those among `only`.

    None for another data type, or if some call may not be one of its calls.
    """
    rows = _rows(history, model)
    if rows is None:
        return None
    if only is not None:
        rows = rows.of_keys([number for number, key in enumerate(rows.keys) if key in only])
    return Queues(rows) if model.name == "queue" else Sets(rows, budget)


FUNCTIONS: Mapping[str, tuple[str, ...]] = {"queue": queues.FUNCTIONS, "set": sets.FUNCTIONS}


def _rows(history: History, model: Model) -> HistoryRows | None:
    names = None if model.initial else FUNCTIONS.get(model.name)
    rows = None if names is None else rows_of(history, names)
    if rows is None or model.name != "set":
        return rows
    shown = np.unique(rows.result[(rows.f == sets.READ) & (rows.completed < NEVER)]).tolist()
    texts = history.columns.values
    return rows if all(code >= 0 and texts[code].startswith("[") for code in shown) else None
