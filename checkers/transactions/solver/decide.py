"""Decides a problem: there is an order that explains every read, or there is none, or the budget is spent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checkers.transactions.solver.arrays import bytes_of, in_form, longer, new_line, new_search
from checkers.transactions.solver.first_order import arranged, by_depth, by_time, points_of
from checkers.transactions.solver.problem import Problem
from checkers.transactions.solver.search import GIVEN_UP, NO_ROOM, ORDERED, REFUTED, run, violations
from checkers.transactions.solver.state import CONFLICTS, DECISIONS, LOOKS, WAITING, Points, Search
from history.kernels import LITTLE, Form, can_compile, fitting

LOOKS_AT_MOST = 4_000_000_000
"""How often the search may look at an order between two points, or at a read, before it gives up."""
BYTES_AT_MOST = 2 << 30
"""How much memory the search may take before it gives up."""
LOOKS_AT_ONCE = 20_000_000
"""After this many looks, some tenths of a second, compiled code returns, so that it can be interrupted."""
FEW = 100
"""If one read in this number or fewer contradicts a first order, no other one is tried."""


@dataclass(frozen=True)
class Answer:
    """What the search found."""

    task: Problem
    state: int
    """`ORDERED`, `REFUTED` or `GIVEN_UP`."""
    search: Search | None
    """The search as it ended; None if the certain orders alone go in a circle."""

    def counted(self, counter: int) -> int:
        """A counter of the search, such as `LOOKS`."""
        return int(self.search.counters[counter]) if self.search is not None else 0

    @property
    def moments(self) -> tuple[tuple[str, int], ...]:
        """An order that was found: `snapshot` or `commit`, and the index of the transaction's invocation.

        Where a transaction is one moment, that is its `commit`.
        """
        assert self.search is not None, "no order was found"
        task = self.task
        points = np.asarray(self.search.line.point, dtype=np.int64)
        points = points[points < len(task.member) * task.width]
        invoked = task.txns.invoked[task.member[points // task.width]].tolist()
        ends = (points % task.width == task.width - 1).tolist()
        return tuple(("commit" if end else "snapshot", txn) for end, txn in zip(ends, invoked, strict=True))

    @property
    def figures(self) -> dict[str, int]:
        """What the search took."""
        names = {"looks": LOOKS, "decisions": DECISIONS, "contradictions": CONFLICTS}
        return {name: self.counted(counter) for name, counter in names.items()}


def decide(task: Problem, looks: int = LOOKS_AT_MOST) -> Answer:
    """The answer, for at most that many looks."""
    form = fitting(task.points + len(task.reads.key) + len(task.writers.key))
    points = points_of(task, form)
    search = begun(task, points, form)
    if search is None:
        return Answer(task, REFUTED, None)
    most = min(looks, LITTLE if form is Form.PLAIN and can_compile_later(looks) else LOOKS_AT_ONCE)
    while True:
        state = int(form.of(run)(search, most))
        if state == GIVEN_UP and most < looks:
            most = min(looks, most + LOOKS_AT_ONCE)
            if form is Form.PLAIN and can_compile():
                form = Form.COMPILED
                search = in_form(search, form)
        elif state == NO_ROOM and bytes_of(search) <= BYTES_AT_MOST:
            search = longer(search, form)
        else:
            # What is called an order is looked at once more, as a whole.
            is_wrong = state == NO_ROOM or (state == ORDERED and int(form.of(violations)(search)) > 0)
            return Answer(task, GIVEN_UP if is_wrong else state, search)


def can_compile_later(looks: int) -> bool:
    """Whether a search that takes long in plain Python may go on compiled."""
    return looks > LITTLE and can_compile()


def begun(task: Problem, points: Points, form: Form) -> Search | None:
    """The search with the best of some first orders; None if the certain orders go in a circle."""
    order = arranged(points, by_time(task, early=False), form)
    if order is None:
        return None
    search = new_search(task, points, order, form)
    search.counters[WAITING] = len(search.keys.waiting)
    best, fewest = search.line, int(form.of(violations)(search))
    for number in range(2):
        if fewest * FEW <= len(task.reads.key):
            break
        if number == 0 and not task.snapshots:
            continue
        urgency = by_time(task, early=True) if number == 0 else by_depth(points, order, form)
        other = arranged(points, urgency, form)
        assert other is not None, "the certain orders do not go in a circle"
        line = new_line(other, form)
        wrong = int(form.of(violations)(search._replace(line=line)))
        if wrong < fewest:
            best, fewest = line, wrong
    return search._replace(line=best)
