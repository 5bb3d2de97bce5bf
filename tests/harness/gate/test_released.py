"""What was found in released systems is listed as cells, one for each run of the page, and shows again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from harness.campaign.campaign import run_campaign
from harness.campaign.executors import usual_executors
from harness.campaign.journal import Journal
from harness.campaign.progress import CampaignProgress
from harness.campaign.refusals import checked
from harness.gate.known_bugs.released import MOST_SEEDS, ReleasedBug, released_bugs
from harness.mutants.found import PAGE, SECOND_PART
from harness.workload import workload

BUGS = released_bugs()


def commands() -> Iterator[list[str]]:
    """The arguments of each run of the page's second part that names a system and a seed."""
    text = PAGE.read_text(encoding="utf-8").partition(SECOND_PART)[2].replace("\\\n", " ")
    for line in re.findall(r"ackproof (run --system [^`\n]*)", text):
        if "--seed " in line:
            yield shlex.split(line)


def options(arguments: Sequence[str]) -> frozenset[tuple[str, str]]:
    """The options of a run, in any order."""
    words = arguments[1:]
    return frozenset(zip(words[::2], words[1::2], strict=True))


def arguments(bug: ReleasedBug) -> frozenset[tuple[str, str]]:
    return options(bug.cell.arguments(bug.cell.first_seed))


def test_each_run_of_the_page_that_shows_something_is_a_cell_of_the_file_and_the_other_way_round() -> None:
    on_page = {options(one) for one in commands()}
    in_file = {arguments(bug): bug.name for bug in BUGS}
    assert [sorted(one) for one in on_page if one not in in_file] == [], "add it to released.toml"
    assert [name for one, name in in_file.items() if one not in on_page] == [], "released.toml"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_row_names_a_checker_of_its_workload_and_seeds_that_were_tried(bug: ReleasedBug) -> None:
    checkers = {checker.name for checker in workload(bug.cell.workload, ("n1", "n2", "n3"), 10).checkers}
    assert bug.checker in checkers
    assert bug.cell.first_seed == bug.shown[0]
    assert 1 <= bug.enough_seeds <= MOST_SEEDS


@pytest.mark.thorough
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_released_system_shows_it_again(bug: ReleasedBug, tmp_path: Path) -> None:
    try:
        plans = [checked(bug.campaign(place)) for place in range(bug.enough_seeds)]
    except ValueError as error:
        pytest.skip(f"it cannot be run here: {error}")
    for plan in plans:
        journal = Journal.create(tmp_path, plan)
        stored = run_campaign(journal, usual_executors(1), CampaignProgress(quiet=True))
        found = {one.checker for line in stored.runs for one in line.outcome.violations}
        if bug.checker in found:
            return
    pytest.fail(f"{bug.name} did not show in {len(plans)} seeds")
