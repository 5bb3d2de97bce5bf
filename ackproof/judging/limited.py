"""Checkers that keep to the bounds that a person sets for a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ackproof.judging.limits import LimitReached, within
from checkers.linearizability.answer import Budget
from checkers.verdict import Checker, Validity, Verdict
from checkers.words import plural
from history import History, Recording


def undecided(name: str, limit: LimitReached, what: str) -> Verdict:
    """The verdict of a checker that was ended; `what` is the smallest part that is known to be undecided."""
    return Verdict(name, Validity.UNKNOWN, f"not decided: {limit} is used up; still open: {what}")


def whole_history(history: History) -> str:
    """A history in words: of a judge that was ended from outside, no smaller part is known."""
    return f"the whole history of {plural(len(history), 'event')}"


@dataclass(frozen=True)
class Limited:
    """A checker whose verdict is `unknown` if it takes more than the budget."""

    whole: Checker
    budget: Budget

    @property
    def name(self) -> str:
        """The name of the whole checker."""
        return self.whole.name

    def check(self, recording: Recording) -> Verdict:
        """Judge the recording, as far as the budget goes."""
        try:
            with within(self.budget):
                return self.whole.check(recording)
        except LimitReached as limit:
            return undecided(self.name, limit, whole_history(recording.history))


def limited(budget: Budget) -> Callable[[Checker], Checker]:
    """Gives in place of a checker one that keeps to the time and the memory of this budget."""
    # Here, since it loads the compiled search.
    from checkers.linearizability.by_model import LinearizabilityOf

    def change(checker: Checker) -> Checker:
        if not isinstance(checker, LinearizabilityOf):
            return Limited(checker, budget)
        own = checker.budget
        return replace(
            checker,
            budget=replace(
                own,
                memory_bytes=own.memory_bytes if budget.memory_is_up is None else budget.memory_bytes,
                time_is_up=budget.time_is_up,
                memory_is_up=budget.memory_is_up,
            ),
        )

    return change
