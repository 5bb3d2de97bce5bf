"""Many seeds on all cores: each is judged as it ends, kept at once, and not run again after an interruption.

Results are one file of JSON lines: a header that says what was run and with which code, then a line for each
seed, in the order in which the seeds ended. A line that a kill tore is cut off, and its seed is run again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import msgspec

from harness.errors import CouldNotRun
from harness.executors.executor import Executor, each_result
from harness.executors.in_process import InProcess
from harness.executors.processes import Processes
from harness.sim.bounded import within_bounds
from harness.sim.judging import Judged, judge
from harness.sim.plan.plan import SeedOptions
from harness.sim.plan.swarm import plan_of
from harness.sim.schedule.version import differences, digests


class CampaignHeader(msgspec.Struct, frozen=True):
    """The first line of a campaign's results."""

    options: SeedOptions
    code: Mapping[str, str]
    """Digests of the code that ran, by part."""
    ackproof_campaign: int = 1
    """The format's version."""


class CampaignResults:
    """A campaign's results file: made new, or read and continued.

    Raises:
        CouldNotRun: the file belongs to another campaign, holds no campaign's results, or cannot be written.
    """

    def __init__(self, path: Path, options: SeedOptions) -> None:
        self.path = path
        self._header = CampaignHeader(options, digests())
        self._encode = msgspec.json.Encoder().encode
        try:
            self.done = {judged.seed: judged for judged in self._read()}
            """Outcomes by seed: those that were in the file, and those added since."""
            self._file = path.open("ab", buffering=0)
            if path.stat().st_size == 0:
                self._write(self._header)
        except OSError as error:
            raise CouldNotRun(
                f"cannot write {path}: {error.strerror}; choose another with --results"
            ) from error

    def add(self, judged: Judged) -> None:
        """Keep a seed's outcome: the line has reached the kernel when this returns."""
        self._write(judged)
        self.done[judged.seed] = judged

    def close(self) -> None:
        """Close the results file."""
        self._file.close()

    def _write(self, line: CampaignHeader | Judged) -> None:
        self._file.write(self._encode(line) + b"\n")

    def _read(self) -> Iterator[Judged]:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return
        *lines, torn = self.path.read_bytes().split(b"\n")
        if torn:
            with self.path.open("r+b") as file:
                file.truncate(self.path.stat().st_size - len(torn))
        if not lines:
            return
        advice = f"move {self.path} away, or choose another with --results"
        try:
            header = msgspec.json.decode(lines[0], type=CampaignHeader)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CouldNotRun(f"{self.path} holds no campaign's results ({error}); {advice}") from error
        if header.options != self._header.options:
            raise CouldNotRun(f"{self.path} belongs to a campaign with other options; {advice}")
        changed = differences(header.code)
        if changed:
            raise CouldNotRun(f"{self.path} was made by other code ({', '.join(changed)} changed); {advice}")
        for number, line in enumerate(lines[1:], start=2):
            try:
                yield msgspec.json.decode(line, type=Judged)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise CouldNotRun(f"{self.path}, line {number}: {error}; {advice}") from error


SeedExecutor: TypeAlias = Executor[int, [tuple[int, SeedOptions]], Judged]


def judge_all(
    seeds: Iterable[int], options: SeedOptions, executor: SeedExecutor, *, take: Callable[[Judged], bool]
) -> None:
    """Run and judge seeds; `take` gets each as it ends, and says whether to go on.

    Raises:
        CouldNotRun: the harness could not do a seed.
    """
    with closing(each_result(executor, ((seed, (seed, options)) for seed in seeds))) as results:
        for _, judged in results:
            if not take(judged):
                return


def seed_executor(jobs: int) -> SeedExecutor:
    """Seeds in this process, or on `jobs` others."""
    return InProcess(judged_seed) if jobs == 1 else Processes(judged_seed, jobs)


def judged_seed(task: tuple[int, SeedOptions]) -> Judged:
    """Run and judge one seed.

    Raises:
        CouldNotRun: it took too much memory; or its size was drawn, and it took too long.
    """
    seed, options = task
    is_drawn = options.nodes is None and options.time_limit_s is None and options.rate is None
    with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs, within_bounds(is_drawn=is_drawn):
        return judge(plan_of(seed, options), Path(logs))
