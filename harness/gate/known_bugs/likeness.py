"""Which seeded bug a violation looks like: by what its runs reported when it was measured.

Each kind of violation is taken by itself: with a bug it is reported in a certain share of the runs, without
any bug in none. A bug is the more likely the better these shares fit what the gate's runs of its cell
reported. It is a hint where to look, and no verdict: a new bug looks like some known one, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import log

from harness.campaign.cells import Cell
from harness.campaign.outcomes import Outcome
from harness.gate.known_bugs.seeded import SeededBug

MOST = 3
_NEVER = 0.05
"""For how many sightings a kind counts that no run reported, so that one sighting excludes no bug."""
Kinds = Collection[str]
"""The kinds of violation that one run reported."""


def kinds_of(outcome: Outcome) -> frozenset[str]:
    """The kinds of violation in a run, as seeded.toml names them."""
    return frozenset(f"{one.checker}: {one.kind}" for one in outcome.violations)


def most_like(bugs: Sequence[SeededBug], runs: Mapping[Cell, Sequence[Kinds]]) -> tuple[str, ...]:
    """The seeded bugs that fit these runs better than no bug does, the best first; at most `MOST`.

    Args:
        bugs: those that were measured.
        runs: what was reported, run by run, by cell without its seeds.
    """
    names = {kind for bug in bugs for kind in bug.shows}
    names |= {kind for rows in runs.values() for kinds in rows for kind in kinds}
    fits = {bug.mutant: _fit(bug, runs.get(bug.cell, ()), names) for bug in bugs}
    better = sorted((name for name, fit in fits.items() if fit > 0), key=lambda name: -fits[name])
    return tuple(better[:MOST])


def _fit(bug: SeededBug, rows: Sequence[Kinds], names: Collection[str]) -> float:
    """The logarithm of how many times as likely these runs are with the bug as without any."""
    return sum(
        times * log(with_bug / without) + (len(rows) - times) * log((1 - with_bug) / (1 - without))
        for kind in names
        for times in [sum(kind in kinds for kinds in rows)]
        for with_bug, without in [(_share(bug.shows.get(kind, 0), bug.runs), _share(0, bug.runs))]
    )


def _share(times: int, runs: int) -> float:
    return (times + _NEVER) / (runs + 2 * _NEVER)
