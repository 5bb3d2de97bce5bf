"""What a change can reach: by the imports of the source, and as git knows the files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.campaign.cells import Cell
from harness.gate.changes.imports import ROOT, imported, module_of, reached
from harness.gate.changes.revision import changed_files
from harness.gate.changes.touched import Change, change_of, change_since, touched_bugs, touched_cells
from harness.gate.known_bugs.seeded import seeded_bugs
from harness.gate.planning import default_plan, plan_of_matrix
from tests.harness.campaign.fakes import plan

SIMULATED = Cell()
EPHEMERAL = Cell(workload="ephemeral")
REAL = Cell(world="local", nemesis=("kill",))
ETCD = Cell(world="local", system="etcd@3.5.1", workload="register", nemesis=("kill",))
MINE = Cell(world="local", system="mine.py:Mine", workload="register")
CELLS = (SIMULATED, EPHEMERAL, REAL, ETCD)


def change(*files: str) -> Change:
    return change_of("main", [ROOT / file for file in files], ROOT)


def cells_of(*files: str) -> tuple[Cell, ...]:
    return touched_cells(change(*files), CELLS)[0]


def bugs_of(*files: str) -> set[str]:
    return {bug.mutant for bug in touched_bugs(change(*files), seeded_bugs().bugs)[0]}


@pytest.mark.parametrize(
    ("file", "cells"),
    [
        ("docs/ci.md", ()),
        ("tests/harness/gate/test_changes.py", ()),
        ("README.md", ()),
        ("pyproject.toml", CELLS),
        ("harness/gate/power.py", CELLS),
        ("harness/campaign/journal.py", CELLS),
        ("history/operation.py", CELLS),
        ("harness/systems/etcd/__init__.py", (ETCD,)),
        ("harness/systems/redis/__init__.py", ()),
        ("node_impl/core/raft/elections.py", (SIMULATED, EPHEMERAL, REAL)),
        ("node_impl/io/server.py", (REAL,)),
        ("harness/sim/world/network.py", (SIMULATED, EPHEMERAL)),
        ("checkers/registry/expiry.py", (EPHEMERAL,)),
        ("harness/workload/ephemeral.py", (EPHEMERAL,)),
        ("harness/nemesis/faults/processes/kill.py", CELLS),
    ],
)
def test_a_change_reaches_the_cells_whose_runs_could_load_it(file: str, cells: tuple[Cell, ...]) -> None:
    assert cells_of(file) == cells


@pytest.mark.parametrize(
    ("file", "some", "none"),
    [
        ("node_impl/core/raft/elections.py", "vote-twice", "never-fsync"),
        ("node_impl/core/storage/wal.py", "never-fsync", "vote-twice"),
        ("checkers/registry/expiry.py", "late-beat-resurrects", "never-fsync"),
        ("harness/mutants/elections/vote_twice.py", "vote-twice", "forgetful"),
        ("harness/workload/sessions.py", "old-sequence-applied", "vote-twice"),
    ],
)
def test_a_change_reaches_the_bugs_whose_rule_or_checker_could_load_it(
    file: str, some: str, none: str
) -> None:
    found = bugs_of(file)
    assert some in found
    assert none not in found


@pytest.mark.parametrize("file", ["harness/sim/world/network.py", "pyproject.toml", "history/operation.py"])
def test_a_change_to_what_all_runs_go_through_reaches_all_bugs(file: str) -> None:
    assert len(bugs_of(file)) == len(seeded_bugs().bugs)


def test_what_is_left_out_is_named_with_the_reason() -> None:
    _, left = touched_cells(change("node_impl/io/server.py"), CELLS)
    assert [one.what for one in left] == [SIMULATED.name, EPHEMERAL.name, ETCD.name]
    assert {one.why for one in left} == {"no module that it loads differs from main"}


def test_a_system_of_the_user_s_own_is_never_left_out() -> None:
    assert touched_cells(change("docs/ci.md"), (MINE,)) == ((MINE,), ())


def test_of_a_change_that_reaches_nothing_nothing_is_run() -> None:
    known = seeded_bugs()
    nothing = default_plan(known, budget_s=600, jobs=2, with_real=True, change=change("docs/ci.md"))
    assert nothing.campaign is None
    assert len(nothing.left_out) == len(known.bugs) + 1
    matrix = plan_of_matrix(plan(ETCD, SIMULATED), known, None, change("harness/systems/etcd/__init__.py"))
    assert matrix.campaign is not None
    assert matrix.campaign.cells == (ETCD,)


def test_a_smaller_change_gets_fewer_runs_for_the_same_power() -> None:
    known = seeded_bugs()
    whole = default_plan(known, budget_s=6000, jobs=2, with_real=False)
    small = default_plan(
        known, budget_s=6000, jobs=2, with_real=False, change=change("harness/workload/sessions.py")
    )
    assert whole.campaign is not None
    assert small.campaign is not None
    assert {cell.workload for cell in small.campaign.cells} == {"sessions"}
    assert sum(cell.seeds for cell in small.campaign.cells) < sum(cell.seeds for cell in whole.campaign.cells)


def test_imports_are_read_as_python_reads_them(tmp_path: Path) -> None:
    files = {
        "history/__init__.py": "",
        "history/a.py": "from typing import TYPE_CHECKING\nimport history.b\n"
        "if TYPE_CHECKING:\n    import history.never\nelse:\n    from . import other\n",
        "history/b.py": "def late():\n    from history.deep.leaf import thing\n",
        "history/deep/__init__.py": "from .leaf import thing\n",
        "history/deep/leaf.py": "from ..c import x\nthing = x\n",
        "history/c.py": "import numpy\nx = 1\n",
        "history/never.py": "",
        "history/other.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert imported("history.a", tmp_path) == {"history", "history.b", "history.other"}
    expected = {"history", *(f"history.{name}" for name in ("a", "b", "c", "deep", "deep.leaf", "other"))}
    assert reached(["history.a"], root=tmp_path) == expected
    assert module_of(tmp_path / "history" / "deep" / "__init__.py", tmp_path) == "history.deep"
    assert module_of(tmp_path / "setup.py", tmp_path) is None


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_changed_files_are_those_committed_since_those_edited_those_new_and_those_gone(
    tmp_path: Path,
) -> None:
    git(tmp_path, "init", "-q")
    for name in ("kept", "edited", "gone", "committed"):
        (tmp_path / name).write_text("1")
    (tmp_path / ".gitignore").write_text("ignored\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "committed").write_text("2")
    git(tmp_path, "commit", "-qam", "second")
    (tmp_path / "edited").write_text("2")
    (tmp_path / "gone").unlink()
    (tmp_path / "new äöü").write_text("2")
    (tmp_path / "ignored").write_text("2")
    (tmp_path / "folder").mkdir()
    found = changed_files("HEAD~1", tmp_path / "folder")
    assert {path.name for path in found} == {"committed", "edited", "gone", "new äöü"}


@pytest.mark.parametrize("revision", ["no-such-branch", "--output=x", ""])
def test_a_revision_that_is_not_there_is_refused(revision: str, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(ValueError, match="is no revision that this clone has"):
        change_since(revision, tmp_path)


def test_a_folder_in_no_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a git repository"):
        change_since("main", tmp_path)


def test_of_another_repository_only_documentation_is_known_to_be_harmless(tmp_path: Path) -> None:
    def other(*names: str) -> Change:
        return change_of("main", [tmp_path / name for name in names], tmp_path)

    assert not other("docs/a.svg", "README.md").everything
    assert other("src/server.c").everything == "src/server.c"
    assert touched_cells(other("tests/x.py"), CELLS)[0] == CELLS
