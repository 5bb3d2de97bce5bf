"""Small simulated runs of seeded bugs, one for each class of violation, judged in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from checkers.verdict import Verdict
from harness.mutants.catalogue import MUTANTS
from harness.sim.judging import results_of
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from history import Recording
from history.units import SECOND_NS
from reports.about import ReportAbout
from reports.explain import explain


@dataclass(frozen=True)
class Judged:
    """A run and what a report of it is made from."""

    recording: Recording
    verdicts: Sequence[Verdict]
    about: ReportAbout


OF_CLASS: dict[str, tuple[str, int, int | None]] = {
    "two leaders": ("half-is-a-majority", 11, 6),
    "stale read": ("unconfirmed-reads", 14, None),
    "lost registration": ("acknowledge-early", 1, 4),
    "lost update": ("swap-without-compare", 3, 3),
    "log divergence": ("previous-term-unchecked", 4, None),
    "no recovery": ("term-jumps-on-write", 1, 1),
    "early expiry": ("expire-by-own-clock", 3, 3),
}
"""By class of violation: a seeded bug, and the seed and simulated seconds of a run that shows it."""


@cache
def judged(name: str) -> Judged:
    """The run of one class of violation."""
    mutant, seed, seconds = OF_CLASS[name]
    options = SeedOptions(mutant=mutant, workload=MUTANTS[mutant].workload, time_limit_s=seconds)
    ran = run(plan_of(seed, options))
    found = results_of(ran)
    recording = ran.recording()
    test = ran.plan.test
    about = ReportAbout(
        title=f"{test.workload}, {len(test.nodes)} nodes, mutant {test.mutant}",
        started_at="2026-11-28 20:00:00 UTC",
        duration_s=ran.ended_at / SECOND_NS,
        command=f"ackproof sim --seed {seed} --mutant {test.mutant}",
        seed=seed,
        store="store/run",
        options={},
        versions={},
        validity=found.validity,
        required=found.required,
        explanation=explain(recording, found.verdicts, found.required),
    )
    return Judged(recording, found.verdicts, about)
