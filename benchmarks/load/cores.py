"""What a seed costs while the other cores are busy, too, and what a campaign loses on many cores.

    python benchmarks/load/cores.py [--seeds 24] [--rounds 5]

On an idle machine it tells apart why a second core does not double the work:

1. The processor time of a piece of work, alone and with the same work on every core: arithmetic that stays
   in registers, a walk through 64 MB of memory, a simulated seed. Arithmetic that gets slower means that the
   cores share one physical core, or a clock that falls; if only the walk does, they share caches and memory.
2. The share of time that the hypervisor took away (`steal` of /proc/stat).
3. A campaign of seeds on one process, and on one for each core: wall time against the sum of the seeds.
4. By the lengths of these seeds, the start of a process and the parent's time for a seed: what share of
   linear a campaign reaches on 2, 16 and 64 cores. That is arithmetic (`share_of_linear`); what 3 adds is not
   in it.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import os
import random
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

from scaling import CELL, done, processes

from harness.campaign.performing import simulated
from harness.executors.in_process import InProcess
from harness.executors.processes import Processes

STEPS = 3_000_000
WALKED_BYTES = 64 << 20
LINE_BYTES = 64
SEED = 4
"""Of the seed that every process runs: the same work everywhere."""


def arithmetic() -> None:
    """Work in registers and the first cache alone."""
    value = 1
    for _ in range(STEPS):
        value = (value * 1103515245 + 12345) & 0x7FFFFFFF


def walk() -> None:
    """Read one byte of each line of a memory that no cache of one core holds, in an order without pattern."""
    memory = bytearray(WALKED_BYTES)
    lines, at = WALKED_BYTES // LINE_BYTES, 1
    for _ in range(STEPS // 3):
        at = (at * 1103515245 + 12345 + memory[at * LINE_BYTES]) % lines


def seed() -> None:
    """A simulated seed with all its checkers."""
    simulated(CELL, SEED)


WORK: dict[str, Callable[[], None]] = {"arithmetic": arithmetic, "walk of 64 MB": walk, "a seed": seed}


def _worker(core: int, begin: Barrier, work: str, answers: Any) -> None:
    os.sched_setaffinity(0, {core})
    WORK[work]()  # once before, so that all is loaded
    begin.wait()
    before = time.process_time()
    WORK[work]()
    answers.put(time.process_time() - before)


def together(work: str, cores: Sequence[int]) -> float:
    """The processor time of this work on these cores at the same time, in seconds, on average."""
    context = get_context("spawn")
    begin, answers = context.Barrier(len(cores)), context.SimpleQueue()
    workers = [context.Process(target=_worker, args=(core, begin, work, answers)) for core in cores]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    total: float = sum(answers.get() for _ in cores)
    return total / len(cores)


def stolen_s() -> float:
    """Seconds of all cores that the hypervisor gave to others, until now."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    return int(first[8]) / os.sysconf("SC_CLK_TCK")


class Collected(NamedTuple):
    """What the collection of garbage took."""

    seconds: float
    share: float


def garbage(seeds: int) -> Collected:
    """The processor time in which seeds collect garbage."""
    spent, begun = 0.0, 0.0

    def note(phase: str, _: object) -> None:
        nonlocal spent, begun
        if phase == "start":
            begun = time.process_time()
        else:
            spent += time.process_time() - begun

    gc.callbacks.append(note)
    before = time.process_time()
    for one in range(seeds):
        simulated(CELL, one)
    gc.callbacks.remove(note)
    return Collected(spent / seeds, spent / (time.process_time() - before))


def share_of_linear(lengths_s: Sequence[float], cores: int, start_s: float, parent_s: float) -> float:
    """What share of `cores` times the work of one core a campaign does, from 0 to 1.

    Each process loads for `start_s`; whichever is free gets the next seed from the parent, which does one
    thing at a time and takes `parent_s` for each. The end is that of the last seed.
    """
    free = [(start_s, core) for core in range(cores)]
    parent_free_s = 0.0
    for length_s in lengths_s:
        ready_s, core = heapq.heappop(free)
        parent_free_s = max(parent_free_s, ready_s) + parent_s
        heapq.heappush(free, (parent_free_s + length_s, core))
    return sum(lengths_s) / (cores * max(at for at, _ in free))


def campaign(jobs: int, seeds: int) -> tuple[float, list[float]]:
    """Wall time of seeds on this number of processes, with their start; and each seed's processor time."""
    begun = time.monotonic()
    outcomes = done(InProcess(simulated) if jobs == 1 else Processes(simulated, jobs), seeds)
    return time.monotonic() - begun, [outcome.core_s for outcome in outcomes]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    print(f"load {os.getloadavg()[0]:.1f}, {len(cores)} cores")
    before_s, begun = stolen_s(), time.monotonic()
    for work in WORK:
        pairs = [(together(work, cores[:1]), together(work, cores)) for _ in range(given.rounds)]
        alone, at_once = (sorted(times)[given.rounds // 2] for times in zip(*pairs, strict=True))
        ratios = sorted(both / one for one, both in pairs)
        print(
            f"{work}: {alone:.3f} s alone, {at_once:.3f} s on every core at once: "
            f"{at_once / alone - 1:+.1%} (pairs {ratios[0] - 1:+.1%} to {ratios[-1] - 1:+.1%})"
        )
    taken = (stolen_s() - before_s) / len(cores) / (time.monotonic() - begun)
    print(f"stolen by the hypervisor meanwhile: {taken:.2%}")
    collected = garbage(8)
    print(f"garbage: {collected.seconds * 1e3:.0f} ms of a seed, {collected.share:.1%}")
    one_s, lengths = campaign(1, given.seeds)
    both_s, shared = campaign(len(cores), given.seeds)
    of = processes(given.seeds)
    start_s, parent_s = of.start_s, of.parent_seed_s
    expected = share_of_linear(lengths, len(cores), start_s, parent_s)
    print(f"{given.seeds} seeds on one process: {one_s:.1f} s, {sum(lengths):.1f} s of its core")
    print(f"the same on {len(cores)}: {both_s:.1f} s, {sum(shared):.1f} s of their cores")
    print(f"that is {one_s / both_s / len(cores):.0%} of linear; by arithmetic {expected:.0%}")
    print(
        f"a process starts in {start_s:.2f} s of processor time; "
        f"the parent takes {parent_s * 1e3:.2f} ms a seed"
    )
    draw = random.Random(1)
    for number in (100, 1_000, 10_000):
        drawn = draw.choices(lengths, k=number)
        shares = (f"{n} cores {share_of_linear(drawn, n, start_s, parent_s):.0%}" for n in (2, 16, 64))
        print(f"by arithmetic, {number:,} seeds of these lengths: {', '.join(shares)}")


if __name__ == "__main__":
    main()
