"""One small example of each finding of the simulator: shrunk after the campaign, kept in its folder.

Of the runs that show a finding, the one that took the least time is shrunk, within a bound of processor time:
what is small when the time is over is kept. What is seen only together with another finding gets no example
of its own, and neither does a canary.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from checkers.verdict import Evidence
from harness.campaign.again.target import target
from harness.campaign.cells import Cell
from harness.campaign.findings.gathering import Finding
from harness.campaign.findings.shrunk import EXAMPLES, shrunk_example
from harness.campaign.findings.sightings import sightings_in
from harness.campaign.journal import Stored
from harness.campaign.outcomes import Violation, is_violation, kind_in_findings
from harness.errors import CouldNotRun
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.plan.swarm import plan_of
from harness.sim.schedule.picture import draw
from harness.sim.schedule.replay import save
from harness.sim.schedule.schedule import play, record
from harness.sim.schedule.shrink import DoesNotFail, shrink, size

EACH_S = 20.0
"""Seconds of processor time for each finding."""
ALL_S = 60.0
"""Seconds of processor time for all findings of a campaign."""


class Task(NamedTuple):
    """One finding to shrink."""

    fingerprint: str
    cell: Cell
    seed: int
    violation: Violation
    file: Path


class ShrunkFinding(msgspec.Struct, frozen=True):
    """What came of it."""

    fingerprint: str
    seed: int
    lines_before: int
    lines: int
    runs: int
    """How many runs it took."""
    file: str


def tasks(stored: Sequence[Stored], found: Sequence[Finding], campaign: Stored) -> Iterator[Task]:
    """The findings of one campaign that have no example yet of the code that ran."""
    sightings = sightings_in(stored)
    same_code = [
        one for one in stored if one.header.code == campaign.header.code and _cores(one) == _cores(campaign)
    ]
    for finding in found:
        if finding.only_with is None and shrunk_example(same_code, finding.fingerprint) is None:
            sighting = sightings[finding.fingerprint]
            lines = {
                place: line
                for place, line in sighting.lines.items()
                if stored[place.campaign].header.id == campaign.header.id
                and campaign.plan.cells[place.cell].world == "sim"
                and not campaign.plan.cells[place.cell].is_canary
            }
            if lines:
                place, line = min(lines.items(), key=lambda one: (one[1].outcome.took_s, one[0]))
                violation = line.outcome.shown(sighting.violation) or sighting.violation
                yield Task(
                    finding.fingerprint,
                    campaign.plan.cells[place.cell],
                    place.seed,
                    violation,
                    campaign.folder / EXAMPLES / f"{finding.fingerprint}.json",
                )


def _cores(stored: Stored) -> set[ForeignCore | None]:
    return {cell.core for cell in stored.plan.cells}


def task_of(stored: Sequence[Stored], what: str, core: ForeignCore | None = None) -> Task:
    """What is to be shrunk for a fingerprint, or for one run `CAMPAIGN:CELL:SEED`; `core` as for `target`.

    Raises:
        CouldNotRun: there is no such finding or run, or it is a real one; or `core` does not belong to it.
    """
    wanted = target(stored, what, core)
    if not wanted.is_simulated:
        raise CouldNotRun(f"finding {wanted.fingerprint} is real: only simulated runs are shrunk")
    folder = next(one.folder for one in stored if one.header == wanted.header)
    file = folder / EXAMPLES / f"{wanted.fingerprint}.json"
    return Task(wanted.fingerprint, wanted.cell, wanted.seed, wanted.violation, file)


def shrunk_all(
    todo: Iterator[Task], begin: Callable[[Task], object], *, each_s: float = EACH_S, all_s: float = ALL_S
) -> list[ShrunkFinding]:
    """Shrink these findings as long as there is time; Ctrl-C ends it, and what is done is kept."""
    until = time.process_time() + all_s
    done = []
    try:
        for task in todo:
            left_s = min(each_s, until - time.process_time())
            if left_s <= 0:
                break
            begin(task)
            done.append(shrunk(task, seconds=left_s))
    except KeyboardInterrupt:
        pass
    return done


def shrunk(task: Task, *, seconds: float = EACH_S) -> ShrunkFinding:
    """Make the run that shows a finding small, and write it for `ackproof replay`, with a picture.

    Raises:
        CouldNotRun: the seed does not show it with the code that is here; or the file cannot be written.
    """
    schedule, _ = record(plan_of(task.seed, task.cell.seed_options()))
    until = time.process_time() + seconds
    try:
        small = shrink(
            schedule,
            task.violation.checker,
            may_go_on=lambda: time.process_time() < until,
            is_wanted=_same_kind(task.violation),
        )
    except DoesNotFail as error:
        raise CouldNotRun(
            f"seed {task.seed} does not show finding {task.fingerprint} with the code that is here; ask "
            f"`{shlex.join(['ackproof', 'replay', task.fingerprint, *task.cell.core_option])}` whether it is "
            "fixed"
        ) from error
    ran = play(small.schedule)
    try:
        task.file.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise CouldNotRun(f"cannot make {task.file.parent}: {error.strerror}") from error
    save(task.file, small.schedule, ran, task.violation.checker, small.verdict.summary)
    draw(ran, small.verdict, task.file.with_suffix(".svg"))
    return ShrunkFinding(
        task.fingerprint, task.seed, size(schedule), size(small.schedule), small.runs, str(task.file)
    )


def _same_kind(violation: Violation) -> Callable[[Evidence], bool] | None:
    """Which evidence is of this finding; None for a verdict that shows no violation by itself."""
    if not violation.kind:
        return None
    return lambda evidence: is_violation(evidence) and kind_in_findings(evidence) == violation.kind
