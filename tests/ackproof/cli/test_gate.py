"""`ackproof gate` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ackproof.cli.test_campaign import ackproof

SMALL = """
name = "small"
seeds = 2
stability = 1
[canary]
mutant = "index-lies"
seeds = 40
[[cells]]
nodes = 3
time_limit_s = 10
first_seed = 2
nemesis = "none"
"""


def small(folder: Path, more: str = "") -> Path:
    file = folder / "gate.toml"
    file.write_text(SMALL + more)
    return file


def test_a_correct_node_passes_and_what_was_not_measured_is_said(tmp_path: Path) -> None:
    done = ackproof("gate", small(tmp_path), "--store", tmp_path / "store", "--jobs", "1", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)["result"]
    assert (result["outcome"], result["reasons"], result["findings"]) == ("passed", [], [])
    assert result["reached"].startswith("power not measured")
    assert result["summary"]["cells"][0]["canary"] == "found"
    assert json.loads(done.stdout)["warnings"] == []


def test_a_time_limit_that_is_too_short_for_the_faults_is_said_before_it_starts(tmp_path: Path) -> None:
    text = SMALL.replace('"none"', '"kill,partition"').replace("time_limit_s = 10", "time_limit_s = 1")
    (tmp_path / "gate.toml").write_text(text)
    done = ackproof("gate", tmp_path / "gate.toml", "--store", tmp_path / "store", "--jobs", "1", "--json")
    (short,) = json.loads(done.stdout)["warnings"]
    assert short["given_s"] == 1 < short["enough_s"]
    assert done.stderr.startswith(f"warning: {short['text']}\n")


def test_a_bug_fails_it_with_one_line_that_runs_it_again(tmp_path: Path) -> None:
    file = small(tmp_path, 'mutant = "index-lies"\n')
    shown = ackproof("gate", file, "--store", tmp_path / "store", "--jobs", "1")
    assert shown.exit_code == 1, shown.output
    assert "gate failed: " in shown.output
    line = next(line for line in shown.output.splitlines() if "again, with a report: " in line)
    arguments = line.partition("ackproof ")[2].split()
    assert ackproof(*arguments, "--store", tmp_path / "again").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.toml",), "none.toml"),
        (("--baseline", "none.toml"), "there is no baseline none.toml"),
        (("--seconds", "0"), "0"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_starts(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    refused = ackproof("gate", *arguments, "--store", store)
    assert refused.exit_code == 2, refused.output  # click's own; the command's is 254
    assert message in refused.output
    assert not store.exists()
