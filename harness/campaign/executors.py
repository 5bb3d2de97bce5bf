"""Where runs are done: in this process, in several, or one real run at a time.

A process that dies, or that an exception ends, took exactly one run with it, and that one is named: each
worker has one run at a time, over a pipe of its own.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple, Protocol

from harness.campaign.cells import Cell, Unit
from harness.campaign.outcomes import Outcome
from harness.campaign.performing import RealRun
from harness.errors import CouldNotRun
from harness.sim.seeds.campaign import prepare_worker
from history.files import brief

Perform = Callable[[Cell, int], Outcome]
LONGEST_SIMULATED_S = 900.0
"""Seconds after which a simulated run is taken for one that does not end."""


class Ended(NamedTuple):
    """One run that ended."""

    unit: Unit
    outcome: Outcome | str
    """How it was judged; or, as text, why the harness could not do it."""


class Executor(Protocol):
    """Does runs. `begin` is called only while it has room."""

    @property
    def has_room(self) -> bool:
        """Whether it can begin another run."""
        ...

    @property
    def is_busy(self) -> bool:
        """Whether it has runs that have not ended."""
        ...

    def begin(self, unit: Unit, cell: Cell) -> None:
        """Begin a run."""
        ...

    def wait(self, timeout_s: float) -> list[Ended]:
        """The runs that ended, at the latest after this time; empty if none did."""
        ...

    def interrupt(self) -> list[Ended]:
        """End all runs soon; those that could still be judged."""
        ...

    def close(self) -> None:
        """End what is left."""
        ...


def tried(perform: Perform, unit: Unit, cell: Cell) -> Ended:
    """Do one run here; an exception is the harness's own."""
    try:
        return Ended(unit, perform(cell, unit.seed))
    except Exception as error:  # noqa: BLE001 - whatever it is, it says nothing about the system
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = brief(error) if isinstance(error, CouldNotRun) else f"{type(error).__name__}: {brief(error)}"
        return Ended(unit, f"{what} (in {where.name}, {Path(where.filename).name}, line {where.lineno})")


class InProcess:
    """Does runs in this process, one after the other."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._next: tuple[Unit, Cell] | None = None

    @property
    def has_room(self) -> bool:
        """Whether no run waits."""
        return self._next is None

    @property
    def is_busy(self) -> bool:
        """Whether a run waits."""
        return self._next is not None

    def begin(self, unit: Unit, cell: Cell) -> None:
        """Note the run; `wait` does it."""
        self._next = (unit, cell)

    def wait(self, timeout_s: float) -> list[Ended]:  # noqa: ARG002 - the run takes as long as it takes
        """Do the run."""
        if self._next is None:
            return []
        unit, cell = self._next
        self._next = None
        return [tried(self._perform, unit, cell)]

    def interrupt(self) -> list[Ended]:
        """Forget the run."""
        self._next = None
        return []

    def close(self) -> None:
        """Nothing is left."""


class _Worker:
    """One process that does one run at a time."""

    def __init__(self, perform: Perform) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(other, perform), daemon=True)
        self.process.start()
        other.close()
        self.unit: Unit | None = None
        self.began = 0.0

    def begin(self, unit: Unit, cell: Cell) -> None:
        self.unit, self.began = unit, time.monotonic()
        self.pipe.send((unit, cell))

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


class Processes:
    """Does runs on several processes. One that dies is replaced, and its run is reported."""

    def __init__(self, perform: Perform, jobs: int, longest_s: float = LONGEST_SIMULATED_S) -> None:
        self._perform = perform
        self._jobs = jobs
        self._longest_s = longest_s
        self._workers: list[_Worker] = []

    @property
    def has_room(self) -> bool:
        """Whether a process is idle, or one more may be started."""
        return sum(worker.unit is not None for worker in self._workers) < self._jobs

    @property
    def is_busy(self) -> bool:
        """Whether any process has a run."""
        return any(worker.unit is not None for worker in self._workers)

    def begin(self, unit: Unit, cell: Cell) -> None:
        """Give the run to an idle process, or to a new one."""
        worker = next((worker for worker in self._workers if worker.unit is None), None)
        if worker is None:
            worker = _Worker(self._perform)
            self._workers.append(worker)
        with contextlib.suppress(OSError):  # it died while it was idle; `wait` reports the run
            worker.begin(unit, cell)

    def wait(self, timeout_s: float) -> list[Ended]:
        """What the processes sent; and the runs of those that died or take too long."""
        busy = [worker for worker in self._workers if worker.unit is not None]
        ready = set(wait([worker.pipe for worker in busy], timeout_s))
        ended = [self._look(worker, is_ready=worker.pipe in ready) for worker in busy]
        return [one for one in ended if one is not None]

    def _look(self, worker: _Worker, *, is_ready: bool) -> Ended | None:
        """How a worker's run ended; None while it goes on."""
        assert worker.unit is not None
        ended = Ended(worker.unit, f"it did not end within {self._longest_s:.0f} s")
        if is_ready:
            try:
                sent: Ended = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join(5)
                ended = Ended(worker.unit, _death(worker.process.exitcode))
            else:
                worker.unit = None
                return sent
        elif time.monotonic() - worker.began <= self._longest_s:
            return None
        worker.end()
        self._workers.remove(worker)
        return ended

    def interrupt(self) -> list[Ended]:
        """End all at once: a simulated run is quickly done again."""
        self.close()
        return []

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()


class RealRuns:
    """Does real runs, one at a time, as they share this machine's processors and its clock."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._run: RealRun | None = None
        self._unit: Unit | None = None

    @property
    def has_room(self) -> bool:
        """Whether no run goes on."""
        return self._run is None

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on."""
        return self._run is not None

    def begin(self, unit: Unit, cell: Cell) -> None:
        """Start the run."""
        self._store.mkdir(parents=True, exist_ok=True)
        self._unit, self._run = unit, RealRun(cell, unit.seed, self._store)

    def wait(self, timeout_s: float) -> list[Ended]:
        """The run, if it ended."""
        if self._run is None or not self._run.wait(timeout_s):
            return []
        return [self._ended()]

    def interrupt(self) -> list[Ended]:
        """Let the run heal and be judged. What it found is kept only if it is a violation: it was cut short,
        so it did not do what its cell asks for."""
        if self._run is None:
            return []
        self._run.interrupt()
        ended = self._ended()
        return [ended] if isinstance(ended.outcome, Outcome) and ended.outcome.violations else []

    def close(self) -> None:
        """End the run."""
        if self._run is not None:
            self._run.kill()
            self._run = None

    def _ended(self) -> Ended:
        assert self._run is not None
        assert self._unit is not None
        run, self._run = self._run, None
        try:
            return Ended(self._unit, run.ended())
        except CouldNotRun as error:
            return Ended(self._unit, str(error))


def _work(pipe: Connection, perform: Perform) -> None:
    """The loop of a worker; it ends with its parent, whose end closes the pipe."""
    prepare_worker()
    while True:
        try:
            unit, cell = pipe.recv()
        except EOFError:
            return
        pipe.send(tried(perform, unit, cell))


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process that did it was ended by signal {-code}"
    return f"the process that did it ended with status {code}"
