"""How soon each seeded bug is caught: seeds from 0 on, until the bug's own checker finds a violation.

The seeds are those of any campaign: apart from the code that runs, nothing shows the simulator where to look.
The run that showed the bug is then shrunk, so that there is something to read.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from harness.errors import CouldNotRun
from harness.executors.executor import Executor, each_result
from harness.executors.in_process import InProcess
from harness.executors.processes import Processes
from harness.mutants.catalogue import MUTANTS
from harness.sim.bounded import within_bounds
from harness.sim.judging import judge
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.schedule.replay import save
from harness.sim.schedule.schedule import play, record
from harness.sim.schedule.shrink import shrink, size

SHRINKING_RUNS = 600
SHRINKING_S = 20.0
"""Seconds of one core for each mutant: a table of all is worth more than the last line of one."""
LONGEST_HUNT_S = 86_400.0
"""Seconds after which a hunt is taken for one that does not end: it may run thousands of seeds."""
_NS = 1_000_000_000


class Hunt(msgspec.Struct, frozen=True):
    """How one mutant was caught."""

    mutant: str
    caught_by: str
    """The mutant's primary checker, whether or not it caught the mutant."""
    seed: int | None
    """The first seed in which that checker found a violation; None if it found none within the bound."""
    first_seed: int | None
    """The first seed in which any checker found a violation."""
    seeds: int
    """How many seeds were run."""
    simulated_s: float
    wall_s: float
    """Seconds of one core, judging included, shrinking not."""
    also: tuple[str, ...]
    """Other checkers that found a violation on the way, in order of appearance."""
    undeclared: tuple[str, ...] = ()
    """Those of them that the catalogue does not name among the mutant's consequences."""
    schedule_lines: int | None = None
    """The size of the smallest schedule that was found; None if it was not shrunk."""
    schedule: str | None = None
    """The file with that schedule, for `ackproof replay`."""

    @property
    def is_caught(self) -> bool:
        """Whether the mutant's primary checker caught it."""
        return self.seed is not None

    @property
    def is_as_declared(self) -> bool:
        """Whether it was caught, and only by checkers that the catalogue names."""
        return self.is_caught and not self.undeclared


def hunt(name: str, *, most_seeds: int, options: SeedOptions | None = None) -> Hunt:
    """Run seeds 0, 1, ... with a mutant until its primary checker finds a violation.

    Raises:
        CouldNotRun: a run took too long, or too much memory.
    """
    mutant, options = MUTANTS[name], options_for(name, options)
    begin, simulated_ns, seeds = time.monotonic_ns(), 0, 0
    first: int | None = None
    caught: int | None = None
    also: dict[str, None] = {}
    with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs:
        while caught is None and seeds < most_seeds:
            with within_bounds():
                judged = judge(plan_of(seeds, options), Path(logs))
            simulated_ns += judged.simulated_ns
            also.update(dict.fromkeys(checker for checker in judged.invalid if checker != mutant.caught_by))
            if judged.invalid and first is None:
                first = seeds
            if mutant.caught_by in judged.invalid:
                caught = seeds
            seeds += 1
    return Hunt(
        mutant=name,
        caught_by=mutant.caught_by,
        seed=caught,
        first_seed=first,
        seeds=seeds,
        simulated_s=simulated_ns / _NS,
        wall_s=(time.monotonic_ns() - begin) / _NS,
        also=tuple(also),
        undeclared=tuple(checker for checker in also if checker not in mutant.also),
    )


def options_for(name: str, options: SeedOptions | None = None) -> SeedOptions:
    """Give these options with a mutant, and with the workload and faults in which the mutant shows."""
    mutant = MUTANTS[name]
    chosen = msgspec.structs.replace(options or SeedOptions(), mutant=name, workload=mutant.workload)
    return chosen if mutant.faults is None else msgspec.structs.replace(chosen, nemesis=mutant.faults)


class Caught(NamedTuple):
    """A hunt, and what it found, which may have been on another machine."""

    hunt: Hunt
    schedule: bytes | None
    """The file with the smallest schedule; None if there is none."""


def hunt_and_shrink(name: str, *, most_seeds: int, is_shrunk: bool) -> Caught:
    """Hunt a mutant, and shrink the run that shows it, if that is asked for."""
    found = hunt(name, most_seeds=most_seeds)
    if found.seed is None or not is_shrunk:
        return Caught(found, None)
    with tempfile.TemporaryDirectory(prefix="ackproof-shrink-") as folder:
        file = Path(folder) / "schedule.json"
        lines = _shrink(plan_of(found.seed, options_for(name)), found.caught_by, file)
        return Caught(msgspec.structs.replace(found, schedule_lines=lines), file.read_bytes())


def _shrink(plan: Plan, checker: str, file: Path) -> int:
    schedule, _ = record(plan)
    until = time.process_time() + SHRINKING_S
    found = shrink(schedule, checker, most_runs=SHRINKING_RUNS, may_go_on=lambda: time.process_time() < until)
    save(file, found.schedule, play(found.schedule), checker, found.verdict.summary)
    return size(found.schedule)


HuntExecutor: TypeAlias = Executor[str, [str], Caught]


def hunt_all(names: Sequence[str], executor: HuntExecutor, folder: Path | None) -> Iterator[Hunt]:
    """Hunt all these mutants; give them as they end, their smallest schedules in this folder.

    Raises:
        CouldNotRun: the harness could not do one of them, or cannot write to the folder.
    """
    for name, (found, schedule) in each_result(executor, ((name, name) for name in names)):
        if folder is None or schedule is None:
            yield found
            continue
        file = folder / f"{name}.json"
        try:
            file.write_bytes(schedule)
        except OSError as error:
            raise CouldNotRun(f"cannot write {file}: {error.strerror}") from error
        yield msgspec.structs.replace(found, schedule=str(file))


def hunting(*, most_seeds: int, is_shrunk: bool) -> Callable[[str], Caught]:
    """What an executor does for each mutant."""
    return partial(hunt_and_shrink, most_seeds=most_seeds, is_shrunk=is_shrunk)


def hunt_executor(jobs: int, *, most_seeds: int, is_shrunk: bool) -> HuntExecutor:
    """Hunts in this process, or on `jobs` others, each on one core."""
    perform = hunting(most_seeds=most_seeds, is_shrunk=is_shrunk)
    return InProcess(perform) if jobs == 1 else Processes(perform, jobs, LONGEST_HUNT_S)
