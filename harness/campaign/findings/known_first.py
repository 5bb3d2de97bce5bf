"""Puts the seeds that showed findings before in front, so that a bug that came back shows at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from harness.campaign.cells import CampaignPlan
from harness.campaign.findings.sightings import bare, sightings_in
from harness.campaign.journal import Stored

MOST_KNOWN = 20
LARGEST_SHARE = 4
"""Of a budget in runs, known seeds take this part at most: one in four."""


def with_known(plan: CampaignPlan, stored: Sequence[Stored]) -> CampaignPlan:
    """The plan with, for each finding of these campaigns, the seed that showed it last, in the same cell.

    The plan keeps them, so a campaign that is resumed goes on with the same ones. Findings that were seen
    latest come first.
    """
    bound = MOST_KNOWN if plan.most_runs is None else min(MOST_KNOWN, plan.most_runs // LARGEST_SHARE)
    known = tuple(dict.fromkeys(_latest(plan, stored)))[:bound]
    return msgspec.structs.replace(plan, known=known)


def _latest(plan: CampaignPlan, stored: Sequence[Stored]) -> Iterator[tuple[int, int]]:
    """By finding, the latest one first: the cell of the plan, and the seed."""
    cells = {bare(cell): number for number, cell in enumerate(plan.cells) if not cell.is_canary}
    found = []
    for mark, sighting in sightings_in(stored).items():
        here = [
            (line.at, place, cells[cell])
            for place, line in sighting.lines.items()
            if (cell := bare(stored[place.campaign].plan.cells[place.cell])) in cells
        ]
        if here:
            found.append((max(here), mark))
    for (_, place, number), _ in sorted(found, reverse=True):
        yield number, place.seed
