"""A run of real nodes again in the simulated world: the same operations and faults at the same times.

What was on each link and disk at each moment of a real run is not known. So it is drawn, under many seeds,
until one of them shows the violation of the real run. That seed's run is exact from then on: it can be
replayed, shrunk and asked for its cause, which the real run cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from checkers.causes import root_causes_first
from checkers.check_all import check_all
from checkers.verdict import Validity, Verdict
from checkers.words import plural
from harness.errors import CouldNotRun
from harness.nemesis import NEMESES
from harness.nemesis.action import Action
from harness.run import judging
from harness.run.folder import RunFolder
from harness.run.test import Test, check_bounds
from harness.sim.command import replayed_on_processes
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.decisions import DrawnDecisions
from harness.sim.plan.fault_rates import WRITES_US, FaultRates
from harness.sim.plan.for_core import LOCKSTEP
from harness.sim.plan.plan import Plan
from harness.sim.plan.stream import Stream
from harness.sim.run import SimulatedRun
from harness.sim.schedule.bounds import MOST_HAPPENINGS
from harness.sim.schedule.overrides import RecordingDecisions
from harness.sim.schedule.picture import draw
from harness.sim.schedule.replay import save
from harness.sim.schedule.schedule import Schedule, ScheduleStep, play, steps_of
from harness.sim.schedule.shrink import kind_of, shrink, size, verdict_of
from harness.systems import REFERENCE_NODE
from harness.workload import workload
from history import NEMESIS, Recording
from history.units import MILLISECOND_NS

ELECTIONS_BEFORE = 4
"""How many election time-outs pass before the first step: in a real run the cluster has a leader by then."""


class Resimulated(msgspec.Struct, frozen=True):
    """What was found when a run was done again in the simulated world."""

    checker: str
    violation: str
    """What the checker said about the real run."""
    seeds: int
    """How many seeds were tried."""
    seed: int | None
    """The first that shows the violation, too; None if none did."""
    summary: str = ""
    """What the checker says about that seed's run."""
    file: str | None = None
    """The schedule of that seed's run, for `ackproof replay`."""
    lines: int = 0
    """Its size before it was shrunk, and after."""
    lines_left: int = 0
    left_out: tuple[str, ...] = ()
    """What the simulated world cannot do of what the run did."""
    real_runs: int = 0
    """How often the schedule was replayed on real processes, and how often it showed the violation there."""
    shown_on_real: int = 0


def rates_of(seed: int) -> FaultRates:
    """The links and disks of a seed: links of one host, on which nothing is lost but by the run's own faults,
    and disks of any speed, since nothing says how slow the real ones were."""
    return FaultRates(
        delays=("near",), writes=Stream(seed, "resimulate").some(tuple(WRITES_US), 1, 2) or ("fast",)
    )


def schedule_of(recording: Recording) -> tuple[Schedule, tuple[str, ...]]:
    """The schedule of a real run, without overrides; and what of the run the simulated world cannot do.

    Raises:
        CouldNotRun: the run is not one of the reference node, or is out of bounds.
    """
    try:
        test = msgspec.convert({**recording.options}, Test)
        check_bounds(test)
    except (ValueError, msgspec.ValidationError) as error:
        raise CouldNotRun(f"the run's test cannot be read: {error}") from error
    if test.system == LOCKSTEP:
        raise CouldNotRun(
            f"it is a simulated run of a core, which is exact as it is: ackproof sim --core COMMAND --seed "
            f"{test.seed} --shrink FILE, with the options of the run, makes it small"
        )
    if test.system.partition("@")[0] != REFERENCE_NODE:
        raise CouldNotRun(f"the simulated world has no {test.system}: its nodes are the {REFERENCE_NODE}'s")
    operations = tuple(recording.history)
    if not operations:
        raise CouldNotRun("the run did nothing, so there is nothing to do again")
    possible = tuple(one for one in test.nemesis if NEMESES[_name(one)].lacks(SIM) is None)
    left_out = [
        f"nemesis {one}: {NEMESES[_name(one)].lacks(SIM)}" for one in test.nemesis if one not in possible
    ]
    steps = tuple(_possible(steps_of(operations, test.concurrency), left_out))
    later = ELECTIONS_BEFORE * test.election_ms * MILLISECOND_NS - operations[0].time
    plan = Plan(
        test=msgspec.structs.replace(
            test, world="local", inventory=(), base_port=None, nemesis=possible, schedule="rounds", collect=()
        ),
        settings={"snapshot_entries": test.snapshot_entries},
    )
    return (
        Schedule(
            plan=plan,
            until=operations[-1].time + later,
            steps=tuple(msgspec.structs.replace(step, at=step.at + later) for step in steps),
        ),
        tuple(dict.fromkeys(left_out)),
    )


def _name(fault: str) -> str:
    return fault.partition(":")[0]


