"""`ackproof explore`, from the command line to its exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from harness.errors import CouldNotRun


def ackproof(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ackproof", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_scope_is_verified_and_the_outcome_says_how_far_it_went(tmp_path: Path) -> None:
    done = ackproof("explore", "--nodes", "2", "--elections", "2", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("verified: 2 nodes, 2 election time-outs, 1 proposals, 1 crashes")
    assert "distinct states" in done.stdout


def test_a_bound_makes_it_unknown(tmp_path: Path) -> None:
    done = ackproof("explore", "--max-states", "100", "--json", folder=tmp_path)
    assert done.returncode == 2
    assert json.loads(done.stdout)["result"]["found"]["why"] == "the bound of 100 states is reached"


def test_a_violation_is_shown_step_by_step_and_replayed_from_its_file(tmp_path: Path) -> None:
    done = ackproof(
        "explore", "--mutant", "vote-twice", "--elections", "2", "--no-pre-vote", "--out", "way.json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "1. n1: its election time-out is over" in done.stdout
    again = ackproof("replay", "way.json", folder=tmp_path)
    assert again.returncode == 1
    assert again.stdout.splitlines()[-1].startswith("one-vote-a-term: ")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--mutant", "vote-twcie"], "vote-twice"),
        (["--start", "figure-9"], "figure-8"),
        (["--nodes", "9"], "9 is not in the range"),
        (["--mutant", "never-fsync"], "outside its Raft core"),
        (["--nodes", "2", "--start", "figure-8"], "of 3 nodes, not of 2"),
    ],
)
def test_bad_input_is_refused_and_says_what_is_meant(arguments: list[str], what: str) -> None:
    done = CliRunner().invoke(cli, ["explore", *arguments])
    assert what in done.output or (isinstance(done.exception, CouldNotRun) and what in str(done.exception))
