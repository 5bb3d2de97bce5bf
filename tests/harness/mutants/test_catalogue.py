"""The catalogue of seeded bugs says what is so: rules that exist, checkers that exist, a page that agrees."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.mutants import found
from harness.mutants.catalogue import AREAS, MUTANTS
from harness.mutants.rules import breaks
from harness.workload import workload
from node_impl.core.build import DEFAULT_PARTS
from node_impl.core.raft.core import Raft
from tests import REPOSITORY

FOLDER = Path(found.__file__).parent
NO_MUTANTS = ("__init__", "__main__", "found", "mutant", "rules")


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_breaks_one_part_and_names_checkers_of_its_workload(name: str) -> None:
    mutant = MUTANTS[name]
    known = [checker.name for checker in workload(mutant.workload, ("n1",), 1).checkers]
    assert mutant.caught_by in known
    assert [checker for checker in mutant.also if checker not in known] == []
    parts = mutant.parts()
    changed = [
        part for part in vars(DEFAULT_PARTS) if getattr(parts, part) is not getattr(DEFAULT_PARTS, part)
    ]
    assert len(changed) == 1


def test_every_mutant_is_in_one_area_and_every_file_is_a_mutant() -> None:
    assert sum(len(mutants) for mutants in AREAS.values()) == len(MUTANTS)
    files = {file.stem for file in FOLDER.glob("*.py")} - set(NO_MUTANTS)
    assert files == {name.replace("-", "_") for name in MUTANTS}


def test_a_mutant_whose_rule_is_gone_cannot_even_be_imported() -> None:
    with pytest.raises(TypeError, match="has no rule of that name"):

        @breaks
        class Harmless(Raft):
            def may_grant_votes_as_it_was_called_once(self) -> bool:
                return True


def test_the_page_of_bugs_is_what_the_catalogue_says() -> None:
    docs = REPOSITORY / "docs" / "found.md"
    assert docs.read_text(encoding="utf-8") == found.page(), "python -m harness.mutants.found"
