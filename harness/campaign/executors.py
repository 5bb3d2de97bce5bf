"""What does a campaign's runs: simulated ones wherever work is done (harness/executors), real ones here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from harness.campaign.cells import Cell, Unit
from harness.campaign.outcomes import Outcome
from harness.campaign.performing import RealRun, simulated
from harness.errors import CouldNotRun
from harness.executors import executor
from harness.executors.dask_cluster import DaskCluster
from harness.executors.in_process import InProcess
from harness.executors.on_dask import OnDask
from harness.executors.processes import Processes

Perform = Callable[[Cell, int], Outcome]
"""Does one run: of a cell, with a seed."""
Ended: TypeAlias = executor.Ended[Unit, Outcome]
Executor: TypeAlias = executor.Executor[Unit, [Cell, int], Outcome]
MakeExecutors = Callable[[Path], tuple[Executor, Executor]]
"""Makes what does simulated runs and what does real ones, whose folders go into the folder given."""


def usual_executors(jobs: int) -> MakeExecutors:
    """Simulated runs in this process or on `jobs` others; real ones as commands."""

    def make(folder: Path) -> tuple[Executor, Executor]:
        return simulating(jobs), RealRuns(folder / "runs")

    return make


def simulating(jobs: int) -> Executor:
    """Simulated runs in this process or on `jobs` others."""
    return InProcess(simulated) if jobs == 1 else Processes(simulated, jobs)


def dask_executors(cluster: DaskCluster, say: Callable[[str], None]) -> MakeExecutors:
    """Simulated runs on the workers of a Dask cluster, real ones here; `say` tells what happens to it."""
    return lambda folder: (OnDask(simulated, cluster, say), RealRuns(folder / "runs"))


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

    def begin(self, key: Unit, cell: Cell, seed: int) -> None:
        """Start the run."""
        self._store.mkdir(parents=True, exist_ok=True)
        self._unit, self._run = key, RealRun(cell, seed, self._store)

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
        return [ended] if isinstance(ended.result, Outcome) and ended.result.violations else []

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
            return executor.Ended(self._unit, run.ended())
        except CouldNotRun as error:
            return executor.Ended(self._unit, str(error))
