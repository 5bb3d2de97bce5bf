"""What was found in released systems is listed as cells, one for each run of the page, and shows again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from harness.campaign.campaign import run_campaign
from harness.campaign.cells import Cell
from harness.campaign.executors import usual_executors
from harness.campaign.journal import Journal
from harness.campaign.progress import CampaignProgress
from harness.campaign.refusals import checked
from harness.campaign.scripts.catalogue import CHECKER, SCRIPTS
from harness.gate.known_bugs.here import cell_here
from harness.gate.known_bugs.odds import Odds
from harness.gate.known_bugs.released import MOST_SEEDS, Build, ReleasedBug, released_bugs
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
    in_file = {arguments(bug): bug.name for bug in BUGS if bug.cell.script is None and bug.core is None}
    assert [sorted(one) for one in on_page if one not in in_file] == [], "add it to released.toml"
    assert [name for one, name in in_file.items() if one not in on_page] == [], "released.toml"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_row_names_a_checker_of_its_workload_and_seeds_that_were_tried(bug: ReleasedBug) -> None:
    checkers = {checker.name for checker in workload(bug.cell.workload, ("n1", "n2", "n3"), 10).checkers}
    assert bug.checker in (checkers if bug.cell.script is None else {CHECKER})
    assert bug.cell.first_seed == bug.shown[0]
    assert 1 <= bug.enough_seeds <= MOST_SEEDS


def test_each_script_of_the_page_is_a_cell_of_the_file_and_so_is_each_case_of_it() -> None:
    text = PAGE.read_text(encoding="utf-8")
    on_page = set(re.findall(r"scripts/found/(\w+\.py)", text))
    in_file = [SCRIPTS[bug.cell.script] for bug in BUGS if bug.cell.script is not None]
    assert {script.file for script in in_file} == on_page
    cases = {script.arguments[1] for script in in_file if script.file == "kazoo_recipes.py"}
    assert cases == set(re.findall(r"^\| `\w+`, `([a-z-]+)` \|", text, re.MULTILINE))


def test_each_core_of_the_file_and_the_seed_that_shows_its_bug_are_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    cores = [bug for bug in BUGS if bug.core is not None]
    assert len(cores) == 7
    for bug in cores:
        assert str(bug.shown[0]) in text
        assert bug.enough_seeds == 1


def test_seeds_that_follow_each_other_may_be_written_as_the_first_and_the_last() -> None:
    bug = next(bug for bug in BUGS if bug.name == "etcd-raft-stale-read")
    assert bug.odds == Odds(1, 256)
    assert set(bug.not_shown) == set(range(20000, 20256)) - {20015}


OF_CORE = ReleasedBug(
    "made-up",
    "violation",
    "linearizability",
    (1,),
    (),
    Cell(workload="register", nodes=3),
    "python3 {built}/raft.py",
    Build("docs/examples/lockstep", ("python3 -m py_compile raft.py",)),
)


def test_a_core_is_built_and_started_before_its_cell_can_be_run(tmp_path: Path) -> None:
    cell = cell_here(OF_CORE, tmp_path / "built")
    assert cell.core is not None
    assert cell.core.command == ("python3", f"{tmp_path}/built/raft.py")
    assert checked(OF_CORE.campaign(0, cell)).cells == (cell,)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-compiler", "no-such-compiler cannot be done"),
        ("python3 -c 'import sys; sys.exit(\"no room\")'", "ended with 1: no room"),
    ],
)
def test_a_core_that_cannot_be_built_is_named_and_not_run(command: str, why: str, tmp_path: Path) -> None:
    bug = msgspec.structs.replace(OF_CORE, build=Build("docs/examples/lockstep", (command,)))
    with pytest.raises(ValueError, match=why):
        cell_here(bug, tmp_path / "built")
    elsewhere = msgspec.structs.replace(OF_CORE, build=Build("no/such/folder", ()))
    with pytest.raises(ValueError, match="are not here"):
        cell_here(elsewhere, tmp_path / "elsewhere")


@pytest.mark.thorough
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_released_system_shows_it_again(bug: ReleasedBug, tmp_path: Path) -> None:
    try:
        cell = cell_here(bug, tmp_path / "built")
        plans = [checked(bug.campaign(place, cell)) for place in range(bug.enough_seeds)]
    except ValueError as error:
        pytest.skip(f"it cannot be run here: {error}")
    for plan in plans:
        journal = Journal.create(tmp_path, plan)
        stored = run_campaign(journal, usual_executors(1), CampaignProgress(quiet=True))
        found = {one.checker for line in stored.runs for one in line.outcome.violations}
        if bug.checker in found:
            return
    pytest.fail(f"{bug.name} did not show in {len(plans)} seeds")
