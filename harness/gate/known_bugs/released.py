"""What was found in released systems, as cells that show it again, with the seeds that did.

released.toml has one table for each run of docs/found.md that shows something, and for each script:

```toml
[[bugs]]
name = "pysyncobj-lost-write"
what = "violation"               # or "documented weakness"
checker = "set-full"             # the checker that reports it
shown = [1, 2]                   # the seeds that showed it; the first is that of docs/found.md
not_shown = [3, [5, 9]]          # those that did not, [5, 9] for 5 to 9; a seed of real runs may be in both
[bugs.cell]                      # the keys of a campaign's [[cells]]
system = "pysyncobj@0.3.17"
```

A cell of a core has its command in `core` of the bug, as here.py fills it in, and how it is built:

```toml
core = "{built}/core"
[bugs.build]
folder = "docs/examples/lockstep/etcd"      # copied; the patches are made in the copy, the commands run there
patches = ["variants/ask-again.diff"]
commands = ["go build -o core ."]
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


Seeds = tuple[int | tuple[int, int], ...]
"""Seeds, or the first and the last one of several that follow each other."""


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a core is built."""

    folder: str
    """Its sources, from the root of this repository."""
    commands: tuple[str, ...]
    patches: tuple[str, ...] = ()
    """Files of that folder."""


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table of the file."""

    name: str
    what: Literal["violation", "documented weakness"]
    checker: str
    shown: tuple[int, ...]
    not_shown: Seeds
    cell: CellKeys
    core: str | None = None
    build: Build | None = None


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
    """Its run, with the first seed that showed it; of a core, here.py fills it in."""
    core: str | None = None
    build: Build | None = None

    @property
    def odds(self) -> Odds:
        """In how many of the runs that were tried it was seen. These are few, and the first was chosen."""
        return Odds(len(self.shown), len(self.shown) + len(self.not_shown))

    @property
    def enough_seeds(self) -> int:
        """How many seeds show it with a probability of `ENOUGH`; `MOST_SEEDS` at most. A simulated seed that
        showed it does so again."""
        if self.cell.world == "sim":
            return 1
        enough = (seeds for seeds in range(1, MOST_SEEDS) if self.odds.chance_to_catch(seeds) >= ENOUGH)
        return next(enough, MOST_SEEDS)

    def campaign(self, place: int, cell: Cell | None = None) -> CampaignPlan:
        """The campaign of one run: that with the first seed, or with one after it.

        Args:
            place: how many seeds after the first.
            cell: the bug's cell as this machine can run it (here.py); None: as it is.
        """
        own = self.cell if cell is None else cell
        own = msgspec.structs.replace(own, first_seed=own.first_seed + place)
        return CampaignPlan(cells=(own,), name=self.name, stability=0)


@cache
def released_bugs() -> tuple[ReleasedBug, ...]:
    """All of them, in the file's order."""
    found = msgspec.convert(tomllib.loads(RELEASED.read_text(encoding="utf-8")), _Released)
    return tuple(
        ReleasedBug(
            row.name, row.what, row.checker, row.shown, _each(row.not_shown), cell, row.core, row.build
        )
        for row in found.bugs
        for cell in expanded(row.cell, seeds=1, first_seed=row.shown[0])
    )


def _each(seeds: Seeds) -> tuple[int, ...]:
    """The seeds one by one."""
    return tuple(
        seed for one in seeds for seed in ((one,) if isinstance(one, int) else range(one[0], one[1] + 1))
    )
