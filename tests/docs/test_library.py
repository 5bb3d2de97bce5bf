"""docs/library.md: its blocks run, are short and typed, and it has every public name and column."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ackproof
from tests import REPOSITORY
from tests.docs.markdown import names

PAGE = REPOSITORY / "docs" / "library.md"
TEXT = PAGE.read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: section for section in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]
}
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {heading: found[1] for heading, text in SECTIONS.items() if (found := _BLOCK.search(text))}


def test_every_public_name_is_documented() -> None:
    assert set(ackproof.__all__) - names(PAGE) == set()


@pytest.mark.parametrize("heading", BLOCKS)
def test_a_block_runs(heading: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS[heading]], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize(
    ("heading", "most"),
    [
        ("Judge what you recorded", 3),
        ("Run a test on real processes", 15),
        ("A workload of your own", 40),
        ("A checker of your own", 20),
    ],
)
def test_an_example_is_short(heading: str, most: int) -> None:
    assert written_lines(BLOCKS[heading]) <= most


def written_lines(block: str) -> int:
    """The lines that a user writes: without blank ones, comments, and the list of operations."""
    data: set[int] = set()
    for node in ast.parse(block).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            data |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(block.splitlines(), start=1)
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") for at, line in lines if at not in data
    )


def test_the_columns_of_both_tables_are_documented(tmp_path: Path) -> None:
    tables = re.findall(r"^\| column .*?\n\n", SECTIONS["Look at a stored run"], re.MULTILINE | re.DOTALL)
    run = ackproof.simulate(0, nodes=1, nemesis=(), time_limit_s=1, store=tmp_path)
    assert run.folder is not None
    stored = ackproof.load(run.folder)
    assert columns_in(tables[0]) == ["index", *stored.history.columns]
    assert columns_in(tables[1]) == [*stored.faults.columns]


def columns_in(table: str) -> list[str]:
    """The names in the first column of a table, without what stands in brackets."""
    cells = [line.split("|")[1].partition("(")[0] for line in table.splitlines()[2:] if line]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.campaign
def test_the_blocks_are_typed_for_a_user(tmp_path: Path) -> None:
    """As in a project of the user: strictly, and without our own settings."""
    for number, block in enumerate(BLOCKS.values()):
        (tmp_path / f"block_{number}.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "."],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
