"""Measures how often a run shows each bug of a released system, and prints lines for released.toml.

    nice python scripts/released.py --seeds 4                       every bug whose system is installed here
    nice python scripts/released.py --bug redis-lost-at-failover    only this one

Each run is a campaign of one seed of the cell (harness/gate/known_bugs/released.py): a run of a released
system, a script, or a core that is built first. The seeds are others than those that found the bug. Only the
checker that the file names counts; a run whose servers did not start or that proved nothing is counted apart.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from checkers.verdict import Validity
from harness.campaign.campaign import run_campaign
from harness.campaign.cells import CampaignPlan
from harness.campaign.executors import usual_executors
from harness.campaign.journal import Journal
from harness.campaign.outcomes import Outcome
from harness.campaign.progress import CampaignProgress
from harness.campaign.refusals import checked
from harness.gate.known_bugs.here import cell_here
from harness.gate.known_bugs.released import ReleasedBug, released_bugs

FIRST_SEED = 100


def main() -> None:
    """Run the campaigns, and print what each showed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bug", action="append", metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--store", type=Path, default=Path("store"))
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    for bug in released_bugs():
        if given.bug and bug.name not in given.bug:
            continue
        try:
            said = measured(bug, seeds, given.store)
        except ValueError as error:
            said = f"cannot be run here: {error}"
        sys.stdout.write(f"{bug.name}: {said}\n")
        sys.stdout.flush()


def measured(bug: ReleasedBug, seeds: range, store: Path) -> str:
    """What these seeds of a bug's cell showed, in one line.

    Raises:
        ValueError: the cell cannot be run here.
    """
    answers: dict[str, list[int]] = {"shown": [], "not_shown": [], "undecided": [], "could_not_run": []}
    with tempfile.TemporaryDirectory(prefix=f"{bug.name}-") as folder:
        own = cell_here(bug, Path(folder))
        for seed in seeds:
            cell = msgspec.structs.replace(own, first_seed=seed)
            plan = checked(CampaignPlan(cells=(cell,), name=bug.name, stability=0))
            journal = Journal.create(store, plan)
            stored = run_campaign(journal, usual_executors(1), CampaignProgress(quiet=True))
            outcomes = [line.outcome for line in stored.runs]
            answer = _answer(bug, outcomes)
            answers[answer].append(seed)
            # At once, so that it is also kept if a later seed is interrupted.
            sys.stderr.write(f"{bug.name}: seed {seed}: {answer}: {_said(bug, outcomes)}\n")
    number = len(answers["shown"])
    lists = ", ".join(f"{name} = {found}" for name, found in answers.items())
    return f"{number} of {len(seeds)}; {lists}"


def _answer(bug: ReleasedBug, outcomes: Sequence[Outcome]) -> str:
    """What the run of one seed showed; without an outcome it could not be done."""
    if any(one.checker == bug.checker for outcome in outcomes for one in outcome.violations):
        return "shown"
    if not outcomes:
        return "could_not_run"
    return "undecided" if outcomes[0].validity is Validity.UNKNOWN else "not_shown"


def _said(bug: ReleasedBug, outcomes: Sequence[Outcome]) -> str:
    """What the bug's checker found first, or what else the run says."""
    found = (one.title for outcome in outcomes for one in outcome.violations if one.checker == bug.checker)
    return next(found, outcomes[0].summary if outcomes else "it could not be done")


if __name__ == "__main__":
    main()
