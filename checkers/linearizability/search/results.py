"""What searches found of all parts of a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast, overload

import numpy as np
import numpy.typing as npt

from checkers.linearizability.answer import Answer, Budget, Result
from checkers.linearizability.kernels.each import LEFT
from checkers.linearizability.kernels.search import GAVE_UP, LINEARIZABLE, NOT_LINEARIZABLE
from history.kernels import Integers

ANSWERS = {
    LINEARIZABLE: Answer.LINEARIZABLE,
    NOT_LINEARIZABLE: Answer.NOT_LINEARIZABLE,
    GAVE_UP: Answer.GAVE_UP,
}


class Results(Sequence[Result]):
    """What searches found of all parts of a history. A result becomes an object when it is looked at."""

    def __init__(
        self, starts: Integers, statuses: npt.NDArray[np.int64], orders: Integers, budget: Budget
    ) -> None:
        self._starts = starts
        self._statuses = statuses
        self._orders = orders
        self._budget = budget
        self._single: dict[int, Result] = {}

    def put(self, place: int, result: Result) -> None:
        """Take the result of a part that was searched by itself."""
        self._single[place] = result
        status = next(status for status, answer in ANSWERS.items() if answer is result.answer)
        self._statuses[place] = status, result.configurations, len(result.order)

    def not_linearizable(self) -> list[int]:
        """The places of the parts without an order, and of those whose budget ran out."""
        return np.flatnonzero(self._statuses[:, 0] != LINEARIZABLE).tolist()

    def refuted(self) -> list[int]:
        """The places of the parts without an order."""
        return np.flatnonzero(self._statuses[:, 0] == NOT_LINEARIZABLE).tolist()

    def given_up(self) -> list[int]:
        """The places of the parts whose budget ran out."""
        return np.flatnonzero(self._statuses[:, 0] == GAVE_UP).tolist()

    def given_up_or_left(self) -> list[int]:
        """The places of the parts that were not decided."""
        return np.flatnonzero((self._statuses[:, 0] == GAVE_UP) | (self._statuses[:, 0] == LEFT)).tolist()

    def refute(self, place: int) -> None:
        """Note that a part whose budget ran out has no order, which was found without a search."""
        self.put(place, replace(self[place], answer=Answer.NOT_LINEARIZABLE, why=""))

    def take(self, places: Sequence[int], others: Results) -> None:
        """Take the results of these parts from another search, as far as it came."""
        for other, place in enumerate(places):
            if others._statuses[other, 0] != LEFT:
                self.put(place, others[other])

    @property
    def has_refuted(self) -> bool:
        """Whether some part has no order."""
        return bool((self._statuses[:, 0] == NOT_LINEARIZABLE).any())

    @property
    def most_configurations(self) -> int:
        """How many configurations the longest search visited."""
        return int(self._statuses[:, 1].max(initial=0))

    def __len__(self) -> int:
        return len(self._statuses)

    @overload
    def __getitem__(self, place: int) -> Result: ...
    @overload
    def __getitem__(self, place: slice) -> list[Result]: ...
    def __getitem__(self, place: int | slice) -> Result | list[Result]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        if place in self._single:
            return self._single[place]
        status, visited, length = self._statuses[place].tolist()
        low = int(self._starts[place])
        why = f"{self._budget.configurations} configurations" if status == GAVE_UP else ""
        order = cast(Sequence[int], self._orders[low : low + length])
        return Result(ANSWERS[status], visited, order, why)


def out_of_memory(budget: Budget) -> str:
    """Which budget ran out, where it was one of memory."""
    of = "configurations" if budget.memory_is_up is None else "memory in all"
    return f"{budget.memory_bytes >> 20} MiB of {of}"
