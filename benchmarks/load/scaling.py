"""What many seeds cost besides the seeds themselves: processes, and Dask.

    python benchmarks/load/scaling.py [--seeds 24] [--tasks 1000]

Prints, in processor time: a seed in this process and on two processes at once (so that both cores share their
caches and memory), a worker's start, what the parent does for each seed, and what a Dask scheduler and its
client do for a task that does nothing; and the bytes that a seed takes on its way and on disk. Exits 1 if the
parent, or Dask, takes more than a tenth of a seed's time.
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import sys
import time

import msgspec

from checkers.verdict import Validity
from harness.campaign.cells import Cell, Unit
from harness.campaign.executors import Executor
from harness.campaign.journal import RunLine, stamp
from harness.campaign.outcomes import Outcome
from harness.campaign.performing import simulated
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


def processes(seeds: int) -> tuple[float, float, float]:
    """Seconds of a seed on two processes at once, of a start of a process, and of the parent for a seed."""
    before = children_s()
    done(Processes(nothing, 2), 2)
    start_s = (children_s() - before) / 2
    before, own = children_s(), own_s()
    done(Processes(simulated, 2), seeds)
    spent, parent = children_s() - before, own_s() - own
    return (spent - 2 * start_s) / seeds, start_s, parent / seeds


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
    both_s, start_s, parent_s = processes(options.seeds)
    task_s, worker_s = dask(options.tasks)
    lines = [RunLine(0, seed, outcome, stamp(), 1.0) for seed, outcome in enumerate(outcomes)]
    stored = sum(len(msgspec.json.encode(line)) + 1 for line in lines) / len(lines)
    sent = len(pickle.dumps((simulated, (CELL, 1), {})))
    came = sum(len(pickle.dumps(outcome)) for outcome in outcomes) / len(outcomes)
    print(f"a seed: {alone_s * 1e3:.0f} ms alone, {both_s * 1e3:.0f} ms with another process next to it")
    print(f"a process: {start_s:.2f} s until it begins; the parent: {parent_s * 1e3:.2f} ms a seed")
    print(f"Dask: {task_s * 1e3:.2f} ms a task of scheduler and client; a worker {worker_s:.2f} s in all")
    print(f"bytes a seed: {sent} to a worker, {came:.0f} back, {stored:.0f} in the journal")
    print(f"load {os.getloadavg()[0]:.1f}")
    return int(max(parent_s, task_s) > BOUND * alone_s)


if __name__ == "__main__":
    sys.exit(main())
