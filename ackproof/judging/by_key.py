"""Judges one huge history by key on several processes, here or on a Dask cluster.

Linearizability is local: a history has an order if the operations on each key have one. So groups of keys are
judged elsewhere. A worker only says of a group that all its keys have an order. The keys of all other groups
are judged here, where the whole history is. So the verdict is always that of one process alone, with the same
evidence, and a worker that dies costs nothing but time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ackproof.judging.limits import Deadline
from checkers.linearizability.answer import Budget
from checkers.linearizability.by_model import LinearizabilityOf
from checkers.linearizability.tally import NONE_PROVED, Proved
from checkers.models.model import Model
from checkers.verdict import Checker, IllegalOperation, Verdict, checked
from harness.errors import CouldNotRun
from harness.executors.executor import WAIT_S, Executor
from history import History, Recording
from history.views.by_key import KeyGroup, key_groups

if TYPE_CHECKING:
    from ackproof.judging.checking import Elsewhere

Work = tuple[Model, Budget, float | None, KeyGroup]
"""The model, the budget of each key, how many seconds are left, and the operations."""

LEAST_AT_ONCE, MOST_AT_ONCE = 2_000, 500_000
"""How many operations a group has. A smaller one costs more to send than to judge."""
GROUPS_A_WORKER = 8


def proved_of(work: Work) -> Proved:
    """What a worker can say of a group: all its keys have an order, or nothing."""
    model, budget, left_s, group = work
    if left_s is not None:
        budget = replace(budget, time_is_up=Deadline.after(left_s))
    try:
        return LinearizabilityOf(model, budget).proved(group.history())
    except IllegalOperation:
        return NONE_PROVED  # it is refused here, with its line


def proved_by(
    executor: Executor[int, [Work], Proved],
    history: History,
    model: Model,
    budget: Budget,
    *,
    workers: int,
    say: Callable[[str], None],
) -> Proved:
    """The keys of a history that have an order, as far as an executor finds that; it is closed at the end.

    Args:
        workers: how many pieces of work it does at the same time.
        say: takes what happens, in words.
    """
    deadline = budget.time_is_up if isinstance(budget.time_is_up, Deadline) else None
    most = len(history) // 2 // (GROUPS_A_WORKER * workers)
    groups = enumerate(key_groups(history, min(max(most, LEAST_AT_ONCE), MOST_AT_ONCE)))
    found, ended = NONE_PROVED, False
    try:
        while not (deadline is not None and deadline()):
            while executor.has_room and not ended:
                number, group = next(groups, (0, None))
                ended = group is None
                if group is not None:
                    left_s = None if deadline is None else deadline.left_s
                    executor.begin(number, (model, replace(budget, time_is_up=None), left_s, group))
            if not executor.is_busy:
                return found
            for key, result in executor.wait(WAIT_S):
                if isinstance(result, str):
                    say(f"group {key} of the keys is judged here: {result}")
                else:
                    found = found.and_(result)
        return found
    except CouldNotRun as error:
        say(str(error))
        return found
    finally:
        executor.close()


@dataclass(frozen=True)
class DividedByKey:
    """A checker of a workload, some keys of which are judged elsewhere; its verdict is the same."""

    whole: LinearizabilityOf
    elsewhere: Elsewhere

    @property
    def name(self) -> str:
        """The name of the whole checker."""
        return self.whole.name

    def check(self, recording: Recording) -> Verdict:
        """Judge every key of the history; `unknown` if `judge` refuses it."""
        return checked(self, recording)

    def judge(self, recording: Recording) -> Verdict:
        """Judge every key of the history.

        Raises:
            IllegalOperation: an operation is none of the model's.
        """
        proved = self.elsewhere(recording.history, self.whole.model, self.whole.budget)
        return self.whole.judge(recording, proved)


def divided(elsewhere: Elsewhere) -> Callable[[Checker], Checker]:
    """Gives in place of a checker one that has its keys judged elsewhere, if it judges key by key."""
    return lambda checker: (
        DividedByKey(checker, elsewhere) if isinstance(checker, LinearizabilityOf) else checker
    )


def executor_of(cluster: Any, jobs: int, say: Callable[[str], None]) -> Executor[int, [Work], Proved]:
    """The workers of a Dask cluster, or as many processes as `jobs` where there is none."""
    if cluster is not None:
        from harness.executors.on_dask import OnDask

        return OnDask(proved_of, cluster, say, kept="the keys that are left are judged here")
    from harness.executors.processes import Processes

    return Processes(proved_of, jobs)
