"""What a campaign says before it starts: which of its times are too short for what it asks for.

A time limit is too short if a cell's faults cannot all have their turn in it
(harness/run/time_limits/enough.py), and a budget if not each cell can have a run in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from harness.campaign.budget.sharing import first_runs_s, rest_here_s
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.refusals import test_of
from harness.nemesis import Nemesis, nemesis_of
from harness.run.test import Test, with_chosen_faults
from harness.run.time_limits.enough import all_begin_s, enough_s, in_words
from harness.run.time_limits.too_short import TooShort
from harness.sim.mechanisms.catalogue import SIM
from harness.sim.plan.plan import Plan
from harness.sim.plan.swarm import plan_of

SEEDS_LOOKED_AT = 20
"""Of a simulated cell, whose seeds draw how long faults last."""


def shortages(
    plan: CampaignPlan, real_jobs: int = 1, rest_of_run_s: float | None = None
) -> tuple[TooShort, ...]:
    """The times of a plan that are too short. All of its cells can be run (refusals.py).

    Args:
        real_jobs: how many real runs are done at the same time.
        rest_of_run_s: what a real run takes in addition to its time limit; None: by this machine's load.
    """
    rest = rest_here_s() if rest_of_run_s is None else rest_of_run_s
    return (*_time_limits(plan), *_budget(plan, real_jobs, rest))


def _time_limits(plan: CampaignPlan) -> Iterator[TooShort]:
    """Time limits that are too short, each once with all cells that have it."""
    found: dict[TooShort, list[str]] = {}
    for cell in dict.fromkeys(plan.cells):
        if cell.time_limit_s is not None and cell.nemesis != ():
            enough, begin, faults = _needed(cell)
            if cell.time_limit_s < enough:
                words = in_words(faults, enough, is_cut=cell.time_limit_s > begin)
                text = f"time_limit_s is {cell.time_limit_s}, which is too short: {words}"
                found.setdefault(TooShort(cell.time_limit_s, enough, text), []).append(cell.name)
    for short, cells in found.items():
        others = f" and {len(cells) - 1} more cells" if len(cells) > 1 else ""
        yield msgspec.structs.replace(short, text=f"{short.text}: {cells[0]}{others}", cells=tuple(cells))


def _needed(cell: Cell) -> tuple[float, float, tuple[str, ...]]:
    """The seconds that the first turns of a cell's faults take at the most, those after which all have begun,
    and these faults."""
    if cell.world != "sim":
        test = _chosen(cell)
        return enough_s(test), all_begin_s(test), test.nemesis
    seeds = range(cell.first_seed, cell.first_seed + min(cell.seeds, SEEDS_LOOKED_AT))
    plans = [plan_of(seed, cell.seed_options()) for seed in seeds]
    longest = max(plans, key=lambda plan: _nemesis(plan).first_turns_ms)
    begin_ms = max(_nemesis(plan).first_turns_begin_ms for plan in plans)
    enough_ms = _nemesis(longest).first_turns_ms
    return math.ceil(enough_ms / 1000), begin_ms / 1000, longest.test.nemesis


def _nemesis(plan: Plan) -> Nemesis:
    nemesis = nemesis_of(plan.test.nemesis, SIM, plan.test.nodes)
    return msgspec.structs.replace(nemesis, pace=plan.pace)


def _budget(plan: CampaignPlan, real_jobs: int, rest_of_run_s: float) -> Iterator[TooShort]:
    """A budget that ends before each cell of real processes had a run."""
    real = [cell for cell in plan.cells if cell.world != "sim"]
    if plan.most_s is None or not real or plan.shard is not None:
        return
    enough = math.ceil(first_runs_s(real, rest_of_run_s) / real_jobs)
    if plan.most_s < enough:
        at_once = "one at a time" if real_jobs == 1 else f"{real_jobs} at a time"
        more = "" if any(cell.world == "ssh" for cell in real) else f", or --real-jobs {real_jobs + 1}"
        yield TooShort(
            plan.most_s,
            enough,
            f"a budget of {plan.most_s:g} s is too short for one run of each cell: {len(real)} real ones "
            f"take about {enough} s, {at_once}; give --seconds {enough}{more}"
            f"{_given_up(real, plan.most_s * real_jobs, rest_of_run_s)}",
            tuple(cell.name for cell in real),
        )


def _given_up(real: Sequence[Cell], budget_s: float, rest_of_run_s: float) -> str:
    """Which cells have no run if the budget stays: the last ones, as first runs begin in the plan's order."""
    fitting = sum(
        first_runs_s(real[:number], rest_of_run_s) <= budget_s for number in range(1, len(real) + 1)
    )
    left = real[fitting:]
    others = f" and {len(left) - 1} more" if len(left) > 1 else ""
    return f"; as it is, no run is left for {left[0].name}{others}" if left else ""


def _chosen(cell: Cell) -> Test:
    return with_chosen_faults(test_of(cell))