def _possible(steps: Sequence[ScheduleStep], left_out: list[str]) -> Iterator[ScheduleStep]:
    """The steps with the actions that the simulated world has; the others are noted."""
    known = {action for fault in NEMESES.values() if fault.lacks(SIM) is None for action in fault.actions}

    def has(action: Action) -> bool:
        return type(action) in known

    for step in steps:
        if step.thread != NEMESIS:
            yield step
            continue
        left_out.extend(action.words() for action in step.actions if not has(action))
        actions = tuple(action for action in step.actions if has(action))
        if actions or not step.actions:
            yield msgspec.structs.replace(step, actions=actions)


def played(schedule: Schedule, seed: int) -> tuple[Schedule, SimulatedRun]:
    """Play a schedule with what a seed draws; give its run, and the schedule with all that was drawn."""
    decisions = RecordingDecisions(DrawnDecisions(seed, rates_of(seed)))
    ran = play(schedule, decisions=decisions, most_happenings=MOST_HAPPENINGS)
    return msgspec.structs.replace(schedule, overrides=decisions.overrides), ran


def resimulate(
    run: RunFolder,
    *,
    seeds: int,
    seconds: float,
    file: Path,
    checker: str | None = None,
    real_runs: int = 0,
    store: Path | None = None,
    quiet: bool = False,
    before_real: Callable[[], None] = lambda: None,
) -> Resimulated:
    """Do a run of real nodes again under seeds 0, 1, ... until one shows its violation; shrink that one.

    Args:
        seconds: no seed is begun, and no schedule is made smaller, after this time.
        file: where the schedule goes.
        checker: whose violation; None for the root cause.
        real_runs: how often the schedule is replayed on real processes, into folders of `store`.
        before_real: is called before the first of these runs, which show what they do by themselves.

    Raises:
        CouldNotRun: the run shows no violation, cannot be done again, or the file cannot be written.
    """
    until = time.monotonic() + seconds
    recording = run.recording()
    schedule, left_out = schedule_of(recording)
    real = _violation(recording, checker)
    kinds = {kind_of(evidence) for evidence in real.evidence}

    def shows(verdict: Verdict) -> bool:
        return verdict.validity is Validity.INVALID and (
            not kinds or any(kind_of(evidence) in kinds for evidence in verdict.evidence)
        )

    tried, found = 0, Resimulated(real.checker, real.summary, 0, None, left_out=left_out)
    for seed in range(seeds):
        if tried and time.monotonic() >= until:
            break
        tried += 1
        drawn, ran = played(schedule, seed)
        if not shows(verdict_of(ran, real.checker)):
            continue
        small = shrink(
            drawn,
            real.checker,
            may_go_on=lambda: time.monotonic() < until,
            is_wanted=(lambda evidence: kind_of(evidence) in kinds) if kinds else None,
        )
        again = play(small.schedule)
        save(file, small.schedule, again, real.checker, small.verdict.summary)
        draw(again, small.verdict, file.with_suffix(".svg"))
        found = msgspec.structs.replace(
            found,
            seed=seed,
            summary=small.verdict.summary,
            file=str(file),
            lines=size(drawn),
            lines_left=size(small.schedule),
        )
        break
    found = msgspec.structs.replace(found, seeds=tried)
    if found.seed is None or not real_runs or store is None:
        return found
    before_real()
    shown = sum(_shows_on_real(file, store, real.checker, quiet=quiet) for _ in range(real_runs))
    return msgspec.structs.replace(found, real_runs=real_runs, shown_on_real=shown)


def _violation(recording: Recording, checker: str | None) -> Verdict:
    work = workload(recording.options["workload"], recording.nodes, recording.options["concurrency"])
    verdicts = check_all(work.checkers, recording)
    wrong = [one.verdict for one in root_causes_first(verdicts) if one.verdict.validity is Validity.INVALID]
    if checker is not None:
        wrong = [verdict for verdict in wrong if verdict.checker == checker]
    if not wrong:
        whose = "no checker finds" if checker is None else f"{checker} does not find"
        raise CouldNotRun(f"{whose} a violation in this run, so there is nothing to look for")
    return wrong[0]


def _shows_on_real(file: Path, store: Path, checker: str, *, quiet: bool) -> bool:
    folder, _, _ = replayed_on_processes(file, store, (), anyway=True, base_port=None, quiet=quiet)
    return any(
        verdict.checker == checker and verdict.validity is Validity.INVALID
        for verdict in judging.judge(folder).verdicts
    )


def show(found: Resimulated) -> None:
    """Print what was found."""
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    say(f"{found.checker}: {found.violation}")
    for what in found.left_out:
        say(f"  left out, since the simulated world cannot do it: {what}")
    if found.seed is None:
        say(f"None of {plural(found.seeds, 'seed')} shows this in the simulated world; try more with --seeds")
        return
    say(f"Seed {found.seed} shows it in the simulated world, the first of {plural(found.seeds, 'seed')}:")
    say(f"  {found.summary}")
    say(f"{found.lines} lines shrunk to {found.lines_left}. Replay it:  ackproof replay {found.file}")
    if found.real_runs:
        say(f"On real processes it showed in {found.shown_on_real} of {plural(found.real_runs, 'run')}.")
