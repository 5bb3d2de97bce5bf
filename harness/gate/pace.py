"""How fast simulated runs are on this machine at the moment, so that a gate plans only what it can do.

Before a gate plans, it does some of the first seeds of its cells, as many at the same time as later. What
they take, divided by what the same seeds took of one idle core when the odds were measured, is the pace:
about 1 on such a machine, and 3 where other work leaves a third of it.

A few runs say little about a busy machine. So runs go on until the pace lies in a narrow interval, for at
most a twentieth of the budget, and the gate plans with the *upper* bound of that interval: if it errs, it
states less than it reaches. The pace is a ratio of two sums, and its variance follows from how far each run
lies from it (Cochran 1977, Sampling Techniques, 6.3).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from math import ceil, inf, sqrt
from typing import NamedTuple

import msgspec

from harness.campaign.cells import Cell, Unit
from harness.campaign.executors import Executor
from harness.campaign.outcomes import Outcome
from harness.executors.executor import WAIT_S
from harness.gate.changes.touched import Change
from harness.gate.known_bugs.seeded import SeededBugs, place_of
from harness.gate.planning import GatePlan, default_plan, seconds_needed

SHARE = 0.05
"""The share of the budget in which runs are begun to measure the pace."""
LONGEST_SHARE = 0.5
"""The share of the budget after which runs that go on are given up."""
LEAST_RUNS = 5
"""Runs that are done even if they take longer than `SHARE`: fewer may lie close together by chance."""
NARROW = 0.2
"""An interval is narrow if its upper bound is above the pace by this share at the most."""
UNKNOWN_TIMES = 2.0
"""How many times the pace its upper bound is where only one run could be done."""
_STUDENT = (6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81)
"""The 95 % points of Student's distribution with 1, 2, ... degrees of freedom; with more, the last one."""


class Pace(NamedTuple):
    """How many times as long runs take here as they did where they were measured."""

    measured: float
    upper: float
    """In nine of ten measurements the true pace is at most this, although they end when it is narrow."""
    runs: int

    @property
    def is_narrow(self) -> bool:
        """Whether the runs so far are enough."""
        return self.runs >= LEAST_RUNS and self.upper <= (1 + NARROW) * self.measured


def pace_of(runs: Sequence[tuple[float, float]]) -> Pace:
    """The pace by runs, each with what it took here and there, in seconds; 1 without runs."""
    there_s = sum(there for _, there in runs)
    ratio = sum(here for here, _ in runs) / there_s if there_s else 1.0
    if len(runs) < 2:
        return Pace(ratio, ratio * (UNKNOWN_TIMES if runs else 1.0), len(runs))
    squares = sum((here - ratio * there) ** 2 for here, there in runs)
    error = sqrt(squares * len(runs) / (len(runs) - 1)) / there_s
    return Pace(ratio, ratio + _STUDENT[min(len(runs) - 1, len(_STUDENT)) - 1] * error, len(runs))


def paced_plan(
    known: SeededBugs,
    executor: Executor,
    *,
    budget_s: float,
    jobs: int,
    with_real: bool,
    change: Change | None = None,
) -> GatePlan:
    """The gate of the reference node that this machine can do in its budget (`default_plan`).

    `executor` does `jobs` simulated runs at the same time; it is not closed.
    """
    begin = time.monotonic()
    plan = default_plan(known, budget_s=budget_s, jobs=jobs, with_real=with_real, change=change)
    if plan.campaign is None:
        return plan
    here = pace(known, plan.campaign.cells, executor, SHARE * budget_s, LONGEST_SHARE * budget_s)
    spent_s = time.monotonic() - begin
    left_s = max(0.0, budget_s - spent_s)
    made = default_plan(
        known, budget_s=left_s, jobs=jobs, with_real=with_real, change=change, pace=here.upper
    )
    if not made.power.is_none(stated=True):
        return made
    needed_s = seconds_needed(
        known,
        more_than_s=max(1.0, left_s),
        jobs=jobs,
        with_real=with_real,
        change=change,
        pace=here.upper,
    )
    return msgspec.structs.replace(made, remedy=_remedy(needed_s, spent_s))


def _remedy(needed_s: float | None, spent_s: float) -> str:
    """What would give a gate power, in words; the seconds include those in which the pace is measured."""
    if needed_s is None:
        return "at this machine's pace not even a day would do: give it more or idle processor cores"
    seconds = ceil((needed_s / (1 - SHARE) + spent_s) / 10) * 10
    return f"at this machine's pace about {seconds} s would do: --seconds {seconds}"


def pace(
    known: SeededBugs, cells: Sequence[Cell], executor: Executor, most_s: float, last_s: float = inf
) -> Pace:
    """How many times as long runs take here as they did where they were measured; 1 if that is not known.

    Args:
        cells: of the gate; those that were not measured are left out, and so are canaries.
        executor: does the runs; all that it began have ended at the end.
        most_s: seconds in which runs are begun after the first few; those that were begun are awaited.
        last_s: seconds after which none is awaited; one that goes on then counts with what it took so far.
    """
    begin = time.monotonic()
    measured = list(_measured(known, cells))
    left = iter(measured)
    expected = {unit: seconds for unit, _, seconds in measured}
    done: list[tuple[float, float]] = []
    begun = 0
    since: dict[Unit, float] = {}
    """When each run began that has not ended."""
    while True:
        while executor.has_room and (
            begun < LEAST_RUNS or (time.monotonic() - begin < most_s and not pace_of(done).is_narrow)
        ):
            following = next(left, None)
            if following is None:
                break
            unit, cell, _ = following
            executor.begin(unit, cell, unit.seed)
            since[unit] = time.monotonic()
            begun += 1
        if not executor.is_busy:
            return pace_of(done)
        for unit, outcome in executor.wait(WAIT_S):
            del since[unit]
            if isinstance(outcome, Outcome):  # what the harness cannot do, the campaign will say
                done.append((outcome.took_s, expected[unit]))
        now = time.monotonic()
        if now - begin >= last_s:
            executor.interrupt()
            return pace_of([*done, *((now - then, expected[unit]) for unit, then in since.items())])


def _measured(known: SeededBugs, cells: Sequence[Cell]) -> Iterator[tuple[Unit, Cell, float]]:
    """The first seeds of each cell in turn, with the seconds of one core that each took."""
    places = [(number, place_of(cell)) for number, cell in enumerate(cells)]
    seconds = [
        (number, cell, one.first_seconds)
        for number, cell in places
        if (one := known.measured_as(cell)) is not None
    ]
    for seed in range(max((len(first) for _, _, first in seconds), default=0)):
        for number, cell, first in seconds:
            if seed < len(first):
                yield Unit(number, seed), cell, first[seed]
