"""Where a finding was seen: by campaign, cell and seed, and in how many runs that could have shown it.

Only runs of the cells in which a finding was ever seen can show it. Of these, only the ones that say
something count for its state: those that showed it, and those that are valid. A run that is unknown, or that
only another violation made invalid, does not show that the finding is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from checkers.verdict import Validity
from harness.campaign.cells import Cell
from harness.campaign.findings.fingerprint import Subject, fingerprint, subject_of
from harness.campaign.findings.states import Seen
from harness.campaign.journal import RunLine, Stored
from harness.campaign.outcomes import Outcome, Violation
from harness.sim.lockstep.protocol import ForeignCore


class Place(NamedTuple):
    """One run of some campaigns."""

    campaign: int
    """The campaign's place among them."""
    cell: int
    seed: int


class Sighting(msgspec.Struct):
    """What is gathered of one finding."""

    subject: Subject
    violation: Violation
    lines: dict[Place, RunLine]
    places: int = 0
    """The sum, over its runs, of its places among the violations of a run: root causes come first."""


def sightings_in(stored: Sequence[Stored]) -> dict[str, Sighting]:
    """By fingerprint, where these campaigns saw each finding."""
    found: dict[str, Sighting] = {}
    for number, campaign in enumerate(stored):
        for (cell, seed), line in _once(campaign).items():
            subject = subject_of(campaign.plan.cells[cell], line.outcome)
            for place, violation in enumerate(line.outcome.violations):
                mark = fingerprint(subject, violation)
                sighting = found.setdefault(mark, Sighting(subject, violation, {}))
                sighting.lines[Place(number, cell, seed)] = line
                sighting.places += place
    return found


def could_show(stored: Sequence[Stored], sighting: Sighting) -> Mapping[Place, RunLine]:
    """All runs of the cells in which a finding was ever seen, in the order of the campaigns."""
    where = {bare(stored[place.campaign].plan.cells[place.cell]) for place in sighting.lines}
    return {
        Place(number, cell, seed): line
        for number, campaign in enumerate(stored)
        for (cell, seed), line in _once(campaign).items()
        if bare(campaign.plan.cells[cell]) in where
        and subject_of(campaign.plan.cells[cell], line.outcome) == sighting.subject
    }


def seen_in(stored: Sequence[Stored], sighting: Sighting) -> list[Seen]:
    """By campaign, in how many of the runs that say something about a finding it was seen."""
    seen: dict[int, Seen] = {}
    for place, line in could_show(stored, sighting).items():
        if is_decided(line.outcome, sighting.violation):
            before = seen.get(place.campaign, Seen(0, 0))
            seen[place.campaign] = Seen(before.times + (place in sighting.lines), before.runs + 1)
    return list(seen.values())


def is_decided(outcome: Outcome, violation: Violation) -> bool:
    """Whether a run says something about a finding: it shows it, or it is valid."""
    return outcome.validity is Validity.VALID or outcome.shown(violation) is not None


def bare(cell: Cell) -> Cell:
    """The cell without its seeds, and without the version of its system, which its runs state, or of its
    core."""
    core = None if cell.core is None else ForeignCore(cell.core.command, ())
    return msgspec.structs.replace(
        cell, seeds=1, first_seed=0, is_canary=False, system=cell.system.partition("@")[0], core=core
    )


def _once(stored: Stored) -> dict[tuple[int, int], RunLine]:
    """The run of each seed of each cell; a repetition counts only where it is alone."""
    lines = sorted(stored.runs, key=lambda line: not line.again)
    return {(line.cell, line.seed): line for line in lines}
