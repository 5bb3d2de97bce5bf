"""All findings of a store's campaigns, what to look at first on top."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import msgspec

from harness.campaign.cells import Cell
from harness.campaign.findings.baseline import Known
from harness.campaign.findings.fingerprint import Subject, fingerprint, subject_of
from harness.campaign.findings.states import FindingState, Seen, state_of
from harness.campaign.journal import RunLine, Stored
from harness.campaign.outcomes import Violation

_ORDER: Sequence[FindingState] = ("regressed", "new", "ongoing", "rare", "resolved")


class Example(msgspec.Struct, frozen=True):
    """One run that shows a finding."""

    cell: str
    seed: int
    title: str
    command: str
    """The line that runs it again."""
    folder: str = ""
    """Of a real run: its folder, with the report."""


class Finding(msgspec.Struct, frozen=True):
    """One violation through all campaigns."""

    fingerprint: str
    state: FindingState
    subject: Subject
    checker: str
    kind: str
    times: int
    """In how many runs it was seen."""
    runs: int
    """How many runs could have shown it: those of the cells in which it was ever seen."""
    first_seen: str
    last_seen: str
    campaigns: int
    """In how many campaigns it was seen."""
    last_campaign: str
    """The name of the folder of the last of them."""
    example: Example
    """The latest run that shows it."""
    only_with: str | None = None
    """The fingerprint of another finding that every run with this one shows, too: look at that one first."""
    is_expected: bool = False
    """Whether it is that of a seeded bug."""
    why: str = ""
    """What the baseline says of it."""
    is_known: bool = False
    """Whether the baseline lists it."""


class _Sighting(msgspec.Struct):
    """What is gathered of one finding."""

    subject: Subject
    violation: Violation
    lines: dict[tuple[int, int, int], RunLine]
    """By campaign, cell and seed."""
    places: int = 0
    """The sum, over its runs, of its places among the violations of a run: root causes come first."""


def findings(stored: Sequence[Stored], baseline: Mapping[str, Known]) -> list[Finding]:
    """The findings of these campaigns, which are in order, and each of which began after the one before."""
    sightings = _sightings(stored)
    leaders = _leaders(sightings)
    found = [
        _finding(mark, sighting, stored, baseline.get(mark), leaders.get(mark))
        for mark, sighting in sightings.items()
    ]
    place = {one.fingerprint: _rank(one) for one in found}

    def rank(one: Finding) -> tuple[object, ...]:
        """By rank; what is seen only with another right after it."""
        own = place[one.fingerprint]
        return (*(own if one.only_with is None else place[one.only_with]), one.only_with is not None, *own)

    return sorted(found, key=rank)


def _rank(one: Finding) -> tuple[bool, int, float, str]:
    """What to look at first: no seeded bugs; what has just changed; what is frequent and so quick to see."""
    return one.is_expected, _ORDER.index(one.state), -one.times / one.runs, one.fingerprint


def _once(stored: Stored) -> dict[tuple[int, int], RunLine]:
    """The run of each seed of each cell; a repetition counts only where it is alone."""
    lines = sorted(stored.runs, key=lambda line: not line.again)
    return {(line.cell, line.seed): line for line in lines}


def _sightings(stored: Sequence[Stored]) -> dict[str, _Sighting]:
    found: dict[str, _Sighting] = {}
    for number, campaign in enumerate(stored):
        for (cell, seed), line in _once(campaign).items():
            subject = subject_of(campaign.plan.cells[cell], line.outcome)
            for place, violation in enumerate(line.outcome.violations):
                mark = fingerprint(subject, violation)
                sighting = found.setdefault(mark, _Sighting(subject, violation, {}))
                sighting.lines[number, cell, seed] = line
                sighting.places += place
    return found


def _leaders(sightings: Mapping[str, _Sighting]) -> dict[str, str]:
    """By finding, another one that is seen in each of its runs; of several the most frequent, then the one
    that comes first among the root causes. One defect makes several checkers report."""

    def rank(mark: str) -> tuple[int, float, str]:
        one = sightings[mark]
        return -len(one.lines), one.places / len(one.lines), mark

    firsts: list[str] = []
    leaders = {}
    for mark in sorted(sightings, key=rank):
        one = sightings[mark]
        covering = (
            first
            for first in firsts
            if sightings[first].subject == one.subject and one.lines.keys() <= sightings[first].lines.keys()
        )
        leader = next(covering, None)
        if leader is None:
            firsts.append(mark)
        else:
            leaders[mark] = leader
    return leaders


def _finding(
    mark: str, sighting: _Sighting, stored: Sequence[Stored], known: Known | None, leader: str | None
) -> Finding:
    seen = _seen(sighting, stored)
    lines = sorted(sighting.lines.items(), key=lambda one: (one[1].at, one[0]))
    (campaign, number, seed), last = lines[-1]
    cell: Cell = stored[campaign].plan.cells[number]
    title = next(
        violation.title
        for violation in last.outcome.violations
        if (violation.checker, violation.kind) == (sighting.violation.checker, sighting.violation.kind)
    )
    return Finding(
        fingerprint=mark,
        state=state_of(seen, known),
        subject=sighting.subject,
        checker=sighting.violation.checker,
        kind=sighting.violation.kind,
        times=len(lines),
        runs=sum(one.runs for one in seen),
        first_seen=lines[0][1].at,
        last_seen=last.at,
        campaigns=len({campaign for campaign, _, _ in sighting.lines}),
        last_campaign=stored[max(campaign for campaign, _, _ in sighting.lines)].folder.name,
        example=Example(
            cell.name, seed, title, shlex.join(["ackproof", *cell.arguments(seed)]), last.outcome.folder
        ),
        only_with=leader,
        is_expected=bool(sighting.subject.mutant),
        why="" if known is None else known.why,
        is_known=known is not None,
    )


def _seen(sighting: _Sighting, stored: Sequence[Stored]) -> list[Seen]:
    """By campaign, in how many of the runs that could have shown a finding it was seen."""
    where = {_cell_of(stored[campaign].plan.cells[cell]) for campaign, cell, _ in sighting.lines}
    seen = []
    for number, campaign in enumerate(stored):
        runs = [
            (number, cell, seed)
            for (cell, seed), line in _once(campaign).items()
            if _cell_of(campaign.plan.cells[cell]) in where
            and subject_of(campaign.plan.cells[cell], line.outcome) == sighting.subject
        ]
        if runs:
            seen.append(Seen(sum(run in sighting.lines for run in runs), len(runs)))
    return seen


def _cell_of(cell: Cell) -> Cell:
    """The cell without its seeds, and without the version of its system, which its runs state."""
    return msgspec.structs.replace(
        cell, seeds=1, first_seed=0, is_canary=False, system=cell.system.partition("@")[0]
    )
