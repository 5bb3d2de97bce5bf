"""Queues of any values: searched pair by pair (`kernels.queue_pairs`), all keys in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import DEFAULT, TIME, Answer, Budget, Result
from checkers.linearizability.kernels.arena import BITS
from checkers.linearizability.kernels.each import LEFT
from checkers.linearizability.kernels.queue_pairs import (
    FINDS_NOTHING,
    FRAME_WIDTH,
    MAY_TAKE,
    PUTS,
    SECTIONS,
    TAKES,
    QueueOperations,
    QueueSpace,
    decide_queues,
)
from checkers.linearizability.kernels.search import GAVE_UP
from checkers.linearizability.packing.entries import simple
from checkers.linearizability.part import UNTOLD, HistoryCalls, HistoryParts, Integers, Part
from checkers.linearizability.search.results import ANSWERS, Results, out_of_memory
from checkers.models.model import MAYBE, Call, Model
from checkers.models.queue import Queue
from history.kernels import Form, fitting

FIRST_SLICE, SLICES = 2_000, 8
"""The configurations of the first try of a search by itself; the next ones get that many times more."""
LAYING_OUT = 8
"""What it takes to lay out an operation, in steps of plain Python."""


class QueueCalls(NamedTuple):
    """What the calls of a history do to a queue."""

    forms: Integers
    """By call PUTS, TAKES, FINDS_NOTHING or MAY_TAKE."""
    elements: Integers
    """By call the number of its element."""
    different: int
    """How many different elements there are."""


def queue_calls(calls: Sequence[Call], model: Model) -> QueueCalls | None:
    """What calls do to a queue that is empty at first; None for another data type, or if one is odd."""
    if not isinstance(model, Queue) or model.initial:
        return None
    found = _of_columns(calls) if isinstance(calls, HistoryCalls) else None
    return found or _one_by_one(calls)


def _of_columns(calls: HistoryCalls) -> QueueCalls | None:
    """The same without an object for each call; None if an element has several forms in JSON."""
    columns = calls.columns
    enqueue, dequeue = calls.f == columns.f_code("enqueue"), calls.f == columns.f_code("dequeue")
    answered = calls.answered != UNTOLD
    takes = dequeue & answered & (calls.answered >= 0)
    if not (enqueue | dequeue).all() or (calls.asked[enqueue] < 0).any():
        return None
    codes = np.where(enqueue, calls.asked, np.where(takes, calls.answered, -1))
    used = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=1))
    texts = columns.values
    if not all(simple(texts[code]) for code in used.tolist()):
        return None
    forms = np.where(enqueue, PUTS, np.where(takes, TAKES, np.where(answered, FINDS_NOTHING, MAY_TAKE)))
    return QueueCalls(forms, np.searchsorted(used, codes), len(used))


def _one_by_one(calls: Sequence[Call]) -> QueueCalls | None:
    number: dict[object, int] = {}
    forms, elements = [], []
    for f, argument, result in calls:
        element = argument if f == "enqueue" else result
        if f not in ("enqueue", "dequeue") or (f == "enqueue" and argument is None):
            return None
        if f == "enqueue":
            forms.append(PUTS)
        else:
            forms.append(MAY_TAKE if result is MAYBE else FINDS_NOTHING if result is None else TAKES)
        elements.append(number.setdefault(element, len(number)))
    return QueueCalls(np.array(forms, dtype=np.int64), np.array(elements, dtype=np.int64), len(number))


class _Found(NamedTuple):
    """What was found of each part: see `kernels.each.Decided`."""

    statuses: npt.NDArray[np.int64]
    orders: Integers


class QueueSearch:
    """Searches queues. Keeps what it found out about the calls that it saw last."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._calls: object = None
        self._coded: QueueCalls | None = None

    def takes(self, calls: Sequence[Call]) -> bool:
        """Whether these are calls of queues that can be searched here."""
        if calls is not self._calls:
            self._calls, self._coded = calls, queue_calls(calls, self._model)
        return self._coded is not None

    def decide(self, part: Part, budget: Budget = DEFAULT) -> Result:
        """Search one part; `takes` must have said yes to its calls. It begins again with more memory.

        A search of a history of n operations with few that overlap visits some n configurations.
        """
        one = np.array([0, len(part)], dtype=np.int64)
        limit = min(budget.configurations, FIRST_SLICE + len(part))
        while True:
            if budget.is_over():
                return Result(Answer.GAVE_UP, 0, (), TIME)
            found = self._found(one, part.invoked, part.completed, part.kinds, limit, 0, len(part))
            status, visited, length = found.statuses.tolist()
            order = cast(Sequence[int], found.orders[:length])
            if status != GAVE_UP or limit >= budget.configurations:
                why = f"{budget.configurations} configurations" if status == GAVE_UP else ""
                return Result(ANSWERS[status], visited, order, why)
            limit = min(budget.configurations, SLICES * limit)
            numbers = limit * _widest(len(part))
            if not budget.allows(8 * numbers, 8 * numbers):
                return Result(Answer.GAVE_UP, visited, order, out_of_memory(budget))

    def decide_all(self, parts: HistoryParts, budget: Budget, *, is_one_enough: bool) -> Results:
        """Search all parts with the same small budget; where one is enough, the others may be LEFT."""
        found = self._found(
            parts.starts,
            parts.invoked,
            parts.completed,
            parts.kinds,
            min(budget.configurations, FIRST_SLICE + 2 * parts.longest),
            int(is_one_enough),
            parts.longest,
        )
        return Results(parts.starts, found.statuses.reshape(-1, 3), found.orders, budget)

    def _found(
        self,
        starts: Integers,
        invoked: Integers,
        completed: Integers,
        kinds: Integers,
        configurations: int,
        is_one_enough: int,
        longest: int,
    ) -> _Found:
        assert self._coded is not None
        forms, elements = self._coded.forms[kinds], self._coded.elements[kinds]
        form = fitting(LAYING_OUT * len(kinds))
        zeros, flat, n, count = form.zeros, form.flat, longest + 1, self._coded.different + 1
        lengths = (n, n, n, n, SECTIONS + 1, SECTIONS + 1, n // BITS + 4 * SECTIONS, FRAME_WIDTH * n, 2 * n)
        slots = zeros(1 << (2 * configurations).bit_length())
        memo = _unwritten(form, configurations * _widest(longest))
        space = QueueSpace._make([*map(zeros, (*lengths, count, count, count, count)), slots, memo])
        statuses, orders = form.zeros(3 * (len(starts) - 1), LEFT), form.zeros(len(kinds))
        operations = QueueOperations(*map(flat, (starts, invoked, completed, forms, elements)))
        form.of(decide_queues)(operations, configurations, is_one_enough, space, zeros(2), statuses, orders)
        return _Found(np.asarray(statuses, dtype=np.int64), np.asarray(orders, dtype=np.int64))


def _widest(operations: int) -> int:
    """How many numbers a configuration takes at most."""
    return 6 + 4 * (operations // BITS + 3)


def _unwritten(form: Form, length: int) -> Integers:
    """An array whose elements mean nothing; of compiled code's, what is never written takes no memory."""
    return np.empty(length, dtype=np.int64) if form is Form.COMPILED else form.zeros(length)
