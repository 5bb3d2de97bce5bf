"""docs/pytest.md, followed to the letter: its tests pass or fail as it says, and show what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ackproof import strategies
from ackproof.pytest_plugin import marks
from ackproof.pytest_plugin.clusters import Cluster
from tests import REPOSITORY
from tests.ackproof.pytest_plugin.projects import Outcome, outcome_of
from tests.docs.markdown import names
from tests.docs.page import blocks, commands, follow

PAGE = REPOSITORY / "docs" / "pytest.md"
BLOCKS = blocks(PAGE)
EXPECTED = {
    command[1]: status
    for block in BLOCKS
    if block.kind == "sh"
    for command, status in commands(block)
    if command[0] == "pytest"
}
SHOWN = re.findall(r"^```\n(invalid:.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    project: Path = tmp_path_factory.mktemp("page") / "project"
    project.mkdir()
    for block in BLOCKS:
        if block.kind == "python":
            follow(block, project)
    return outcome_of(project)


@pytest.mark.parametrize(("file", "status"), EXPECTED.items())
def test_a_file_of_the_page_ends_as_it_says(done: Outcome, file: str, status: int) -> None:
    module = file.removesuffix(".py")
    cases = [name for name, case in done.cases.items() if str(case.get("classname")).split(".")[0] == module]
    assert cases, done.output
    assert [name for name in cases if done.passed(name)] == ([] if status else cases), done.output


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_a_failure_shows_what_the_page_shows(done: Outcome, number: int) -> None:
    """Lines with `...` stand for what differs from run to run."""
    lines = [line.strip() for line in SHOWN[number].splitlines() if line.strip() != "..."]
    parts = [part.strip() for line in lines for part in line.split("...") if part.strip() not in ("", "/")]
    assert [part for part in parts if part not in done.output] == []


def test_every_option_of_a_mark_and_every_strategy_is_on_the_page() -> None:
    options = {*marks.OF_RUNS, *marks.OF_CLUSTERS, *marks.OF_SEEDS}
    assert sorted(options - names(PAGE)) == []
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in strategies.__all__ if name not in text] == []
    public = [name for name in vars(Cluster) if not name.startswith("_")]
    ours = {"ask", "close", "explained", "reports", "note_recorded", "let_be"}
    assert [name for name in public if name not in ours and name not in text] == []
