"""Makes the campaign of a gate: the default one, or that of a file with canaries added.

By default it runs the reference node in the simulated world, in every cell in which a seeded bug shows, with
enough seeds for the known bugs to be likely caught, as far as the budget allows that at the machine's pace
(pace.py); then once on real processes, where the budget has room for it. Each workload has a canary: the
seeded bug that is found most often.

In place of a run that proved nothing, another seed of its cell is drawn (harness/campaign/replacing.py).
The pace is measured once, and may change. If the machine gets slower, all cells fall back alike, as they take
turns by how many seeds they have, and what is stated needs a third of the time. If it gets faster, further
seeds run until the time is over or all bugs are likely caught.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.campaign.cells import CampaignPlan, Cell, canary, distinct
from harness.gate.changes.touched import Change, LeftOut, touched_bugs, touched_cells
from harness.gate.known_bugs.seeded import SeededBug, SeededBugs
from harness.gate.power import Power, least_needed, planned_seeds, power_of

NAME = "gate"
USUAL_S = 600.0
SHARE_PLANNED = 0.5
"""The share of the budget that the planned runs are expected to take, so that the gate also ends in time if
other work slows the machine down meanwhile."""
REAL_S = 90.0
"""Seconds that are set aside for the run on real processes: starting, healing and judging included."""
FASTER_TIMES = 16
"""How many times as fast as planned the runs may get, until no further seed is there for the time that is
left. A machine may be that much faster once many processes end that shared its cores while the pace was
measured."""
LEAST_FOR_REAL_S = 300.0
"""A smaller budget has no run on real processes."""
REAL = Cell(world="local", nemesis=("kill", "partition"), nodes=3, time_limit_s=20, seeds=1)
CHANCE_TO_MISS_CANARY = 1e-6
STABILITY = 2
"""How many seeds of each cell run twice, to be compared."""
MOST_NEEDED_S = 86_400.0
NO_ROOM_FOR_REAL = f"less than {LEAST_FOR_REAL_S:.0f} s are left for runs once the pace is measured"
NO_ROOM = "the budget has no room for it at this machine's pace"


class GatePlan(msgspec.Struct, frozen=True):
    """What a gate is to do."""

    campaign: CampaignPlan | None
    """None if the change reaches nothing that the gate runs."""
    known: SeededBugs
    """The known bugs that count for the power."""
    all_bugs: tuple[SeededBug, ...]
    """All known bugs, which a violation may look like."""
    left_out: tuple[LeftOut, ...] = ()
    remedy: str = ""
    """What would give it power, if it states no bug with the target's probability."""

    @property
    def power(self) -> Power:
        """The power that is stated beforehand."""
        cells = () if self.campaign is None else self.campaign.cells
        return power_of(self.known, [cell for cell in cells if not cell.is_canary])


def default_plan(
    known: SeededBugs,
    *,
    budget_s: float,
    jobs: int,
    with_real: bool,
    change: Change | None = None,
    pace: float = 1.0,
) -> GatePlan:
    """The gate of the reference node.

    Args:
        known: all bugs that were measured.
        budget_s: seconds that the gate may take.
        jobs: how many simulated runs are done at the same time.
        with_real: whether it may end with a run on real processes.
        change: what is to be tested; None for everything.
        pace: how many times as long a run takes here as it did where it was measured.
    """
    wanted: tuple[Cell, ...] = (REAL,) if with_real else ()
    bugs, left_out = (known.bugs, ()) if change is None else touched_bugs(change, known.bugs)
    wanted, real_left_out = (wanted, ()) if change is None else touched_cells(change, wanted)
    real = wanted if budget_s >= LEAST_FOR_REAL_S else ()
    simulated_s = budget_s - REAL_S * len(real)
    costs = {cell: pace * known.seconds_to_decide(cell) for cell in distinct([bug.cell for bug in bugs])}
    for_canaries_s = sum(_canary_s(workload, known, costs) for workload in {bug.workload for bug in bugs})
    planned_s = simulated_s * SHARE_PLANNED * jobs
    budget_for_seeds_s = max(0.0, planned_s - for_canaries_s)
    seeds = planned_seeds(bugs, costs, budget_for_seeds_s, STABILITY)
    more = planned_seeds(bugs, costs, FASTER_TIMES * planned_s, STABILITY)
    no_room = [LeftOut(cell.name, NO_ROOM) for cell in costs if cell not in seeds]
    no_room += [LeftOut(cell.name, NO_ROOM_FOR_REAL) for cell in wanted if cell not in real]
    cells = [msgspec.structs.replace(cell, seeds=number) for cell, number in seeds.items()]
    plan = CampaignPlan(
        cells=(*cells, *real),
        name=NAME,
        most_s=budget_s,
        most_simulated_s=simulated_s,
        stability=STABILITY,
        replaces_undecided=True,
        in_proportion=True,
        ends_in_time=True,
        further=tuple((place, max(0, more.get(cell, 0) - seeds[cell])) for place, cell in enumerate(seeds)),
    )
    return _gate(plan, known, bugs, (*left_out, *real_left_out, *no_room))


