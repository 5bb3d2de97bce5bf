"""The catalogue of seeded bugs agrees with the node, the checkers, the folders and the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.mutants import found
from harness.mutants.catalogue import AREAS, MUTANTS
from harness.mutants.rules import breaks
from harness.workload import workload
from node_impl.core.build import DEFAULT_PARTS
from node_impl.core.raft.elections import Elections
from tests import REPOSITORY

FOLDER = Path(found.__file__).parent


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_breaks_one_part_and_names_checkers_of_its_workload(name: str) -> None:
    mutant = MUTANTS[name]
    known = [checker.name for checker in workload(mutant.workload, ("n1",), 1).checkers]
    assert mutant.caught_by in known
    assert [checker for checker in mutant.also if checker not in known] == []
    changed = [
        part
        for part in vars(DEFAULT_PARTS)
        if getattr(mutant.parts, part) is not getattr(DEFAULT_PARTS, part)
    ]
    assert len(changed) == 1


def test_every_mutant_is_in_one_area() -> None:
    assert sum(len(mutants) for mutants in AREAS.values()) == len(MUTANTS)


@pytest.mark.parametrize("area", AREAS)
def test_a_folder_holds_its_area_s_mutants_one_file_each(area: str) -> None:
    files = {file for file in (FOLDER / area.lower()).rglob("*.py") if file.stem != "__init__"}
    assert {file.stem for file in files} == {mutant.name.replace("-", "_") for mutant in AREAS[area]}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_s_class_stands_in_the_file_of_its_declaration(name: str) -> None:
    classes = {getattr(MUTANTS[name].parts, part) for part in vars(DEFAULT_PARTS)}
    (broken,) = (one for one in classes if one.__module__.startswith("harness.mutants."))
    assert broken.__module__.rpartition(".")[2] == name.replace("-", "_")


def test_a_mutant_whose_rule_is_gone_cannot_even_be_imported() -> None:
    with pytest.raises(TypeError, match="has no rule of that name"):

        @breaks
        class Harmless(Elections):
            def may_grant_votes_as_it_was_called_once(self) -> bool:
                return True


def test_the_page_of_bugs_is_what_the_catalogue_says() -> None:
    docs = REPOSITORY / "docs" / "found.md"
    assert docs.read_text(encoding="utf-8") == found.page(), "python -m harness.mutants.found"


def test_a_declaration_is_described_without_its_classes() -> None:
    described = MUTANTS["old-sequence-applied"].described()
    assert described["workload"] == "sessions"
    assert "parts" not in described


def test_a_node_with_an_unknown_bug_does_not_start_and_says_which_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "harness.mutants", "vote-twic"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 64
    assert "vote-twice" in done.stderr


def test_the_command_line_loads_no_node_until_a_mutant_is_named() -> None:
    program = (
        "import sys, ackproof.cli.main\n"
        "print(*[name for name in sys.modules if name.split('.')[0] == 'node_impl'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
