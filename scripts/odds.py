"""Measures how often a run shows each seeded bug, and writes harness/gate/known_bugs/seeded.toml.

nice python scripts/odds.py --jobs 2 --seconds 600         at most ten minutes of two cores
nice python scripts/odds.py --new --seconds 600            of bugs without odds alone
python scripts/odds.py --resume store/campaign-...-odds    what is left, after that or after Ctrl-C

A bug that was found in eight runs gets no further run, and one that is found less often at most --seeds.
Each bug has its own number of runs, so each has its own interval, which is wide where they are few. What was
done is written, also if the seconds ended the work; bugs without a run keep what the file says of them, with
the date of its measurement.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.campaign.campaign import run_campaign
from harness.campaign.executors import usual_executors
from harness.campaign.journal import Journal, read
from harness.campaign.progress import CampaignProgress
from harness.campaign.summary import summary_of
from harness.gate.known_bugs.measuring import USUAL_FIRST_SEED, USUAL_SEEDS, measuring_plan, written
from harness.gate.known_bugs.seeded import SEEDED, seeded_bugs, unmeasured
from harness.mutants.catalogue import MUTANTS


def main() -> None:
    """Run what is left of the campaign, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=USUAL_SEEDS)
    parser.add_argument("--first-seed", type=int, default=USUAL_FIRST_SEED)
    parser.add_argument("--seconds", type=float, help="begin no run after this many seconds")
    parser.add_argument("--new", action="store_true", help="only bugs without odds")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--store", type=Path, default=Path("store"))
    parser.add_argument("--resume", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--as-it-is", action="store_true", help="run no further seeds, and write what FOLDER holds"
    )
    given = parser.parse_args()
    if given.resume and given.as_it_is:
        stored = read(given.resume)
    else:
        mutants = unmeasured() if given.new else tuple(MUTANTS)
        plan = measuring_plan(mutants, given.seeds, given.first_seed)
        journal = Journal.resume(given.resume) if given.resume else Journal.create(given.store, plan)
        if given.seconds is not None:
            journal.bound(given.seconds)
        stored = run_campaign(journal, usual_executors(given.jobs), CampaignProgress(quiet=False))
    seeds = max(cell.seeds for cell in stored.plan.cells)
    first = max(cell.first_seed for cell in stored.plan.cells)
    command = f"scripts/odds.py --seeds {seeds} --first-seed {first}"
    text = written(stored, command, seeded_bugs())
    SEEDED.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{summary_of(stored).runs} runs; written: {SEEDED}\n")


if __name__ == "__main__":
    main()
