"""What is looked for again: one finding, in the cell of its latest example."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path

import msgspec

from harness.campaign.cells import Cell
from harness.campaign.findings.fingerprint import Subject, fingerprint, subject_of
from harness.campaign.findings.shrunk import shrunk_example
from harness.campaign.findings.sightings import Place, Sighting, bare, could_show, is_decided, sightings_in
from harness.campaign.findings.states import Seen
from harness.campaign.journal import Header, RunLine, Stored
from harness.campaign.outcomes import Violation
from harness.errors import CouldNotRun, unknown_name
from harness.sim.lockstep.protocol import ForeignCore
from harness.sim.lockstep.runs import in_place_of, is_other_version

FINDING = re.compile(r"[0-9a-f]{10}")
RUN = re.compile(r"(?P<campaign>.+):(?P<cell>\d{1,9}):(?P<seed>\d{1,19})")
"""One run of a campaign: its folder or the name of its folder, the number of the cell from 0, the seed."""
MOST_KNOWN_SEEDS = 20
"""This number of the seeds that showed a finding is tried again, the latest first, before others are."""


class Target(msgspec.Struct, frozen=True):
    """One finding, and where it is looked for."""

    fingerprint: str
    subject: Subject
    violation: Violation
    cell: Cell
    seed: int
    """Of its example."""
    known: Mapping[int, str]
    """The seeds of this cell that showed it, the example's first, each with the digest of its run."""
    seen: Seen
    """In how many runs of this cell it was seen, of those that say something about it."""
    first_fresh: int
    """From this seed on, no seed of this cell has been run."""
    header: Header
    """Of the campaign of the example: the code and the versions that ran."""
    shrunk: str | None = None
    """The file of its shrunk example; None if there is none."""
    is_other_core: bool = False
    """Whether the core that is to be run is another version of the one that showed it."""

    @property
    def is_simulated(self) -> bool:
        """Whether its runs are exact."""
        return self.cell.world == "sim"

    def seeds(self) -> Iterator[int]:
        """Those that showed it, the example's first, then new ones without end."""
        yield from self.known
        yield from count(self.first_fresh)


def target(stored: Sequence[Stored], what: str, core: ForeignCore | None = None) -> Target:
    """What a fingerprint, or `CAMPAIGN:CELL:SEED` for a run, stands for.

    Args:
        stored: the campaigns.
        what: names the finding or the run.
        core: what nodes are made of, where the finding is of a core of others: the command that a journal
            names is not run, since others may have written it.

    Raises:
        CouldNotRun: these campaigns have no such finding or run, or the run shows no violation; or a core is
            needed and not given, or the other way round.
    """
    wanted = _named(stored, what)
    recorded = wanted.cell.core
    own = in_place_of(recorded, core, anyway=True)
    return msgspec.structs.replace(
        wanted,
        cell=msgspec.structs.replace(wanted.cell, core=own),
        is_other_core=recorded is not None and own is not None and is_other_version(recorded, own),
    )


def _named(stored: Sequence[Stored], what: str) -> Target:
    found = sightings_in(stored)
    run = RUN.fullmatch(what)
    if run is None:
        if what not in found:
            known = unknown_name("finding", what, found) if found else f"there is no finding {what}"
            raise CouldNotRun(f"{known}; `ackproof findings` lists them, and --store names another store")
        example = max(found[what].lines.items(), key=lambda one: (one[1].at, one[0]))[0]
        return _target(stored, what, found[what], example)
    example, line = _run(stored, run)
    if not line.outcome.violations:
        cell = stored[example.campaign].plan.cells[example.cell]
        again = shlex.join(["ackproof", *cell.arguments(line.seed)])
        raise CouldNotRun(f"run {what} shows no violation; to run it again: {again}")
    subject = subject_of(stored[example.campaign].plan.cells[example.cell], line.outcome)
    mark = fingerprint(subject, line.outcome.violations[0])
    return _target(stored, mark, found[mark], example)


def _run(stored: Sequence[Stored], run: re.Match[str]) -> tuple[Place, RunLine]:
    name, cell, seed = Path(run["campaign"]).name, int(run["cell"]), int(run["seed"])
    for number, campaign in enumerate(stored):
        if campaign.folder.name == name:
            for line in campaign.runs:
                if (line.cell, line.seed, line.again) == (cell, seed, False):
                    return Place(number, cell, seed), line
            raise CouldNotRun(f"{campaign.folder} has no run of seed {seed} in its cell {cell}")
    names = [campaign.folder.name for campaign in stored]
    raise CouldNotRun(unknown_name("campaign", name, names) if names else "the store has no campaigns")


def _target(stored: Sequence[Stored], mark: str, sighting: Sighting, example: Place) -> Target:
    cell = stored[example.campaign].plan.cells[example.cell]
    runs = {
        place: line
        for place, line in could_show(stored, sighting).items()
        if bare(stored[place.campaign].plan.cells[place.cell]) == bare(cell)
    }
    decided = [place for place, line in runs.items() if is_decided(line.outcome, sighting.violation)]
    lines = {place: line for place, line in sighting.lines.items() if place in runs and place != example}
    latest = sorted(lines.items(), key=lambda one: (one[1].at, one[0]), reverse=True)
    known = {example.seed: sighting.lines[example].outcome.digest}
    for place, line in latest[: MOST_KNOWN_SEEDS - 1]:
        known.setdefault(place.seed, line.outcome.digest)
    small = shrunk_example(stored, mark)
    return Target(
        fingerprint=mark,
        subject=sighting.subject,
        violation=sighting.lines[example].outcome.shown(sighting.violation) or sighting.violation,
        cell=cell,
        seed=example.seed,
        known=known,
        seen=Seen(sum(place in sighting.lines for place in decided), len(decided)),
        first_fresh=max(place.seed for place in runs) + 1,
        header=stored[example.campaign].header,
        shrunk=None if small is None else small.file,
    )
