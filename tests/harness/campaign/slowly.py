"""A campaign of cheap runs, in a process of its own; run by test_disturbed.py.

`python -m tests.harness.campaign.slowly STORE JOBS` prints the folder once that is there, and at the
end how it ended. It has an hour for what takes two seconds.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from harness.campaign.campaign import run_campaign
from harness.campaign.cells import Cell
from harness.campaign.journal import EndLine, Journal
from harness.campaign.outcomes import Outcome
from harness.campaign.progress import CampaignProgress
from harness.executors.processes import Processes
from tests.harness.campaign.fakes import fake, in_process, plan

SEEDS = 60
HOUR_S = 3600.0


def slow(cell: Cell, seed: int) -> Outcome:
    """A run of some milliseconds."""
    threading.Event().wait(0.02)  # no sleep, which libfaketime does not know on a monotonic clock
    return fake(cell, seed)


def main(store: Path, jobs: int) -> None:
    """Do a campaign."""
    journal = Journal.create(store, plan(Cell(seeds=SEEDS), most_s=HOUR_S))
    print(journal.folder, flush=True)  # noqa: T201 - read by the test
    make = in_process(slow) if jobs == 1 else lambda _: (Processes(slow, jobs), Processes(slow, 1))
    stored = run_campaign(journal, make, CampaignProgress(quiet=True))
    last = stored.lines[-1]
    print(last.why if isinstance(last, EndLine) else "no end", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
