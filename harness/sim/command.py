"""What `ackproof sim` and `ackproof replay` do: one seed into a folder, many seeds judged, a file
replayed."""

from __future__ import annotations

import itertools
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from checkers.verdict import Unjudged, Validity
from checkers.words import in_time
from harness.errors import CouldNotRun
from harness.hosts import agent
from harness.hosts.abilities import refusal
from harness.mutants.catalogue import MUTANTS
from harness.run import runner
from harness.run.folder import RunFolder
from harness.sim.judging import Judged, results_of
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import twice
from harness.sim.plan.plan import Plan, SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.run import SimulatedRun, run
from harness.sim.schedule.bounds import MOST_HAPPENINGS
from harness.sim.schedule.carry_over import carry_over, undone
from harness.sim.schedule.picture import draw
from harness.sim.schedule.replay import Replay, digest_of, load, save
from harness.sim.schedule.schedule import play, record
from harness.sim.schedule.shrink import MOST_RUNS, Shrunk, shrink, size
from harness.sim.schedule.story import whole_story
from harness.sim.seeds.campaign import CampaignResults, SeedExecutor, judge_all
from harness.sim.world.world import SimulatedWorld
from history import read_history
from history.files import brief
from history.units import SECOND_NS

LINE_EVERY_S = 5.0
COLUMNS = 79


AT_LIMIT, AT_END = 0.85, 0.92
"""About which share of the time is over when the work ends, and when the last reads do. Then it is stored."""
LAST_READS_NS = 15 * SECOND_NS
"""About so long, in simulated time, do the final heal and the last reads take."""


class Share:
    """How much of a simulated run is over, for those who want to know while it goes on."""

    def __init__(self) -> None:
        self._world: SimulatedWorld | None = None
        self._limit_ns = 0
        self._at_last = 0.0

    def of(self, plan: Plan) -> Callable[[SimulatedWorld], None]:
        """What must look at the world of this plan before it goes on."""
        self._limit_ns = int(plan.test.time_limit_s * SECOND_NS)
        return self._look_at

    def __call__(self) -> float:
        """About which part of its time is over, from 0 to 1: a second of work takes longer than one after it,
        and the folder is written at the end."""
        if self._world is None:
            return self._at_last
        worked = min(self._world.now / self._limit_ns, 1.0)
        read = min(max(self._world.now - self._limit_ns, 0) / LAST_READS_NS, 1.0)
        return AT_LIMIT * worked + (AT_END - AT_LIMIT) * read

    def end(self) -> None:
        """Let go of the world, which holds all that happened in it: while it is there, whatever comes next is
        slower, as Python's collector passes over it again and again."""
        self._at_last = 1.0
        self._world = None

    def _look_at(self, world: SimulatedWorld) -> None:
        self._world = world


class Watched:
    """A simulated run as it goes on, and how much of it is over."""

    def __init__(self, seed: int, options: SeedOptions) -> None:
        self._plan = plan_of(seed, options)
        self.share = Share()

    def run(self, store: Path, command: Sequence[str]) -> RunFolder:
        """Run it into a new folder under `store`; the run is not yet judged."""
        prepare = self.share.of(self._plan)
        ran = twice(lambda taken: run(self._plan, prepare=prepare, exchanges=taken), self._plan.core)
        folder = ran.write(store, command)
        self.share.end()
        return folder


def shrunk(
    seed: int,
    options: SeedOptions,
    file: Path,
    *,
    quiet: bool,
    show: Callable[[int, int], None] = lambda _made, _most: None,
) -> Shrunk:
    """Find the smallest schedule for the first violation of a seed; write it, and a picture next to it.

    Args:
        show: is given how many runs were made, and how many there may be.

    Raises:
        CouldNotRun: the seed shows no violation, or the file cannot be written.
    """
    plan = plan_of(seed, options)
    schedule, ran = twice(lambda taken: record(plan, taken), options.core)
    wrong = [verdict.checker for verdict in results_of(ran).verdicts if verdict.validity is Validity.INVALID]
    if not wrong:
        raise CouldNotRun(f"seed {seed} shows no violation, so there is nothing to shrink")
    declared = MUTANTS[options.mutant].caught_by if options.mutant else wrong[0]
    checker = declared if declared in wrong else wrong[0]
    made = itertools.count(1)

    def go_on() -> bool:
        show(next(made), MOST_RUNS)
        return True

    found = shrink(schedule, checker, may_go_on=go_on)
    again = play(found.schedule)
    save(file, found.schedule, again, checker, found.verdict.summary)
    draw(again, found.verdict, file.with_suffix(".svg"))
    if not quiet:
        console = Console(highlight=False)
        console.print(
            f"{checker}: {found.verdict.summary}\n{size(schedule)} lines shrunk to {size(found.schedule)} in "
            f"{found.runs} runs:",
            soft_wrap=True,
            markup=False,
        )
        for line in whole_story(found.schedule):
            console.print(f"  {line}", soft_wrap=True, markup=False)
        console.print(f"Replay it:  {replay_command(file, options)}", soft_wrap=True, markup=False)
    return found


