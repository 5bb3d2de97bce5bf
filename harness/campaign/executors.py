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


def usual_executors(jobs: int, real_jobs: int = 1) -> MakeExecutors:
    """Simulated runs in this process or on `jobs` others; real ones as commands, `real_jobs` at a time."""

    def make(folder: Path) -> tuple[Executor, Executor]:
        return simulating(jobs), RealRuns(folder / "runs", real_jobs)

    return make


def simulating(jobs: int) -> Executor:
    """Simulated runs in this process or on `jobs` others."""
    return InProcess(simulated) if jobs == 1 else Processes(simulated, jobs)


def dask_executors(cluster: DaskCluster, say: Callable[[str], None], real_jobs: int = 1) -> MakeExecutors:
    """Simulated runs on the workers of a Dask cluster, real ones here; `say` tells what happens to it."""
    return lambda folder: (OnDask(simulated, cluster, say), RealRuns(folder / "runs", real_jobs))


class RealRuns:
    """Does real runs, one at a time unless more are asked for, as they share this machine's processors."""

    def __init__(self, store: Path, at_once: int = 1) -> None:
        self._store = store
        self._at_once = at_once
        self._runs: dict[Unit, RealRun] = {}

    @property
    def has_room(self) -> bool:
        """Whether another run may begin."""
        return len(self._runs) < self._at_once

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on."""
        return bool(self._runs)

    def begin(self, key: Unit, cell: Cell, seed: int) -> None:
        """Start the run."""
        self._store.mkdir(parents=True, exist_ok=True)
        self._runs[key] = RealRun(cell, seed, self._store)

    def wait(self, timeout_s: float) -> list[Ended]:
        """The runs that ended."""
        each_s = timeout_s / max(1, len(self._runs))
        return [self._ended(key) for key, run in list(self._runs.items()) if run.wait(each_s)]

    def interrupt(self) -> list[Ended]:
        """Let the runs heal and be judged. What one found is kept only if it is a violation: the run was cut
        short, so it did not do what its cell asks for."""
        for run in self._runs.values():
            run.interrupt()
        for run in self._runs.values():
            run.wait_for_end()
        ended = [self._ended(key) for key in list(self._runs)]
        return [one for one in ended if isinstance(one.result, Outcome) and one.result.violations]

    def close(self) -> None:
        """End the runs."""
        for run in self._runs.values():
            run.kill()
        self._runs.clear()

    def _ended(self, key: Unit) -> Ended:
        try:
            return executor.Ended(key, self._runs.pop(key).ended())
        except CouldNotRun as error:
            return executor.Ended(key, str(error))
