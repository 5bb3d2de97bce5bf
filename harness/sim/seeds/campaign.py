"""Many seeds on all cores: each judged as it ends, kept at once, and not run again when resumed.

Results are one file of JSON lines: a header that says what was run with which code, then a line a
seed, in the order in which they ended. A line that a kill tore is cut off and its seed run again.
"""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from harness.errors import CouldNotRun
from harness.sim.judging import Judged, judge
from harness.sim.plan.swarm import Wishes, plan_of
from harness.sim.schedule.version import differences, digests

L = TypeVar("L", bound=msgspec.Struct)

SEEDS_A_TASK = 4


class Header(msgspec.Struct, frozen=True):
    """The first line of a campaign's results."""

    wishes: Wishes
    code: Mapping[str, str]
    """Digests of what ran."""
    guided_from: int | None = None
    """The first seed of a guided campaign (guided.py)."""
    ackproof_campaign: int = 1
    """The format's version."""


class LinesFile(Generic[L]):
    """A campaign's file: a header, then lines of one kind. Made, or read and gone on with.

    Raises:
        CouldNotRun: it is another campaign's, or no campaign's, or cannot be written.
    """

    def __init__(self, path: Path, header: Header, kind: type[L]) -> None:
        self.path = path
        self._header = header
        self._kind = kind
        self._encode = msgspec.json.Encoder().encode
        try:
            self.lines = list(self._read())
            """Those of an earlier time, in order."""
            self._file = path.open("ab", buffering=0)
            if path.stat().st_size == 0:
                self._write(self._header)
        except OSError as error:
            raise CouldNotRun(
                f"cannot write {path}: {error.strerror}; choose another with --results"
            ) from error

    def append(self, line: L) -> None:
        """Keep a line: in the kernel when this returns."""
        self._write(line)

    def close(self) -> None:
        """No more."""
        self._file.close()

    def _write(self, line: Header | L) -> None:
        self._file.write(self._encode(line) + b"\n")

    def _read(self) -> Iterator[L]:
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
            header = msgspec.json.decode(lines[0], type=Header)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CouldNotRun(f"{self.path} holds no campaign's results ({error}); {advice}") from error
        if (header.wishes, header.guided_from) != (self._header.wishes, self._header.guided_from):
            raise CouldNotRun(f"{self.path} is of a campaign with other options; {advice}")
        changed = differences(header.code)
        if changed:
            raise CouldNotRun(f"{self.path} was made by other code ({', '.join(changed)} changed); {advice}")
        for number, line in enumerate(lines[1:], start=2):
            try:
                yield msgspec.json.decode(line, type=self._kind)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise CouldNotRun(f"{self.path}, line {number}: {error}; {advice}") from error


class Results:
    """A plain campaign's file: a line a seed, in the order in which they ended.

    Raises:
        CouldNotRun: see `LinesFile`.
    """

    def __init__(self, path: Path, wishes: Wishes) -> None:
        self._file = LinesFile(path, Header(wishes, digests()), Judged)
        self.done = {judged.seed: judged for judged in self._file.lines}

    def add(self, judged: Judged) -> None:
        """Keep a seed's outcome: in the kernel when this returns."""
        self._file.append(judged)
        self.done[judged.seed] = judged

    def close(self) -> None:
        """No more."""
        self._file.close()


def judge_all(
    seeds: Iterable[int],
    wishes: Wishes,
    *,
    jobs: int,
    take: Callable[[Judged], bool],
) -> None:
    """Run and judge seeds on `jobs` processes; `take` gets each as it ends, and says whether to go on."""
    tasks = ((seed, wishes) for seed in seeds)
    if jobs == 1:
        with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs:
            for seed, _ in tasks:
                if not take(judge(plan_of(seed, wishes), Path(logs))):
                    return
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, prepare_worker) as pool:  # leaving it ends the workers, whatever they are at
        for judged in pool.imap_unordered(_task, tasks, chunksize=SEEDS_A_TASK):
            if not take(judged):
                return


def prepare_worker() -> None:
    """In a worker: Ctrl-C is for the parent, which then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _task(task: tuple[int, Wishes]) -> Judged:
    seed, wishes = task
    with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs:
        return judge(plan_of(seed, wishes), Path(logs))
