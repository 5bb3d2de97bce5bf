"""How soon each seeded bug is caught: undirected random seeds, from the first on, until its checker says so.

The seeds are those of any campaign: nothing about a mutant, but for the code that runs, tells the
simulator where to look.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from harness.mutants.catalogue import MUTANTS, Mutant
from harness.sim.campaign import prepare_worker
from harness.sim.judging import judge
from harness.sim.swarm import Wishes, plan_of

_NS = 1_000_000_000


class Hunt(msgspec.Struct, frozen=True):
    """What it took to catch one mutant."""

    mutant: str
    caught_by: str
    """Its primary checker, whether or not that caught it."""
    seed: int | None
    """The first seed in which it did; None: not within the bound."""
    first_seed: int | None
    """The first seed in which any checker found a violation."""
    seeds: int
    """How many were run."""
    simulated_s: float
    wall_s: float
    """One core's, judging included."""
    also: tuple[str, ...]
    """Other checkers that found a violation on the way, in order of appearance."""

    undeclared: tuple[str, ...] = ()
    """Those of them that the catalogue does not name among the mutant's consequences."""

    @property
    def is_caught(self) -> bool:
        """By its primary checker."""
        return self.seed is not None


def hunt(name: str, *, most_seeds: int, wishes: Wishes | None = None) -> Hunt:
    """Run seeds 0, 1, ... with a mutant until its primary checker finds a violation."""
    mutant = MUTANTS[name]
    wishes = msgspec.structs.replace(wishes or Wishes(), mutant=name)
    begin, simulated_ns = time.monotonic_ns(), 0
    first: int | None = None
    also: dict[str, None] = {}
    with tempfile.TemporaryDirectory(prefix="ackproof-sim-") as logs:
        for seed in range(most_seeds):
            judged = judge(plan_of(seed, wishes), Path(logs))
            simulated_ns += judged.simulated_ns
            also.update(dict.fromkeys(checker for checker in judged.invalid if checker != mutant.caught_by))
            if judged.invalid and first is None:
                first = seed
            if mutant.caught_by in judged.invalid:
                return _hunt(mutant, seed, first, seed + 1, simulated_ns, begin, also)
    return _hunt(mutant, None, first, most_seeds, simulated_ns, begin, also)


def _hunt(
    mutant: Mutant,
    seed: int | None,
    first: int | None,
    seeds: int,
    simulated_ns: int,
    begin: int,
    also: dict[str, None],
) -> Hunt:
    return Hunt(
        mutant=mutant.name,
        caught_by=mutant.caught_by,
        seed=seed,
        first_seed=first,
        seeds=seeds,
        simulated_s=simulated_ns / _NS,
        wall_s=(time.monotonic_ns() - begin) / _NS,
        also=tuple(also),
        undeclared=tuple(checker for checker in also if checker not in mutant.also),
    )


def hunt_all(names: Sequence[str], *, most_seeds: int, jobs: int) -> Iterator[Hunt]:
    """Every one of them, each on one core, in the order in which they end."""
    tasks = [(name, most_seeds) for name in names]
    if jobs == 1:
        yield from map(_task, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs, prepare_worker) as pool:
        yield from pool.imap_unordered(_task, tasks)


def _task(task: tuple[str, int]) -> Hunt:
    name, most_seeds = task
    return hunt(name, most_seeds=most_seeds)
