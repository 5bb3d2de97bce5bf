"""Whether a finding is still there: FIXED, STILL FAILS or CANNOT TELL, and what was compared.

- **Simulated, with the code that found it**: its example runs once. The same seed gives the same run, so this
  is exact.
- **Simulated, with other code**: the same seed may draw another run. So its shrunk example is played, if
  there is one: it makes the same choices wherever the code still has them. Then the seeds that showed the
  finding run again, then new ones of the same cell; one run that shows it decides. It is fixed once enough
  valid runs do not show it (trying.py). If one of those seeds gives the very run that it gave before, and
  only the judgement differs, the checkers have changed and not the system: then it cannot be said.
- **Real**: no run is like another, so always by rate, as above.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from harness.campaign.again.target import Target
from harness.campaign.again.trying import Limits, Tried, needed, tried
from harness.campaign.executors import Executor
from harness.campaign.findings.states import Seen
from harness.campaign.outcomes import Outcome, Violation, outcome_of
from harness.executors.executor import tried as tried_once
from harness.sim.judging import results_of
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.schedule.bounds import MOST_HAPPENINGS
from harness.sim.schedule.replay import load
from harness.sim.schedule.schedule import play
from harness.sim.schedule.version import differences

ReplayAnswer = Literal["FIXED", "STILL FAILS", "CANNOT TELL"]


class Replayed(msgspec.Struct, frozen=True):
    """The answer for one finding."""

    answer: ReplayAnswer
    why: str
    """In words: what shows it, or what is missing."""
    compared: str
    """What was compared: the same run, other runs of the same seeds, or rates."""
    fingerprint: str
    checker: str
    kind: str
    is_exact: bool
    runs: int
    missed: int
    needed: int
    confidence: float
    seen: Seen
    """In how many runs of its cell it was seen before, of those that say something about it."""
    seed: int | None = None
    """The seed that shows it now."""
    title: str = ""
    """What that run shows."""
    folder: str = ""
    """Of a real run that shows it: its folder."""
    arguments: tuple[str, ...] = ()
    """Of `ackproof`: they run the seed that shows it, or else its example."""


def played(file: Path, core: ForeignCore | None = None) -> Outcome:
    """Run a file's schedule, and judge the run; `core` is what nodes are made of where it is of a core.

    Raises:
        CouldNotRun: it cannot be read.
    """
    ran = play(load(file, anyway=True, core=core).schedule, most_happenings=MOST_HAPPENINGS)
    return outcome_of(results_of(ran), ran.problem)


def replayed(
    target: Target,
    executor: Executor,
    limits: Limits,
    play_again: Callable[[Path, ForeignCore | None], Outcome] = played,
    tell_share: Callable[[float], None] = lambda _: None,
) -> Replayed:
    """Look for a finding again.

    Args:
        target: the finding.
        executor: does the runs.
        limits: how long to try.
        play_again: runs and judges the schedule of a file, with the core that nodes are made of.
        tell_share: is given, after each run, which share of the runs that would decide is done.

    Raises:
        CouldNotRun: the harness could do none of the runs.
    """
    changed = (*differences(target.header.code), *(["the core"] if target.is_other_core else []))
    is_exact = target.is_simulated and not changed
    if changed and target.shrunk is not None:
        shown = _shown_by_schedule(target, Path(target.shrunk), play_again)
        if shown is not None:
            return _by_schedule(target, changed, limits, shown)
    if is_exact:
        limits = msgspec.structs.replace(limits, runs=1)
    found = tried(target, executor, limits, tell_share)
    answer, why = _answer(target, found, changed if target.is_simulated else (), is_exact=is_exact)
    seed = target.seed if found.seed is None else found.seed
    shown = None if found.outcome is None else found.outcome.shown(target.violation)
    return Replayed(
        answer=answer,
        why=why,
        compared=_compared(target, changed),
        fingerprint=target.fingerprint,
        checker=target.violation.checker,
        kind=target.violation.kind,
        is_exact=is_exact,
        runs=found.runs,
        missed=found.missed,
        needed=found.needed,
        confidence=limits.confidence,
        seen=target.seen,
        seed=found.seed,
        title="" if shown is None else shown.title,
        folder="" if found.outcome is None else found.outcome.folder,
        arguments=tuple(target.cell.arguments(seed)),
    )


def _shown_by_schedule(
    target: Target, file: Path, play_again: Callable[[Path, ForeignCore | None], Outcome]
) -> Violation | None:
    """What its shrunk example shows of it; None if nothing, or if other code cannot play it."""
    outcome = tried_once(play_again, file, target.cell.core)
    return None if isinstance(outcome, str) else outcome.shown(target.violation)


def _by_schedule(target: Target, changed: tuple[str, ...], limits: Limits, shown: Violation) -> Replayed:
    return Replayed(
        answer="STILL FAILS",
        why="its shrunk example shows it",
        compared=f"the choices of its shrunk example, with other code ({', '.join(changed)} changed)",
        fingerprint=target.fingerprint,
        checker=target.violation.checker,
        kind=target.violation.kind,
        is_exact=False,
        runs=1,
        missed=0,
        needed=needed(target.seen, limits.confidence),
        confidence=limits.confidence,
        seen=target.seen,
        title=shown.title,
        arguments=("replay", str(target.shrunk), "--anyway", *target.cell.core_option),
    )


def _answer(
    target: Target, found: Tried, changed: tuple[str, ...], *, is_exact: bool
) -> tuple[ReplayAnswer, str]:
    if found.seed is not None:
        return "STILL FAILS", f"seed {found.seed} shows it"
    if is_exact:
        if not found.runs:
            return "CANNOT TELL", "its example was not run"
        return (
            "CANNOT TELL",
            f"seed {target.seed} does not show it now, although the code is the same: the harness gave two "
            "results for one seed, which is an error of the harness",
        )
    same = [seed for seed, digest in found.digests if target.known.get(seed) == digest]
    if same:
        seeds = ", ".join(map(str, same[:5]))
        return (
            "CANNOT TELL",
            f"the run of seed {seeds} is the same as before, operation for operation, and is judged "
            f"otherwise: the code that judges has changed ({', '.join(changed)}), and not the system",
        )
    rate = f"it was seen in {target.seen.times} of {target.seen.runs} runs before"
    if found.answer == "gone":
        return "FIXED", f"{found.missed} valid runs do not show it, and {rate}"
    nothing = f"; others proved nothing ({found.why_nothing})" if found.why_nothing else ""
    return (
        "CANNOT TELL",
        f"{found.missed} valid runs do not show it, and {found.needed} are needed, as {rate}{nothing}",
    )


def _compared(target: Target, changed: tuple[str, ...]) -> str:
    if not target.is_simulated:
        return "real runs, of which none is like another: how often they show it"
    if not changed:
        return f"the same seed ({target.seed}) with the same code, which gives the same run"
    return (
        f"the seeds that showed it and new ones with other code ({', '.join(changed)} changed), which may "
        "draw other runs: how often they show it"
    )
