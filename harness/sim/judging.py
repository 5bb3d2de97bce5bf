"""A simulated run's verdicts, in memory: what a campaign keeps of a seed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from checkers.check_all import check_all, worst
from checkers.verdict import Validity, Verdict
from harness.sim.plan.swarm import Plan
from harness.sim.run import Ran, run
from harness.workload import workload


class Judged(msgspec.Struct, frozen=True, omit_defaults=True):
    """One seed's outcome: a line of a campaign's results."""

    seed: int
    validity: Validity
    invalid: tuple[str, ...] = ()
    """Checkers that found a violation."""
    unknown: tuple[str, ...] = ()
    """Checkers that could not tell."""
    telling: str = ""
    """What the first of those says."""
    happened: int = 0
    """Things that happened in the world."""
    simulated_ns: int = 0
    wall_ns: int = 0
    """Running and judging."""


def verdicts(ran: Ran, logs: Path | None = None) -> list[Verdict]:
    """What the workload's checkers say."""
    test = ran.plan.test
    checkers = workload(test.workload, test.nodes, test.concurrency).checkers
    return check_all(checkers, ran.recording(logs))


def judge(plan: Plan, logs: Path) -> Judged:
    """Run a plan and judge the run; `logs` is an empty folder of this process's own, for the nodes' logs."""
    begin = time.monotonic_ns()
    ran = run(plan)
    found = verdicts(ran, logs)
    invalid, unknown = _of(found, Validity.INVALID), _of(found, Validity.UNKNOWN)
    telling = next((verdict.summary for verdict in (*invalid, *unknown)), "")
    return Judged(
        seed=plan.test.seed,
        validity=worst(found),
        invalid=tuple(verdict.checker for verdict in invalid),
        unknown=tuple(verdict.checker for verdict in unknown),
        telling=telling if ran.problem is None else ran.problem,
        happened=ran.happened,
        simulated_ns=ran.ended_at,
        wall_ns=time.monotonic_ns() - begin,
    )


def _of(found: Sequence[Verdict], validity: Validity) -> list[Verdict]:
    return [verdict for verdict in found if verdict.validity is validity]
