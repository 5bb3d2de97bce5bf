"""Makes the campaign of a gate: the default one, or that of a file with canaries added.

By default it runs the reference node in the simulated world, in every cell in which a seeded bug shows, with
so many seeds that the known bugs are likely caught; then once on real processes, where the budget has room
for it. Each workload has a canary: the seeded bug that is found most often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from harness.campaign.cells import CampaignPlan, Cell, canary, distinct
from harness.gate.known_bugs.seeded import SeededBug, SeededBugs
from harness.gate.power import planned_seeds

NAME = "gate"
USUAL_S = 600.0
SHARE_PLANNED = 0.6
"""The share of the budget that the planned runs are expected to take, so that a slower machine ends, too."""
REAL_S = 90.0
"""Seconds that are set aside for the run on real processes: starting, healing and judging included."""
LEAST_FOR_REAL_S = 300.0
"""A smaller budget has no run on real processes."""
REAL = Cell(world="local", nemesis=("kill", "partition"), nodes=3, time_limit_s=20, seeds=1)
CHANCE_TO_MISS_CANARY = 1e-6


def default_plan(
    known: SeededBugs, bugs: Sequence[SeededBug], *, budget_s: float, jobs: int, with_real: bool
) -> CampaignPlan:
    """The gate of the reference node.

    Args:
        known: all bugs that were measured; canaries are taken from them.
        bugs: those that are to be caught.
        budget_s: seconds that the gate may take.
        jobs: how many simulated runs are done at the same time.
        with_real: whether it may end with a run on real processes.
    """
    real = (REAL,) if with_real and budget_s >= LEAST_FOR_REAL_S else ()
    simulated_s = budget_s - REAL_S * len(real)
    costs = {cell: known.seconds_of(cell) for cell in distinct([bug.cell for bug in bugs])}
    seeds = planned_seeds(bugs, costs, simulated_s * SHARE_PLANNED * jobs)
    cells = tuple(msgspec.structs.replace(cell, seeds=number) for cell, number in seeds.items())
    return with_canaries(CampaignPlan(cells=(*cells, *real), name=NAME, most_s=budget_s, stability=2), known)


def with_canaries(plan: CampaignPlan, known: SeededBugs) -> CampaignPlan:
    """The plan with a canary for each workload that it simulates, unless it has a canary of its own."""
    if any(cell.is_canary for cell in plan.cells):
        return plan
    workloads = dict.fromkeys(cell.workload for cell in plan.cells if cell.world == "sim")
    canaries = tuple(canary for workload in workloads for canary in _canary(workload, known))
    return msgspec.structs.replace(plan, cells=(*canaries, *plan.cells))


def _canary(workload: str, known: SeededBugs) -> Iterator[Cell]:
    """The canary of a workload; nothing if no seeded bug is measured to show in it."""
    bugs = [bug for bug in known.bugs if bug.workload == workload and bug.found]
    if bugs:
        best = max(bugs, key=lambda bug: bug.odds.chance_to_catch(1))
        seeds = next(
            seeds
            for seeds in range(5, 10_000, 5)
            if 1 - best.odds.chance_to_catch(seeds) <= CHANCE_TO_MISS_CANARY
        )
        yield canary(best.mutant, seeds)
