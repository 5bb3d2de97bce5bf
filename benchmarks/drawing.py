"""Where to draw the next seed: even drawing compared with rules that follow what runs showed lately.

`python -m benchmarks.drawing table TABLE.jsonl --first-seed 1000` runs 22 cells of the simulator, 16 of them
each with another seeded bug, under 90 seeds each, and keeps of each run whether it shows the cell's bug, what
it found, and its behaviours. `python -m benchmarks.drawing rules TABLE.jsonl` then draws from this table by
each rule, 40 times, each time with the seeds of each cell in another order, and prints after how many runs
the k-th bug was found, and the k-th finding, and how many fewer these are than with even drawing. All rules
see the same runs, and their number alone differs.

Campaigns draw evenly, since no rule wins (docs/results/campaigns.md).
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

import msgspec

from harness.campaign.cells import Cell
from harness.campaign.outcomes import outcome_of
from harness.campaign.watching.behaviours import behaviours
from harness.mutants.catalogue import MUTANTS
from harness.sim.judging import results_of
from harness.sim.plan.profiles import PROFILES
from harness.sim.plan.stream import Stream
from harness.sim.plan.swarm import plan_of
from harness.sim.run import run
from harness.sim.seeds.hunting import options_for

BUGS = (
    *("vote-twice", "commit-earlier-terms", "deposed-leader-answers", "never-fsync", "recover-short"),
    *("truncation-not-written", "quorum-of-old-set", "sessions-not-in-snapshot", "install-over-newer-state"),
    *("retry-applied-twice", "timeout-means-failed", "deregister-forgotten", "previous-term-unchecked"),
    *("obey-deposed-leaders", "vote-not-persisted", "read-before-first-commit"),
)
SEEDS = 90
REPETITIONS = 40
BUGS_SHOWN = (1, 4, 6, 8, 10, 12, 13)
FINDINGS_SHOWN = (10, 20, 40, 60, 80)


class Row(msgspec.Struct, frozen=True):
    """One run of the table."""

    cell: int
    seed: int
    profile: str
    """What the seed has most of (harness/sim/plan/profiles.py)."""
    shows_bug: bool
    findings: tuple[str, ...]
    behaviours: tuple[int, ...]


Table = Mapping[int, Mapping[int, Row]]
"""By cell and seed."""
Order = Mapping[int, Sequence[int]]
"""By cell, its seeds in the order of one repetition."""
Rule = Callable[[Table, Order], Iterator[Row]]
"""Draws all runs of a table, one after the other; each depends only on the runs before."""


def cells() -> list[Cell]:
    """Sixteen cells with one seeded bug each, and six without."""
    found = []
    for name in BUGS:
        options = options_for(name)
        found.append(Cell(mutant=name, workload=options.workload, nemesis=options.nemesis))
    for workload in ("registry", "cas", "register"):
        found += [Cell(workload=workload), Cell(workload=workload, nemesis=("kill", "partition"))]
    return [msgspec.structs.replace(cell, nodes=3, time_limit_s=3) for cell in found]


def make(path: Path, first_seed: int, part: int, parts: int) -> None:
    """Run this part of the cells under all seeds, and write a line for each run."""
    with path.open("ab") as file:
        for seed in range(first_seed, first_seed + SEEDS):
            for number, cell in enumerate(cells()):
                if number % parts == part:
                    file.write(msgspec.json.encode(_row(number, cell, seed)) + b"\n")


def _row(number: int, cell: Cell, seed: int) -> Row:
    ran = run(plan_of(seed, cell.seed_options()))
    with tempfile.TemporaryDirectory() as logs:
        outcome = outcome_of(results_of(ran, Path(logs)), ran.problem)
    checker = MUTANTS[cell.mutant].caught_by if cell.mutant else ""
    lives = (life for lives in ran.traces.values() for life in lives)
    return Row(
        cell=number,
        seed=seed,
        profile=Stream(seed, "profile").choose(PROFILES),
        shows_bug=any(one.checker == checker for one in outcome.violations),
        findings=tuple(f"{cell.mutant}: {one.checker}: {one.kind}" for one in outcome.violations),
        behaviours=behaviours(lives, ran.operations),
    )


def even(table: Table, order: Order) -> Iterator[Row]:
    """One seed of each cell after the other, as campaigns do."""
    for place in range(max(map(len, order.values()))):
        for cell, seeds in order.items():
            if place < len(seeds):
                yield table[cell][seeds[place]]


class Paying(msgspec.Struct, frozen=True):
    """Half of the draws in turn; the others where runs paid lately.

    A run pays the logarithm of one plus its new behaviours, and `weight` for each of its findings, divided by
    how often that was seen before, plus one; a finding that was seen three times pays nothing. What an arm
    pays lately is a moving average with the factor `decay`. An arm is a cell, or, with `by_profile`, a cell
    and the profile of the seed, which is known before the run. An arm that was never drawn comes first.
    """

    weight: float
    decay: float = 0.8
    by_profile: bool = False

    def __call__(self, table: Table, order: Order) -> Iterator[Row]:
        """Draw all runs of the table."""
        left = {cell: list(seeds) for cell, seeds in order.items()}
        pays: dict[tuple[int, str], float] = {}
        known: set[int] = set()
        seen: Counter[str] = Counter()
        turn: list[int] = []
        for step in range(sum(map(len, left.values()))):
            if step % 2 == 0:
                turn = [cell for cell in turn if left[cell]] or [cell for cell in left if left[cell]]
                row = table[turn[0]][left[turn[0]][0]]
                turn = turn[1:]
            else:
                row = self._best(table, left, pays)
            left[row.cell].remove(row.seed)
            pay = math.log2(1 + len(set(row.behaviours) - known))
            pay += self.weight * sum(1 / (1 + seen[one]) for one in row.findings if seen[one] < 3)
            known.update(row.behaviours)
            seen.update(row.findings)
            arm = self._arm(row)
            pays[arm] = pay if arm not in pays else self.decay * pays[arm] + (1 - self.decay) * pay
            yield row

    def _best(
        self, table: Table, left: Mapping[int, list[int]], pays: Mapping[tuple[int, str], float]
    ) -> Row:
        """The next seed of the arm that pays most."""
        first: dict[tuple[int, str], Row] = {}
        for cell, seeds in left.items():
            for seed in seeds[: 12 if self.by_profile else 1]:
                first.setdefault(self._arm(table[cell][seed]), table[cell][seed])
        return first[max(first, key=lambda arm: pays.get(arm, math.inf))]

    def _arm(self, row: Row) -> tuple[int, str]:
        return row.cell, row.profile if self.by_profile else ""


def pausing(table: Table, order: Order) -> Iterator[Row]:
    """In turn, but a cell whose bug was seen three times has only every fourth turn."""
    left = {cell: list(seeds) for cell, seeds in order.items()}
    times: Counter[int] = Counter()
    turn = 0
    while any(left.values()):
        for cell, seeds in left.items():
            if seeds and (times[cell] < 3 or turn % 4 == 0):
                row = table[cell][seeds.pop(0)]
                times[cell] += bool(row.findings)
                yield row
        turn += 1


RULES: Mapping[str, Rule] = {
    "even": even,
    "new behaviours": Paying(weight=0),
    "new behaviours, by profile": Paying(weight=0, by_profile=True),
    "new behaviours and rare findings": Paying(weight=5),
    "the same, by profile": Paying(weight=5, by_profile=True),
    "less where a bug is known": pausing,
}


Runs = Mapping[int, Sequence[int]]
"""By k, after how many runs the k-th was found, in each repetition."""


def measured(rule: Rule, table: Table) -> tuple[Runs, Runs]:
    """After how many runs the k-th bug was found, and the k-th finding."""
    bugs: defaultdict[int, list[int]] = defaultdict(list)
    findings: defaultdict[int, list[int]] = defaultdict(list)
    for repetition in range(REPETITIONS):
        drawn = random.Random(repetition)
        order = {cell: drawn.sample(sorted(rows), len(rows)) for cell, rows in sorted(table.items())}
        seen_bugs: set[int] = set()
        seen: set[str] = set()
        for number, row in enumerate(rule(table, order), 1):
            if row.shows_bug and row.cell not in seen_bugs:
                seen_bugs.add(row.cell)
                bugs[len(seen_bugs)].append(number)
            for one in set(row.findings) - seen:
                seen.add(one)
                findings[len(seen)].append(number)
    return bugs, findings


def compared(runs: Runs, even_runs: Runs, shown: Sequence[int]) -> str:
    """The means, and how many runs fewer than even drawing, with the half of a 95 % interval."""
    columns = []
    for k in shown:
        if k in runs:
            saved = [one - other for one, other in zip(even_runs[k], runs[k], strict=True)]
            half = 2 * stdev(saved) / math.sqrt(len(saved))
            columns.append(f"{mean(runs[k]):5.0f} ({mean(saved):+.0f} +- {half:.0f})".rjust(20))
    return "".join(columns)


def compare(path: Path) -> None:
    """Print a line of numbers for each rule."""
    table: defaultdict[int, dict[int, Row]] = defaultdict(dict)
    for line in path.read_bytes().splitlines():
        row = msgspec.json.decode(line, type=Row)
        table[row.cell][row.seed] = row
    odds = [sum(row.shows_bug for row in rows.values()) for _, rows in sorted(table.items())]
    print(f"runs: {sum(map(len, table.values()))}; seeds of {SEEDS} that show each bug: {odds[: len(BUGS)]}")
    even_bugs, even_findings = measured(even, table)
    for name, rule in RULES.items():
        bugs, findings = measured(rule, table)
        print(f"{name}\n  bugs     {compared(bugs, even_bugs, BUGS_SHOWN)}")
        print(f"  findings {compared(findings, even_findings, FINDINGS_SHOWN)}", flush=True)


def main() -> None:
    """Make a table, or compare the rules on one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["table", "rules"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--part", default="1/1", help="which part of the cells: 1/2")
    given = parser.parse_args()
    if given.what == "rules":
        compare(given.path)
    else:
        part, parts = map(int, given.part.split("/"))
        make(given.path, given.first_seed, part - 1, parts)


if __name__ == "__main__":
    main()