def replay_command(file: Path, options: SeedOptions) -> str:
    """The line to paste that replays a schedule of a seed of these options."""
    words = ["ackproof", "replay", str(file)]
    if options.core is not None:
        words += ["--core", shlex.join(options.core.command)]
    return shlex.join(words)


def replayed(
    file: Path,
    store: Path,
    command: Sequence[str],
    *,
    anyway: bool,
    core: ForeignCore | None = None,
    share: Share | None = None,
) -> tuple[RunFolder, str | None]:
    """Play a schedule into a new folder, not yet judged; give a warning if the run was not the recorded one.

    Args:
        share: says meanwhile how much of it is over.

    Raises:
        CouldNotRun: see `load`.
    """
    _, ran, warning = played_file(file, anyway=anyway, core=core, share=share)
    folder = ran.write(store, command)
    if share is not None:
        share.end()
    return folder, warning


def played_file(
    file: Path, *, anyway: bool, core: ForeignCore | None = None, share: Share | None = None
) -> tuple[Replay, SimulatedRun, str | None]:
    """Play a schedule's file; give it, its run, and a warning if that was not the recorded one.

    Raises:
        CouldNotRun: see `load`; or it cannot be played; or the same code made another run of it.
    """
    replay = load(file, anyway=anyway, core=core)
    try:
        prepare = None if share is None else share.of(replay.schedule.plan)
        ran = play(replay.schedule, most_happenings=MOST_HAPPENINGS, prepare=prepare)
    except CouldNotRun:
        raise  # a core that breaks its protocol, which says so itself
    except Exception as error:
        # Bounds do not show every contradiction of an edited file; the code itself is the recorded one.
        what = brief(error) or type(error).__name__
        raise CouldNotRun(f"{file} cannot be played: {what}; was it edited after it was recorded?") from error
    warning: str | None = None
    if digest_of(ran) != replay.run:
        warning = f"the run is not the recorded one (digest {digest_of(ran)}, recorded {brief(replay.run)})"
        if not anyway:
            blamed = "please report this" if core is None else "run `ackproof lockstep check` on the core"
            raise CouldNotRun(f"{file}: {warning}, although the code is: {blamed}")
    return replay, ran, warning


def replayed_on_processes(
    file: Path, store: Path, command: Sequence[str], *, anyway: bool, base_port: int | None, quiet: bool
) -> tuple[RunFolder, str, str | None]:
    """Play a schedule on local processes into a new folder, not yet judged.

    Print what was carried over, and what was not. Give also the verdict of the simulated world in words, and
    a warning if the simulated run was not the recorded one.

    Raises:
        CouldNotRun: see `load`, and harness/run/runner.py.
    """
    replay, ran, warning = played_file(file, anyway=anyway)
    facts = agent.Agent("", "").facts()
    carried = carry_over(replay.schedule, ran, lambda fault: refusal((fault,), facts, with_proxies=True))
    say = Console(highlight=False, soft_wrap=True, markup=False, quiet=quiet).print
    for line in carried.lines:
        say(f"{line.how:>8}: {line.what}{f' ({line.why})' if line.why else ''}")
    test = msgspec.structs.replace(carried.test, base_port=base_port)
    folder = runner.run(test, store, command=command, quiet=quiet, course=carried.course)
    for what in undone(read_history(folder.history_lines)):
        say(f"    not done: {what}")
    found = results_of(ran)
    wrong = [verdict for verdict in found.verdicts if verdict.validity is Validity.INVALID]
    summaries = "; ".join(f"{verdict.checker}: {verdict.summary}" for verdict in wrong)
    return folder, f"{found.validity.value}{f' ({summaries})' if summaries else ''}", warning


class CampaignSummary(msgspec.Struct, frozen=True):
    """A campaign's outcome. Seeds that prove nothing (`unknown`) are counted by themselves, not as passed."""

    validity: Validity
    """Invalid if any seed is; valid if none is, and at least one is valid."""
    seeds: int
    valid: int
    unknown: int
    invalid: int
    by_checker: dict[str, dict[str, int]]
    """By checker, how many seeds it called invalid and how many unknown."""
    violations: tuple[Judged, ...]
    """The first seeds with a violation."""
    happened: int
    simulated_s: float
    wall_s: float
    """Of all worker processes together."""


def many(
    seeds: range,
    options: SeedOptions,
    results_file: Path,
    executor: SeedExecutor,
    *,
    quiet: bool,
    stop_at_first: bool,
) -> CampaignSummary:
    """Judge those of these seeds that are not in the file; give the outcome of all of them.

    Args:
        stop_at_first: end at the first violation in the order of the seeds, and leave out those after it.
            Seeds end in another order on a busy machine; the same command must still give the same outcome.

    Raises:
        CouldNotRun: the results file cannot be used.
    """
    results = CampaignResults(results_file, options)
    line = _Progress(len(seeds), quiet)
    for seed in seeds:
        if seed in results.done:
            line.add(results.done[seed], is_new=False)

    def take(judged: Judged) -> bool:
        results.add(judged)
        line.add(judged, is_new=True)
        return wanted() is None

    def wanted() -> range | None:
        return _until_violation(seeds, results.done) if stop_at_first else None

    try:
        left = [seed for seed in seeds if seed not in results.done]
        if left and wanted() is None:
            judge_all(left, options, executor, take=take)
    finally:
        executor.close()
        line.end()
        results.close()
    return summary([results.done[seed] for seed in wanted() or seeds if seed in results.done])


