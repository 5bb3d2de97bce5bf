"""Judges a simulated run in memory, and sums up what a campaign keeps of a seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from checkers.check_all import Results, Suite, results
from checkers.verdict import Checker, Mark, Unjudged, Validity, Verdict
from harness.sim.lockstep.runs import COMPARED_SEEDS, twice
from harness.sim.plan.plan import Plan
from harness.sim.run import SimulatedRun, collected_later, run
from harness.workload import workload


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """One seed's outcome: a line of a campaign's results."""

    seed: int
    validity: Validity
    invalid: tuple[str, ...] = ()
    """Checkers that found a violation."""
    unknown: tuple[str, ...] = ()
    """Checkers that could not decide."""
    not_exercised: tuple[str, ...] = ()
    """Checkers that had nothing to look at; those that the run requires come first."""
    summary: str = ""
    """What the first checker says that made the run invalid or unknown."""
    happened: int = 0
    """How many things happened in the world."""
    simulated_ns: int = 0
    wall_ns: int = 0
    """Time spent running and judging."""


def results_of(ran: SimulatedRun, logs: Path | None = None, more: Sequence[Checker] = ()) -> Results:
    """Let the workload's checkers judge a run, and those of `more`, which it requires, too."""
    test = ran.plan.test
    suite = workload(test.workload, test.nodes, test.concurrency).checkers + Suite(tuple(more))
    with collected_later():
        return results(suite, ran.recording(logs))


def judge(plan: Plan, logs: Path) -> Judged:
    """Run a plan and judge the run; `logs` is an empty folder of this process's own, for the nodes' logs.

    Raises:
        LockstepError: the plan's core breaks its protocol.
    """
    begin = time.monotonic_ns()
    is_compared = plan.test.seed % COMPARED_SEEDS == 0
    ran = twice(lambda taken: run(plan, exchanges=taken), plan.core if is_compared else None)
    found = results_of(ran, logs)
    invalid, unknown = _of(found, Validity.INVALID), _of(found, Validity.UNKNOWN)
    idle = sorted(_of(found, Unjudged.NOT_EXERCISED), key=lambda one: one.checker not in found.required)
    summary = next((verdict.summary for verdict in found.decisive), "")
    return Judged(
        seed=plan.test.seed,
        validity=found.validity,
        invalid=tuple(verdict.checker for verdict in invalid),
        unknown=tuple(verdict.checker for verdict in unknown),
        not_exercised=tuple(verdict.checker for verdict in idle),
        summary=summary if ran.problem is None else ran.problem,
        happened=ran.happened,
        simulated_ns=ran.ended_at,
        wall_ns=time.monotonic_ns() - begin,
    )


def _of(found: Results, mark: Mark) -> list[Verdict]:
    return [verdict for verdict in found.verdicts if verdict.mark is mark]