def seconds_needed(
    known: SeededBugs,
    *,
    more_than_s: float,
    jobs: int,
    with_real: bool,
    change: Change | None = None,
    pace: float = 1.0,
) -> float | None:
    """A budget, in seconds, in which the gate of the reference node states a first bug; None if a day is too
    short for that. It is at most a tenth longer than the shortest one.

    Args:
        more_than_s: a budget that is too small.
    """
    seconds = more_than_s
    while seconds < MOST_NEEDED_S:
        seconds *= 1.1
        plan = default_plan(known, budget_s=seconds, jobs=jobs, with_real=with_real, change=change, pace=pace)
        if not plan.power.is_none(stated=True):
            return seconds
    return None


def with_time_left(plan: CampaignPlan, left_s: float) -> CampaignPlan:
    """The plan with this time for its runs in place of its own; what it sets aside for real runs stays."""
    left_s = max(0.0, left_s)
    for_real_s = 0.0 if plan.most_simulated_s is None else (plan.most_s or 0.0) - plan.most_simulated_s
    simulated_s = None if plan.most_simulated_s is None else max(0.0, left_s - for_real_s)
    return msgspec.structs.replace(plan, most_s=left_s, most_simulated_s=simulated_s)


def plan_of_matrix(
    plan: CampaignPlan, known: SeededBugs, budget_s: float | None, change: Change | None
) -> GatePlan:
    """The gate of a matrix that a file describes; its own budget counts if no other is given."""
    bugs, left_out = (known.bugs, ()) if change is None else touched_bugs(change, known.bugs)
    cells, cells_left_out = (plan.cells, ()) if change is None else touched_cells(change, plan.cells)
    bounded = msgspec.structs.replace(
        plan,
        cells=cells,
        most_s=budget_s or plan.most_s or USUAL_S,
        replaces_undecided=True,
        in_proportion=True,
        ends_in_time=True,
    )
    made = _gate(bounded, known, bugs, (*left_out, *cells_left_out))
    needed = least_needed(made.known, cells)
    if needed is None or not made.power.is_none(stated=True):
        return made
    remedy = (
        f"{needed.seeds} seeds of {needed.cell.name} would catch {needed.mutant}: give its cells more seeds"
    )
    return msgspec.structs.replace(made, remedy=remedy)


def _gate(
    plan: CampaignPlan, known: SeededBugs, bugs: Sequence[SeededBug], left_out: Sequence[LeftOut]
) -> GatePlan:
    has_work = any(not cell.is_canary for cell in plan.cells)
    return GatePlan(
        with_canaries(plan, known) if has_work else None,
        msgspec.structs.replace(known, bugs=tuple(bugs)),
        known.bugs,
        tuple(left_out),
    )


def with_canaries(plan: CampaignPlan, known: SeededBugs) -> CampaignPlan:
    """The plan with a canary for each workload that it simulates, unless it has a canary of its own."""
    if any(cell.is_canary for cell in plan.cells):
        return plan
    workloads = dict.fromkeys(cell.workload for cell in plan.cells if cell.world == "sim")
    canaries = tuple(canary for workload in workloads for canary in _canary(workload, known))
    further = tuple((len(canaries) + place, seeds) for place, seeds in plan.further)
    return msgspec.structs.replace(plan, cells=(*canaries, *plan.cells), further=further)


def _best_canary(workload: str, known: SeededBugs) -> SeededBug | None:
    """The seeded bug of a workload that shows most often; of those that show as often, the one whose dearest
    run is the cheapest, as some bugs make single runs thirty times as dear. A bug of which that is not known
    counts as correct nodes do. None if none is measured to show in it."""

    def dearest(bug: SeededBug) -> float:
        return known.seconds_to_decide(bug.cell) if bug.dearest is None else bug.dearest

    bugs = [bug for bug in known.bugs if bug.workload == workload and bug.found]
    return max(bugs, key=lambda bug: (bug.odds.chance_to_catch(1), -dearest(bug)), default=None)


def _canary_s(workload: str, known: SeededBugs, costs: Mapping[Cell, float]) -> float:
    """What the runs of a workload's canary cost until it is found, on average, in seconds of one core."""
    best = _best_canary(workload, known)
    return 0.0 if best is None else costs.get(best.cell, 0.0) / best.odds.chance_to_catch(1)


def _canary(workload: str, known: SeededBugs) -> Iterator[Cell]:
    """The canary of a workload; nothing if no seeded bug is measured to show in it."""
    best = _best_canary(workload, known)
    if best is not None:
        seeds = next(
            seeds
            for seeds in range(5, 10_000, 5)
            if 1 - best.odds.chance_to_catch(seeds) <= CHANCE_TO_MISS_CANARY
        )
        yield canary(best.mutant, seeds)
