"""Cheap runs for tests of campaigns: what a seed gives is known beforehand."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from checkers.verdict import Validity
from harness.campaign.campaign import run_campaign
from harness.campaign.cells import CampaignPlan, Cell
from harness.campaign.executors import MakeExecutors, Perform
from harness.campaign.journal import Journal, Stored
from harness.campaign.outcomes import Outcome, Violation
from harness.campaign.progress import CampaignProgress
from harness.errors import CouldNotRun
from harness.executors.in_process import InProcess

LOST = Violation("durability", "registration lost", "registration r1 was lost")
VALID = Outcome(Validity.VALID, digest="d")
INVALID = Outcome(Validity.INVALID, (LOST,), digest="d")
UNKNOWN = Outcome(Validity.UNKNOWN, digest="d")
BAD_SEED = 5


def fake(_cell: Cell, seed: int) -> Outcome:
    """Every seed is valid but one."""
    return INVALID if seed == BAD_SEED else VALID


def dies_once(cell: Cell, seed: int) -> Outcome:
    """Seed 1 ends its process the first time; the cell names a file that shows whether it did."""
    marker = Path(dict(cell.system_options)["marker"])
    if seed == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return VALID


def never(_cell: Cell, _seed: int) -> Outcome:
    """The harness cannot do any run."""
    raise CouldNotRun("no room")


def in_process(perform: Perform) -> MakeExecutors:
    """Executors that do all runs here."""
    return lambda _folder: (InProcess(perform), InProcess(perform))


def plan(*cells: Cell, stability: int = 0, **settings: object) -> CampaignPlan:
    """A plan of these cells, or of one with eight seeds."""
    return CampaignPlan(cells=cells or (Cell(seeds=8),), stability=stability, **settings)  # type: ignore[arg-type]


def carried_out(
    store: Path, wanted: CampaignPlan, perform: Perform = fake, make: MakeExecutors | None = None
) -> Stored:
    """A new campaign, done."""
    journal = Journal.create(store, wanted)
    return run_campaign(journal, make or in_process(perform), CampaignProgress(quiet=True))


def resumed(folder: Path, perform: Perform = fake) -> Stored:
    """A campaign that goes on, done."""
    return run_campaign(Journal.resume(folder), in_process(perform), CampaignProgress(quiet=True))
