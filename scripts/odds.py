"""Measures how often a run shows each seeded bug, and writes harness/gate/known_bugs/seeded.toml.

nice python scripts/odds.py --jobs 2 --seconds 600         at most ten minutes of two cores
nice python scripts/odds.py --new --seconds 600            of bugs without odds alone
nice python scripts/odds.py --add --seconds 600            more runs, the widest intervals first
python scripts/odds.py --resume store/campaign-...-odds    what is left, after that or after Ctrl-C

With --add the runs of the file count, too: give it only while a seed draws what it drew when these were done,
or so nearly that the shares are the same. With --resume of such a campaign, give it again.

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
from harness.campaign.cells import CampaignPlan
from harness.campaign.executors import usual_executors
from harness.campaign.journal import Journal, read
from harness.campaign.progress import CampaignProgress
from harness.campaign.summary import summary_of
from harness.gate.known_bugs.measuring import (
    USUAL_FIRST_SEED,
    USUAL_SEEDS,
    adding_plan,
    measuring_plan,
    written,
)
from harness.gate.known_bugs.seeded import SEEDED, seeded_bugs, unmeasured
from harness.mutants.catalogue import MUTANTS


def main() -> None:
    """Run what is left of the campaign, and write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=USUAL_SEEDS)
    parser.add_argument(
        "--first-seed", type=int, help=f"usually {USUAL_FIRST_SEED}, and with --add the next one"
    )
    parser.add_argument("--seconds", type=float, help="begin no run after this many seconds")
    parser.add_argument("--new", action="store_true", help="only bugs without odds")
    parser.add_argument("--add", action="store_true", help="add runs to those of the file")
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
        plan = _plan(given)
        journal = Journal.resume(given.resume) if given.resume else Journal.create(given.store, plan)
        if given.seconds is not None:
            journal.bound(given.seconds)
        stored = run_campaign(journal, usual_executors(given.jobs), CampaignProgress(quiet=False))
    seeds = max(cell.seeds for cell in stored.plan.cells)
    first = max(cell.first_seed for cell in stored.plan.cells)
    command = f"scripts/odds.py {'--add ' * given.add}--seeds {seeds} --first-seed {first}"
    text = written(stored, command, seeded_bugs(), is_added=given.add)
    SEEDED.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{summary_of(stored).runs} runs; written: {SEEDED}\n")


def _plan(given: argparse.Namespace) -> CampaignPlan:
    """What a new campaign is to do."""
    if given.add:
        before = seeded_bugs()
        first_seed = before.next_seed if given.first_seed is None else given.first_seed
        return adding_plan(before, given.seeds, first_seed)
    mutants = unmeasured() if given.new else tuple(MUTANTS)
    return measuring_plan(mutants, given.seeds, given.first_seed or USUAL_FIRST_SEED)


if __name__ == "__main__":
    main()
