"""Which seeds a campaign draws in place of runs that proved nothing.

In some runs too little happens to prove anything. If the plan asks for it (`replaces_undecided`), the cell
gets one more seed for each such run, at most as many as it has seeds, and one. The new seeds follow the last
one of the cell, so they are the same each time, and after an interruption. A canary gets none, as its seeds
are counted; a shard neither, as another shard might draw the same seeds; and none is drawn for seeds that run
because time is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from checkers.verdict import Validity
from harness.campaign.cells import CampaignPlan, Unit, first_further_seed
from harness.campaign.journal import RunLine


def in_place_of_undecided(plan: CampaignPlan, done: Iterable[RunLine]) -> Iterator[Unit]:
    """The runs in place of those of `done` that proved nothing; also those that were done already."""
    if not plan.replaces_undecided or plan.shard is not None:
        return
    seeds = {
        (line.cell, line.seed)
        for line in done
        if line.outcome.validity is Validity.UNKNOWN
        for cell in [plan.cells[line.cell]]
        if not cell.is_canary and line.seed < first_further_seed(cell)
    }
    for number, undecided in sorted(Counter(cell for cell, _ in seeds).items()):
        cell = plan.cells[number]
        first = cell.first_seed + cell.seeds
        yield from (Unit(number, first + place) for place in range(min(undecided, cell.seeds + 1)))
