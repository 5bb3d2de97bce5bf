"""A change of the node's source that brings back a seeded bug fails the gate; one that does not passes it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.gate.changes.imports import PACKAGES, ROOT
from tests.harness.gate.test_changes import git

MATRIX = """
name = "elections"
seeds = 40
[[cells]]
workload = "registry"
"""
ELECTIONS = "node_impl/core/raft/elections.py"
RULE = "return voted_for is None or voted_for == candidate"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with our source, all of it committed."""
    folder = tmp_path / "clone"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".gitignore").write_text("store\n__pycache__\n")
    (folder / "gate.toml").write_text(MATRIX)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all is well")
    return folder


def ackproof(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-m", "ackproof", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def gate(folder: Path) -> tuple[int, dict[str, Any]]:
    done = ackproof(folder, "gate", "gate.toml", "--seconds", "800", "--changed", "HEAD", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["result"]


def edit(folder: Path, old: str, new: str) -> None:
    file = folder / ELECTIONS
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


@pytest.mark.campaign
def test_a_change_that_brings_back_a_seeded_bug_fails_is_named_and_its_line_shows_it(clone: Path) -> None:
    edit(clone, RULE, "return True")
    code, result = gate(clone)
    assert (code, result["outcome"]) == (1, "failed"), result["reasons"]
    assert result["looks_like"][0] == "vote-twice"
    found = {one["checker"]: one for one in result["findings"]}
    line = found["one-vote-a-term"]["example"]["command"].split()
    assert ackproof(clone, *line[1:], "--store", "store/again").returncode == 1
    git(clone, "stash")
    assert ackproof(clone, *line[1:], "--store", "store/before").returncode != 1


@pytest.mark.campaign
def test_a_change_that_brings_back_none_passes_with_the_power_that_it_stated(clone: Path) -> None:
    edit(clone, RULE, "return voted_for in (None, candidate)")
    code, result = gate(clone)
    assert (code, result["outcome"], result["reasons"]) == (0, "passed", [])
    assert result["findings"] == []
    assert "vote-twice" in {bug["mutant"] for bug in result["power"]["bugs"]}
    assert "mutant never-fsync" in {one["what"] for one in result["left_out"]}


def test_a_change_of_a_page_needs_no_run(clone: Path) -> None:
    (clone / "README.md").write_text("better words\n")
    code, result = gate(clone)
    assert (code, result["outcome"], result["summary"]) == (0, "passed", None)