def _until_violation(seeds: range, done: Mapping[int, Judged]) -> range | None:
    """The seeds up to the first with a violation; None while a seed before it has not ended."""
    for number, seed in enumerate(seeds, start=1):
        if seed not in done:
            return None
        if done[seed].invalid:
            return seeds[:number]
    return None


def summary(done: Sequence[Judged]) -> CampaignSummary:
    """Sum up these seeds, whatever their order."""
    done = sorted(done, key=lambda judged: judged.seed)
    counts = {validity: sum(judged.validity is validity for judged in done) for validity in Validity}
    by_checker: dict[str, dict[str, int]] = {}
    for judged in done:
        marks = (
            (Validity.INVALID, judged.invalid),
            (Validity.UNKNOWN, judged.unknown),
            (Unjudged.NOT_EXERCISED, judged.not_exercised),
        )
        for mark, checkers in marks:
            for checker in checkers:
                row = by_checker.setdefault(checker, {one.value: 0 for one, _ in marks})
                row[mark.value] += 1
    if counts[Validity.INVALID]:
        validity = Validity.INVALID
    else:
        validity = Validity.VALID if counts[Validity.VALID] else Validity.UNKNOWN
    return CampaignSummary(
        validity=validity,
        seeds=len(done),
        valid=counts[Validity.VALID],
        unknown=counts[Validity.UNKNOWN],
        invalid=counts[Validity.INVALID],
        by_checker=by_checker,
        violations=tuple(judged for judged in done if judged.invalid)[:20],
        happened=sum(judged.happened for judged in done),
        simulated_s=sum(judged.simulated_ns for judged in done) / SECOND_NS,
        wall_s=sum(judged.wall_ns for judged in done) / SECOND_NS,
    )


def show(found: CampaignSummary, results_file: Path, command: str) -> None:
    """Print a campaign's outcome."""
    say: Any = Console(highlight=False).print
    _show_counts(found)
    for judged in found.violations[:5]:
        say(
            f"  seed {judged.seed}: {', '.join(judged.invalid)}: {judged.summary}",
            soft_wrap=True,
            markup=False,
        )
    if found.violations:
        say(
            f"  run one of them with a report: {command} --seed {found.violations[0].seed}",
            soft_wrap=True,
            markup=False,
        )
    say(f"  every seed's outcome: {results_file}", soft_wrap=True)


def _show_counts(found: CampaignSummary) -> None:
    say: Any = Console(highlight=False).print
    rate = found.simulated_s / found.wall_s if found.wall_s else 0.0
    say(
        f"{found.validity.value}: {found.seeds} seeds, {found.valid} valid, {found.invalid} invalid, "
        f"{found.unknown} proved nothing; {found.simulated_s:.0f} simulated seconds, each core {rate:.0f} "
        "times as fast as real",
        soft_wrap=True,
    )
    for checker, row in found.by_checker.items():
        counts = " ".join(f"{number:6} {mark}" for mark, number in row.items())
        say(f"  {checker:28} {counts}", soft_wrap=True)


class _Progress:
    """Shows progress on standard error: one line that is rewritten in a terminal, a line now and then
    elsewhere."""

    def __init__(self, seeds: int, quiet: bool) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._quiet = quiet
        self._seeds = seeds
        self._done = self._new = self._invalid = self._unknown = 0
        self._start = time.monotonic()
        self._shown = self._start

    def add(self, judged: Judged, *, is_new: bool) -> None:
        """Count one more seed."""
        self._done += 1
        self._new += is_new
        self._invalid += judged.validity is Validity.INVALID
        self._unknown += judged.validity is Validity.UNKNOWN
        now = time.monotonic()
        if is_new and now - self._shown >= (0.25 if self._console.is_terminal else LINE_EVERY_S):
            self._shown = now
            self._show(now)

    def end(self) -> None:
        """Show the final count."""
        self._show(time.monotonic())
        if not self._quiet and self._console.is_terminal:
            self._console.print()

    def _show(self, now: float) -> None:
        if self._quiet:
            return
        a_second = self._new / max(now - self._start, 0.001)
        left = ""
        if self._new and self._done < self._seeds:
            left = f", {in_time((self._seeds - self._done) / a_second)} left"
        text = (
            f"{self._done} of {self._seeds} seeds{left}, {self._invalid} invalid, {self._unknown} proved "
            f"nothing, {a_second:.1f} seeds/s"
        )
        self._console.print(text[:COLUMNS], end="\r" if self._console.is_terminal else "\n", soft_wrap=True)
