"""What many seeds cost besides the seeds themselves: processes, and Dask.

    python benchmarks/load/scaling.py [--seeds 24] [--tasks 1000]

Prints, in processor time: a seed in this process and on two processes at once (so that both cores share
their caches and memory), a worker's start, what the parent does for each seed, for each process that it
starts and in each second in which it waits, what a campaign adds for its journal and figures, and what a Dask
scheduler and its client do for a task that does nothing; and the bytes that a seed takes on its way and on
disk. Exits 1 if the parent, or Dask, takes more than a tenth of a seed's time.
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from checkers.verdict import Validity
from harness.campaign.campaign import run_campaign
from harness.campaign.cells import CampaignPlan, Cell, Unit
from harness.campaign.executors import Executor, RealRuns
from harness.campaign.journal import Journal, RunLine, stamp
from harness.campaign.outcomes import Outcome
from harness.campaign.performing import simulated
from harness.campaign.progress import CampaignProgress
from harness.executors.dask_cluster import DaskCluster
from harness.executors.in_process import InProcess
from harness.executors.on_dask import OnDask
from harness.executors.processes import Processes
from harness.sim.schedule.version import identity

CELL = Cell()
BOUND = 0.1


def own_s() -> float:
    """The processor time of this process until now."""
    return time.process_time()


def children_s() -> float:
    """The processor time of the processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def done(executor: Executor, seeds: int) -> list[Outcome]:
    """Do these seeds, and close the executor."""
    left, outcomes = list(range(seeds)), []
    while left or executor.is_busy:
        while left and executor.has_room:
            seed = left.pop(0)
            executor.begin(Unit(0, seed), CELL, seed)
        for one in executor.wait(0.25):
            assert isinstance(one.result, Outcome), one.result
            outcomes.append(one.result)
    executor.close()
    return outcomes


def nothing(_cell: Cell, _seed: int) -> Outcome:
    """A run that does nothing."""
    return OUTCOME


OUTCOME = Outcome(Validity.VALID)


class OfProcesses(NamedTuple):
    """What processes cost, in seconds of processor time."""

    seed_s: float
    """A seed, on two processes at once."""
    start_s: float
    """A process until it begins."""
    parent_start_s: float
    """The parent, for each process that it starts."""
    parent_seed_s: float
    """The parent, for each seed."""
    parent_wait: float
    """The parent, in each second in which two processes work."""


def processes(seeds: int, tasks: int = 1000) -> OfProcesses:
    """What seeds on processes cost.

    What the parent does for a seed is measured with seeds that do nothing: with real ones, most of its time
    is that of its looks at the processes' memory, which come by the clock.
    """
    before, own = children_s(), own_s()
    done(Processes(nothing, 2), 2)
    start_s, started = (children_s() - before) / 2, own_s() - own
    own = own_s()
    done(Processes(nothing, 2), 2 + tasks)
    parent_seed_s = (own_s() - own - started) / tasks
    before, own, begun = children_s(), own_s(), time.monotonic()
    done(Processes(simulated, 2), seeds)
    spent, waited = children_s() - before, own_s() - own - started - seeds * parent_seed_s
    return OfProcesses(
        (spent - 2 * start_s) / seeds,
        start_s,
        started / 2,
        parent_seed_s,
        waited / (time.monotonic() - begun),
    )


def campaign(outcomes: Sequence[Outcome], runs: int) -> float:
    """Seconds of the whole loop of a campaign for a run: journal, figures and progress, all in this process.

    The runs do nothing; they show what these outcomes showed, in turn.
    """
    plan = CampaignPlan(cells=(Cell(seeds=runs),), stability=0)
    with tempfile.TemporaryDirectory() as folder:
        executor: Executor = InProcess(lambda _cell, seed: outcomes[seed % len(outcomes)])
        own = own_s()
        run_campaign(
            Journal.create(Path(folder), plan),
            lambda store: (executor, RealRuns(store)),
            CampaignProgress(quiet=True),
        )
        return (own_s() - own) / runs


def dask(tasks: int) -> tuple[float, float]:
    """Seconds of scheduler and client for a task that does nothing, and of a start of a cluster's worker."""
    before = children_s()
    cluster = DaskCluster("local", identity, jobs=2)
    executor: Executor = OnDask(nothing, cluster, print)
    own = own_s()
    done(executor, tasks)
    return (own_s() - own) / tasks, (children_s() - before) / 2


def main() -> int:
    """Print the figures, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--tasks", type=int, default=1000)
    options = parser.parse_args()
    begun = own_s()
    outcomes = done(InProcess(simulated), options.seeds)
    alone_s = (own_s() - begun) / options.seeds
    of = processes(options.seeds, options.tasks)
    loop_s = campaign(outcomes, options.tasks)
    task_s, worker_s = dask(options.tasks)
    lines = [RunLine(0, seed, outcome, stamp(), 1.0) for seed, outcome in enumerate(outcomes)]
    stored = sum(len(msgspec.json.encode(line)) + 1 for line in lines) / len(lines)
    sent = len(pickle.dumps((simulated, (CELL, 1), {})))
    came = sum(len(pickle.dumps(outcome)) for outcome in outcomes) / len(outcomes)
    print(f"a seed: {alone_s * 1e3:.0f} ms alone, {of.seed_s * 1e3:.0f} ms with another process next to it")
    print(
        f"a process: {of.start_s:.2f} s until it begins; the parent: "
        f"{of.parent_start_s * 1e3:.1f} ms for it, "
        f"{of.parent_seed_s * 1e3:.2f} ms a seed, {of.parent_wait:.2%} of a core while two processes work"
    )
    print(f"a campaign's journal, figures and progress: {loop_s * 1e3:.2f} ms a run")
    print(f"Dask: {task_s * 1e3:.2f} ms a task of scheduler and client; a worker {worker_s:.2f} s in all")
    print(f"bytes a seed: {sent} to a worker, {came:.0f} back, {stored:.0f} in the journal")
    print(f"load {os.getloadavg()[0]:.1f}")
    return int(max(of.parent_seed_s + loop_s, task_s) > BOUND * alone_s)


if __name__ == "__main__":
    sys.exit(main())
