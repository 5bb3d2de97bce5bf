"""Does guidance pay? Runs until a mutant's primary checker catches it: guided, and with plain seeds.

    python benchmarks/guidance.py previous-term-unchecked vote-twice --repetitions 8 --most 80

Each repetition begins with another seed; both ways begin with the same 16 runs. One core.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from harness.mutants.catalogue import MUTANTS
from harness.sim.judging import judge
from harness.sim.plan.swarm import Wishes, plan_of
from harness.sim.seeds.guided import Tried, guided

SEEDS_APART = 100_000


def with_guidance(name: str, first: int, most: int) -> int | None:
    """Runs until it is caught; None: not within so many."""
    caught: list[int] = []

    def take(tried: Tried, _is_new: bool, _states: int) -> bool:
        if MUTANTS[name].caught_by in tried.judged.invalid:
            caught.append(tried.number + 1)
        return not caught

    guided(first, most, wishes_of(name), jobs=1, done=(), take=take)
    return caught[0] if caught else None


def with_seeds(name: str, first: int, most: int) -> int | None:
    """Likewise, with one seed after the other."""
    with tempfile.TemporaryDirectory() as logs:
        for number in range(most):
            judged = judge(plan_of(first + number, wishes_of(name)), Path(logs))
            if MUTANTS[name].caught_by in judged.invalid:
                return number + 1
    return None


def wishes_of(name: str) -> Wishes:
    """All drawn, but for the bug and what clients have to do for it to show."""
    return Wishes(mutant=name, workload=MUTANTS[name].workload)


def main() -> None:
    """Print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mutants", nargs="+", choices=list(MUTANTS), metavar="MUTANT")
    parser.add_argument("--repetitions", type=int, default=8)
    parser.add_argument("--most", type=int, default=80)
    options = parser.parse_args()
    for name in options.mutants:
        for how, search in (("plain", with_seeds), ("guided", with_guidance)):
            took = [search(name, r * SEEDS_APART, options.most) for r in range(options.repetitions)]
            told = [str(one) if one is not None else f">{options.most}" for one in took]
            middle = median(one if one is not None else options.most + 1 for one in took)
            print(f"{name:28} {how:7} median {middle:5g}  {' '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
