"""How fast simulated runs are on this machine at the moment, so that a gate plans only what it can do.

Before a gate plans, it does some of the first seeds of its cells, as many at the same time as later, for a
fiftieth of its budget. What they take, divided by what the same seeds took of one idle core when the odds
were measured, is the pace: about 1 on such a machine, and 3 where other work leaves a third of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from harness.campaign.cells import Cell, Unit
from harness.campaign.executors import Executor, simulating
from harness.campaign.outcomes import Outcome
from harness.executors.executor import WAIT_S
from harness.gate.changes.touched import Change
from harness.gate.known_bugs.seeded import SeededBugs, place_of
from harness.gate.planning import GatePlan, default_plan

SHARE = 0.02
"""The share of the budget in which runs are begun to measure the pace."""


def paced_plan(
    known: SeededBugs, *, budget_s: float, jobs: int, with_real: bool, change: Change | None = None
) -> GatePlan:
    """The gate of the reference node that this machine can do in its budget (`default_plan`)."""
    begin = time.monotonic()
    plan = default_plan(known, budget_s=budget_s, jobs=jobs, with_real=with_real, change=change)
    if plan.campaign is None:
        return plan
    here = pace(known, plan.campaign.cells, simulating(jobs), SHARE * budget_s)
    left_s = budget_s - (time.monotonic() - begin)
    return default_plan(known, budget_s=left_s, jobs=jobs, with_real=with_real, change=change, pace=here)


def pace(known: SeededBugs, cells: Sequence[Cell], executor: Executor, most_s: float) -> float:
    """How many times as long runs take here as they did where they were measured; 1 if that is not known.

    Args:
        cells: of the gate; those that were not measured are left out, and so are canaries.
        executor: does the runs; it is closed at the end.
        most_s: seconds in which runs are begun; those that were begun are awaited.
    """
    begin = time.monotonic()
    measured = list(_measured(known, cells))
    left = iter(measured)
    expected = {unit: seconds for unit, _, seconds in measured}
    took_s = expected_s = 0.0
    try:
        while True:
            while executor.has_room and time.monotonic() - begin < most_s:
                following = next(left, None)
                if following is None:
                    break
                unit, cell, _ = following
                executor.begin(unit, cell, unit.seed)
            if not executor.is_busy:
                return took_s / expected_s if took_s and expected_s else 1.0
            for unit, outcome in executor.wait(WAIT_S):
                if isinstance(outcome, Outcome):  # what the harness cannot do, the campaign will say
                    took_s += outcome.took_s
                    expected_s += expected[unit]
    finally:
        executor.close()


def _measured(known: SeededBugs, cells: Sequence[Cell]) -> Iterator[tuple[Unit, Cell, float]]:
    """The first seeds of each cell in turn, with the seconds of one core that each took."""
    places = [(number, place_of(cell)) for number, cell in enumerate(cells)]
    seconds = [
        (number, cell, one.first_seconds)
        for number, cell in places
        if (one := known.measured_as(cell)) is not None
    ]
    for seed in range(max((len(first) for _, _, first in seconds), default=0)):
        for number, cell, first in seconds:
            if seed < len(first):
                yield Unit(number, seed), cell, first[seed]
