"""What was found in released systems, as cells that show it again, with the seeds that did.

released.toml has one table for each run of docs/found.md that shows something:

```toml
[[bugs]]
name = "pysyncobj-lost-write"
what = "violation"               # or "documented weakness"
checker = "set-full"             # the checker that reports it
shown = [1, 2]                   # the seeds that showed it; the first is that of docs/found.md
not_shown = [3]                  # the seeds of runs that did not; real runs: a seed may be in both
[bugs.cell]                      # the keys of a campaign's [[cells]]
system = "pysyncobj@0.3.17"
```
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.reading import CellKeys, expanded
from harness.gate.known_bugs.odds import Odds

RELEASED = Path(__file__).with_name("released.toml")
ENOUGH = 0.99
MOST_SEEDS = 8


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the file."""

    name: str
    what: Literal["violation", "documented weakness"]
    checker: str
    shown: tuple[int, ...]
    not_shown: tuple[int, ...]
    cell: CellKeys


class _Released(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int
    bugs: tuple[_Row, ...]


class ReleasedBug(msgspec.Struct, frozen=True):
    """One bug of a released system."""

    name: str
    what: Literal["violation", "documented weakness"]
    checker: str
    shown: tuple[int, ...]
    not_shown: tuple[int, ...]
    cell: Cell
    """Its run, with the first seed that showed it."""

    @property
    def odds(self) -> Odds:
        """In how many of the runs that were tried it was seen. These are few, and the first was chosen."""
        return Odds(len(self.shown), len(self.shown) + len(self.not_shown))

    @property
    def enough_seeds(self) -> int:
        """How many seeds show it with a probability of `ENOUGH`; `MOST_SEEDS` at most."""
        enough = (seeds for seeds in range(1, MOST_SEEDS) if self.odds.chance_to_catch(seeds) >= ENOUGH)
        return next(enough, MOST_SEEDS)

    def campaign(self, place: int) -> CampaignPlan:
        """The campaign of one run: that with the first seed, or with one after it."""
        cell = msgspec.structs.replace(self.cell, first_seed=self.cell.first_seed + place)
        return CampaignPlan(cells=(cell,), name=self.name)


@cache
def released_bugs() -> tuple[ReleasedBug, ...]:
    """All of them, in the file's order."""
    found = msgspec.convert(tomllib.loads(RELEASED.read_text(encoding="utf-8")), _Released)
    return tuple(
        ReleasedBug(row.name, row.what, row.checker, row.shown, row.not_shown, cell)
        for row in found.bugs
        for cell in expanded(row.cell, seeds=1, first_seed=row.shown[0])
    )
