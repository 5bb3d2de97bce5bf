"""Judges a simulated run in memory, and sums up what a campaign keeps of a seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from checkers.check_all import check_all, worst
from checkers.verdict import Validity, Verdict
from harness.sim.plan.plan import Plan
from harness.sim.run import SimulatedRun, run
from harness.workload import workload


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """One seed's outcome: a line of a campaign's results."""

    seed: int
    validity: Validity
    invalid: tuple[str, ...] = ()
    """Checkers that found a violation."""
    unknown: tuple[str, ...] = ()
    """Checkers that could not tell."""
    summary: str = ""
    """What the first of those checkers says."""
    happened: int = 0
    """How many things happened in the world."""
    simulated_ns: int = 0
    wall_ns: int = 0
    """Time spent running and judging."""


def verdicts(ran: SimulatedRun, logs: Path | None = None) -> list[Verdict]:
    """Let the workload's checkers judge a run."""
    test = ran.plan.test
    checkers = workload(test.workload, test.nodes, test.concurrency).checkers
    return check_all(checkers, ran.recording(logs))


def judge(plan: Plan, logs: Path) -> Judged:
    """Run a plan and judge the run; `logs` is an empty folder of this process's own, for the nodes' logs."""
    begin = time.monotonic_ns()
    ran = run(plan)
    found = verdicts(ran, logs)
    invalid, unknown = _of(found, Validity.INVALID), _of(found, Validity.UNKNOWN)
    summary = next((verdict.summary for verdict in (*invalid, *unknown)), "")
    return Judged(
        seed=plan.test.seed,
        validity=worst(found),
        invalid=tuple(verdict.checker for verdict in invalid),
        unknown=tuple(verdict.checker for verdict in unknown),
        summary=summary if ran.problem is None else ran.problem,
        happened=ran.happened,
        simulated_ns=ran.ended_at,
        wall_ns=time.monotonic_ns() - begin,
    )


def _of(found: Sequence[Verdict], validity: Validity) -> list[Verdict]:
    return [verdict for verdict in found if verdict.validity is validity]
