"""A benchmark or script that is called as its page says finds all that it imports.

`python FILE` finds what is installed and what stands next to the file, that first; `python -m` finds the
folders of the repository, too. So a file that imports the tests is called with `-m`, wherever its call is
written; and one next to a folder named as a part of this project is: `benchmarks/checkers` would be taken for
`checkers`.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from tests import REPOSITORY
from tests.docs.markdown import pages

CALL = re.compile(r"python3? (?:-m ((?:benchmarks|scripts)(?:\.\w+)+)|((?:benchmarks|scripts)/[\w/]+\.py))")
FILES = [path for room in ("benchmarks", "scripts") for path in sorted((REPOSITORY / room).rglob("*.py"))]


@pytest.mark.parametrize(
    ("lengths_s", "cores", "start_s", "parent_s", "share"),
    [
        ([1.0] * 16, 16, 0.0, 0.0, 1.0),
        ([1.0] * 17, 16, 0.0, 0.0, 17 / 32),  # the last seed keeps one core busy, and fifteen wait
        ([1.0] * 16, 16, 1.0, 0.0, 0.5),  # each process loads for as long as it works
        ([1.0] * 16, 16, 0.0, 0.5, 16 / (16 * 9.0)),  # the parent hands out one seed after the other
        ([3.0, 1.0, 1.0, 1.0], 2, 0.0, 0.0, 1.0),
    ],
)
def test_what_many_cores_lose_is_the_loading_the_parent_and_the_last_seeds(
    lengths_s: list[float],
    cores: int,
    start_s: float,
    parent_s: float,
    share: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(REPOSITORY / "benchmarks" / "load")
    # The file is called by its path, so it lies in no package that could be imported above.
    found = importlib.import_module("cores").share_of_linear(lengths_s, cores, start_s, parent_s)
    assert found == pytest.approx(share)


def calls() -> dict[str, set[str]]:
    """By each call that is written in a page or in such a file, who writes it."""
    found: dict[str, set[str]] = {}
    for page in [*pages(), *FILES]:
        for call in CALL.finditer(page.read_text(encoding="utf-8")):
            found.setdefault(call[0], set()).add(page.relative_to(REPOSITORY).as_posix())
    return found


def imported(path: Path) -> set[str]:
    """The first names of all modules that a file imports, within functions as well."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def installed() -> set[str]:
    """The folders of the repository that are installed."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    return {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}


def missing(path: Path, first: Path) -> list[str]:
    """What a file imports and Python does not find, if `first` is the first folder in which it looks; and the
    parts of the project that this folder hides, as any of them may import them."""
    lost = [] if first == REPOSITORY else sorted(name for name in installed() if (first / name).is_dir())
    for name in sorted(imported(path)):
        if (first / f"{name}.py").is_file() or (first / name).is_dir() or name in installed():
            continue
        if (REPOSITORY / name).is_dir() or importlib.util.find_spec(name) is None:
            lost.append(name)
    return lost


@pytest.mark.parametrize("call", sorted(calls()))
def test_a_call_finds_what_it_imports(call: str) -> None:
    module, file = CALL.fullmatch(call).groups()  # type: ignore[union-attr]  # it is one of the calls found
    path = REPOSITORY / (file or f"{module.replace('.', '/')}.py")
    assert path.is_file(), f"{sorted(calls()[call])} call what is not there"
    assert missing(path, path.parent if file else REPOSITORY) == [], f"written in {sorted(calls()[call])}"


def test_a_file_that_imports_the_tests_is_not_found_without_its_folder() -> None:
    grid = REPOSITORY / "benchmarks" / "checkers" / "peers" / "grid.py"
    assert missing(grid, grid.parent) == ["tests"]
    assert missing(grid, REPOSITORY) == []


def test_a_folder_named_as_a_part_of_the_project_hides_that_part() -> None:
    simulator = REPOSITORY / "benchmarks" / "simulator.py"
    assert missing(simulator, simulator.parent) == ["checkers"]
    assert missing(simulator, REPOSITORY) == []
