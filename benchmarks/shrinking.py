"""Which makes failing schedules smaller: delta debugging, as the simulator has it, or Hypothesis?

    python -m benchmarks.shrinking forgetful --most-runs 50

Both begin with the same schedule, that of the first seed that shows the bug in few enough lines for
Hypothesis. Both look for the same kind of violation by the same checker, and have the same number of runs.
To Hypothesis a schedule is a sequence of choices: when the run ends, whether each node is there, whether
each kind of override is, whether each line is; nothing, left out or early is the simplest, and Hypothesis
shrinks to that. Its engine is used without the search for a failure, which is known: this part of it has no
stable interface.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from random import Random
from typing import TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis.internal.conjecture.data import ConjectureData, ConjectureResult, Status
from hypothesis.internal.conjecture.engine import ConjectureRunner, RunIsComplete

from checkers.verdict import Validity
from harness.mutants.catalogue import MUTANTS
from harness.sim.plan.swarm import plan_of
from harness.sim.schedule.overrides import Overrides
from harness.sim.schedule.schedule import Schedule, play, record
from harness.sim.schedule.shrink import kind_of, shrink, size, verdict_of, without_node
from harness.sim.seeds.hunting import options_for
from history.units import MILLISECOND_NS

T = TypeVar("T")

MOST_SEEDS = 200
MOST_LINES = 8000
"""Hypothesis takes up to 8,192 choices."""
KINDS = Overrides.__struct_fields__


class OutOfRuns(Exception):
    """All runs that are allowed have been made."""


class ByHypothesis:
    """Shrinks one schedule with Hypothesis's engine."""

    def __init__(self, schedule: Schedule, checker: str, most_runs: int) -> None:
        self._schedule = schedule
        self._checker = checker
        self._most_runs = most_runs
        evidence = verdict_of(play(schedule), checker).evidence
        self._kind = kind_of(evidence[0])
        self.runs = 0
        self.smallest = schedule

    def shrink(self) -> Schedule:
        """The smallest schedule that failed, within the bound."""
        chosen = settings(
            max_examples=10**9, database=None, deadline=None, phases=(Phase.shrink,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        runner = ConjectureRunner(self._try, settings=chosen, random=Random(0), ignore_limits=True)
        try:
            whole = runner.cached_test_function(self._all())
            assert isinstance(whole, ConjectureResult)
            runner.shrink(whole, lambda data: data.status is Status.INTERESTING)
        except (RunIsComplete, OutOfRuns):
            pass
        return self.smallest

    def _all(self) -> tuple[int | bool, ...]:
        """The choices that mean the whole schedule."""
        schedule = self._schedule
        return (schedule.until // MILLISECOND_NS + 1, *(True for _ in range(self._switches(schedule))))

    def _switches(self, schedule: Schedule) -> int:
        return len(schedule.plan.test.nodes) + len(KINDS) + size(schedule)

    def _try(self, data: ConjectureData) -> None:
        candidate = self._drawn(data)
        if self.runs >= self._most_runs:
            raise OutOfRuns
        if candidate is None:
            data.mark_invalid()
        self.runs += 1
        verdict = verdict_of(play(candidate), self._checker)
        kinds = [kind_of(evidence) for evidence in verdict.evidence]
        if verdict.validity is not Validity.INVALID or self._kind not in kinds:
            data.mark_invalid()
        if size(candidate) <= size(self.smallest):
            self.smallest = candidate
        data.mark_interesting("violation")  # type: ignore[arg-type]  # any value tells failures apart

    def _drawn(self, data: ConjectureData) -> Schedule | None:
        schedule = self._schedule
        until = data.draw_integer(0, schedule.until // MILLISECOND_NS + 1) * MILLISECOND_NS
        gone = [node for node in schedule.plan.test.nodes if not data.draw_boolean()]
        kinds = {name: data.draw_boolean() for name in KINDS}

        def kept(items: Sequence[T]) -> tuple[T, ...]:
            return tuple([item for item in items if data.draw_boolean()])

        steps, scheduled_faults = kept(schedule.steps), kept(schedule.scheduled_faults)
        lines = {name: kept(getattr(schedule.overrides, name)) for name in KINDS}
        if len(gone) == len(schedule.plan.test.nodes):
            return None
        candidate = msgspec.structs.replace(
            schedule,
            until=min(until, schedule.until),
            steps=tuple(step for step in steps if step.at <= until),
            scheduled_faults=scheduled_faults,
            overrides=Overrides(**{name: lines[name] if kinds[name] else () for name in KINDS}),
        )
        for node in gone:
            candidate = without_node(candidate, node)
        return candidate


def failing(name: str, checker: str) -> Schedule | None:
    """A schedule that shows the bug, with which both begin."""
    for seed in range(MOST_SEEDS):
        schedule, ran = record(plan_of(seed, options_for(name)))
        if size(schedule) <= MOST_LINES and verdict_of(ran, checker).validity is Validity.INVALID:
            return schedule
    return None


def main() -> int:
    """Print a line for each mutant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("mutants", nargs="+", choices=list(MUTANTS), metavar="MUTANT")
    parser.add_argument("--most-runs", type=int, default=50, help="for each of the two")
    options = parser.parse_args()
    print(f"{'':28} {'':>6} {'delta debugging':>24} {'Hypothesis':>24}")
    each = f"{'left':>8} {'runs':>7} {'took':>7}"
    print(f"{'seeded bug':28} {'lines':>6} {each} {each}")
    for name in options.mutants:
        checker = MUTANTS[name].caught_by
        schedule = failing(name, checker)
        if schedule is None:
            print(f"{name:28} not caught within {MOST_SEEDS} seeds")
            return 1
        begin = time.process_time()
        delta = shrink(schedule, checker, most_runs=options.most_runs)
        between = time.process_time()
        other = ByHypothesis(schedule, checker, options.most_runs)
        smallest = other.shrink()
        end = time.process_time()
        print(
            f"{name:28} {size(schedule):6} {size(delta.schedule):8} {delta.runs:7} {between - begin:5.0f} s "
            f"{size(smallest):8} {other.runs:7} {end - between:5.0f} s",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
