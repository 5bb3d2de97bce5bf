"""All findings of a store's campaigns, what to look at first on top."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import msgspec

from harness.campaign.findings.baseline import Known
from harness.campaign.findings.brought_in import BroughtIn, commit_of
from harness.campaign.findings.fingerprint import Subject
from harness.campaign.findings.shrunk import ShrunkFile, shrunk_example
from harness.campaign.findings.sightings import Sighting, could_show, seen_in, sightings_in
from harness.campaign.findings.states import FindingState, state_of
from harness.campaign.journal import Stored

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
    core: str = ""
    """The command of the core that its nodes were made of; empty if they were not."""


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
    shrunk: ShrunkFile | None = None
    """Its shrunk example; None if there is none."""
    brought_in: BroughtIn | None = None
    """The commit that brought it in, if `ackproof bisect` found it."""


def findings(stored: Sequence[Stored], baseline: Mapping[str, Known]) -> list[Finding]:
    """The findings of these campaigns, which are in order, and each of which began after the one before."""
    sightings = sightings_in(stored)
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


def _leaders(sightings: Mapping[str, Sighting]) -> dict[str, str]:
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
    mark: str, sighting: Sighting, stored: Sequence[Stored], known: Known | None, leader: str | None
) -> Finding:
    lines = sorted(sighting.lines.items(), key=lambda one: (one[1].at, one[0]))
    (campaign, number, seed), last = lines[-1]
    cell = stored[campaign].plan.cells[number]
    shown = last.outcome.shown(sighting.violation)
    assert shown is not None
    return Finding(
        fingerprint=mark,
        state=state_of(seen_in(stored, sighting), known),
        subject=sighting.subject,
        checker=sighting.violation.checker,
        kind=sighting.violation.kind,
        times=len(lines),
        runs=len(could_show(stored, sighting)),
        first_seen=lines[0][1].at,
        last_seen=last.at,
        campaigns=len({campaign for campaign, _, _ in sighting.lines}),
        last_campaign=stored[max(campaign for campaign, _, _ in sighting.lines)].folder.name,
        example=Example(
            cell.name,
            seed,
            shown.title,
            shlex.join(["ackproof", *cell.arguments(seed)]),
            last.outcome.folder,
            "" if cell.core is None else shlex.join(cell.core.command),
        ),
        only_with=leader,
        is_expected=bool(sighting.subject.mutant),
        why="" if known is None else known.why,
        is_known=known is not None,
        shrunk=shrunk_example(stored, mark),
        brought_in=commit_of(stored, mark),
    )
