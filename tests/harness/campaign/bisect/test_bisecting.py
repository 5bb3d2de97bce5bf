"""Bisections over git histories of ten commits, of which each is run with its own code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ackproof.cli.main import cli
from harness.campaign.again.target import Target, target
from harness.campaign.again.trying import Limits, Tried
from harness.campaign.bisect.bisecting import Bisected, CommitRuns, bisected
from harness.campaign.bisect.commits import Commit, Repository
from harness.campaign.bisect.running import cell_in
from harness.campaign.cells import Cell
from harness.campaign.journal import stored_campaigns
from harness.errors import CouldNotRun
from tests import REPOSITORY
from tests.harness.campaign.bisect.histories import commit_all, git, new_repository, quick_history
from tests.harness.campaign.fakes import carried_out, plan

ROOMS = ("ackproof", "harness", "reports", "checkers", "history", "node_impl")


def found_in(store: Path, cell: Cell | None = None) -> Target:
    """A finding of fake runs: seed 5 of eight."""
    stored = carried_out(store, plan(cell or Cell(seeds=8)))
    return target(stored_campaigns(store), f"{stored.folder.name}:0:5")


def search(folder: Path, commits: list[str], limits: Limits | None = None) -> Bisected:
    """Bisect the whole history, with the finding of fake runs."""
    wanted, repository, limits = found_in(folder.parent / "store"), Repository(folder), limits or Limits()
    try_commit = CommitRuns(wanted, repository, limits, 2, None)
    ends = repository.commit(commits[0]), repository.commit(commits[-1])
    return bisected(wanted, repository, *ends, try_commit, limits)


def test_the_commit_of_ten_that_brought_it_in_is_found_and_nothing_is_left_behind(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 7)
    found = search(tmp_path / "it", commits, Limits(confidence=0.8))
    assert found.outcome == "found", found
    assert [commit.id for commit in found.left] == [commits[7]]
    assert found.left[0].subject == "Change 7"
    goods = [one for one in found.tried if one.judgement == "good"]
    assert found.error == pytest.approx(len(goods) * 0.2)
    assert len(git(tmp_path / "it", "worktree", "list").splitlines()) == 1
    assert git(tmp_path / "it", "status", "--porcelain") == ""


def test_commits_that_cannot_be_run_are_skipped_and_may_leave_a_range(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 7, unusable=(5, 6))
    found = search(tmp_path / "it", commits, Limits(confidence=0.8))
    assert found.outcome == "range", found
    assert [commit.id for commit in found.left] == commits[5:8]
    whys = [one.why for one in found.tried if one.judgement == "skipped"]
    assert len(whys) == 2
    assert all("it cannot be imported: SyntaxError" in why for why in whys)


def test_real_nodes_go_by_rate_in_the_same_way_one_run_at_a_time(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 2)
    wanted, repository = (
        found_in(tmp_path / "store", Cell(seeds=8, world="local")),
        Repository(tmp_path / "it"),
    )
    limits = Limits(confidence=0.6)
    good, bad = repository.commit(commits[1]), repository.commit(commits[3])
    found = bisected(wanted, repository, good, bad, CommitRuns(wanted, repository, limits, 2, None), limits)
    assert [commit.id for commit in found.left] == [commits[2]], found


def test_ends_that_are_not_as_said_end_it_before_it_begins(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 1)
    wanted, repository = found_in(tmp_path / "store"), Repository(tmp_path / "it")

    def always(answer: str) -> Bisected:
        one = Tried("shown" if answer == "bad" else "gone", 1, 1, 1, seed=5)
        good, bad = repository.commit(commits[0]), repository.commit(commits[9])
        return bisected(wanted, repository, good, bad, lambda _commit: one, Limits())

    assert "does not show it" in always("good").why
    assert "shows it, too; give an older one" in always("bad").why
    assert always("bad").outcome == always("good").outcome == "cannot tell"
    with pytest.raises(CouldNotRun, match="does not come before the bad one"):
        repository.between(repository.commit(commits[9]), repository.commit(commits[0]))
    with pytest.raises(CouldNotRun, match="has no commit 'no-such-thing'"):
        repository.commit("no-such-thing")
    with pytest.raises(CouldNotRun, match=r"git rev-parse in .*not a git repository"):
        Repository(tmp_path / "store")


def test_a_commit_that_nothing_decides_is_skipped_and_says_what_is_missing(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 1)
    wanted, repository = found_in(tmp_path / "store"), Repository(tmp_path / "it")

    def by_place(commit: Commit) -> Tried:
        if commit.id == commits[9]:
            return Tried("shown", 1, 0, 9, seed=5)
        if commit.id == commits[0]:
            return Tried("gone", 9, 9, 9)
        return Tried("open", 9, 3, 9, why_nothing="seed 1: too little")

    found = bisected(
        wanted, repository, repository.commit(commits[0]), repository.commit("HEAD"), by_place, Limits()
    )
    assert (found.outcome, len(found.left)) == ("range", 9)
    assert found.tried[-1].why == (
        "3 valid runs do not show it, and 9 are needed; others proved nothing (seed 1: too little)"
    )


def test_a_worktree_goes_also_where_its_runs_end_with_an_error(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 1)
    repository = Repository(tmp_path / "it")
    worktree = repository.worktree(repository.commit(commits[2]))
    tree = worktree.__enter__()
    assert (tree / "ackproof").is_dir()
    assert not worktree.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not tree.parent.exists()
    assert len(git(tmp_path / "it", "worktree", "list").splitlines()) == 1


def test_a_system_of_a_file_is_taken_from_the_commit(tmp_path: Path) -> None:
    folder = new_repository(tmp_path / "it") / "tests"
    folder.mkdir()
    repository = Repository(folder)
    assert repository.inside == Path("tests")
    file = f"{repository.root}/kv.py:Kv"
    assert cell_in(Cell(system=file, world="local"), repository).system == "../kv.py:Kv"
    for other in ("kv.py:Kv", "etcd@3.5.1", "/elsewhere/kv.py:Kv"):
        assert cell_in(Cell(system=other, world="local"), repository).system == other


def ackproof(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_the_command_says_which_commit_it_was(tmp_path: Path) -> None:
    commits = quick_history(tmp_path / "it", 3)
    mark = found_in(tmp_path / "store").fingerprint
    given = ("bisect", mark, "--good", commits[2], "--bad", commits[3], "--repository", tmp_path / "it")
    done = ackproof(*given, "--store", tmp_path / "store", "--confidence", "0.8", "--jobs", "2")
    assert done.exit_code == 0, done.output
    assert f"FOUND {mark} durability: registration lost\n" in done.output
    assert f"{commits[3]}  " in done.output
    listed = ackproof("findings", "--store", tmp_path / "store")
    assert f"  brought in by {commits[3][:12]} of " in listed.output
    missing = ackproof("bisect", mark, "--store", tmp_path / "store")
    assert (missing.exit_code, "Missing option '--good'" in missing.output) == (2, True)


STATE = Path("node_impl", "core", "raft", "member", "state.py")
RIGHT, WRONG = "        return recovered.hard_state\n", "        return HardState(0, None)\n"


class OwnHistory:
    """The packages themselves in ten commits; from the seventh on, a node that restarts forgets its vote."""

    def __init__(self, folder: Path) -> None:
        self.repository = new_repository(folder / "it")
        self.store = str(folder / "store")
        self._state = folder / "state"
        for room in ROOMS:
            shutil.copytree(
                REPOSITORY / room, self.repository / room, ignore=shutil.ignore_patterns("__pycache__")
            )
        self.commits = [self._commit(number) for number in range(10)]

    def _commit(self, number: int) -> str:
        if number == 7:
            self.edit(RIGHT, WRONG)
        (self.repository / "NEWS").write_text(f"change {number}\n")
        return commit_all(self.repository, f"Change {number}")

    def edit(self, old: str, new: str) -> None:
        """Change the rule."""
        file = self.repository / STATE
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    def run(self, *arguments: str) -> tuple[int, Any]:
        """Run the command with the code of the folder; its exit code and its result."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ackproof", *arguments, "--store", self.store, "--json"],
            cwd=self.repository,
            env={**os.environ, "PYTHONPATH": str(self.repository), "XDG_STATE_HOME": str(self._state)},
            capture_output=True,
            text=True,
            timeout=800,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)["result"]


CELL = ("--workload", "register", "--nodes", "3", "--time-limit", "5", "--nemesis", "kill")


@pytest.mark.campaign
@pytest.mark.timeout(1500)  # the runs are bounded; how long they take is up to what else the machine does
def test_a_bug_in_the_real_node_is_found_by_its_commit(tmp_path: Path) -> None:
    own = OwnHistory(tmp_path)
    code, campaign = own.run("campaign", *CELL, "--seeds", "12", "--no-shrink")
    assert code == 1
    first = campaign["findings"][0]
    assert first["checker"] == "term-monotonic"
    code, found = own.run("bisect", first["fingerprint"], "--good", own.commits[0])
    assert (code, found["outcome"]) == (0, "found"), found
    assert [commit["id"] for commit in found["left"]] == [own.commits[7]]
    assert found["error"] <= 0.05


@pytest.mark.campaign
@pytest.mark.timeout(1500)
def test_real_processes_find_the_commit_by_rate_and_replay_says_fixed_when_it_is(tmp_path: Path) -> None:
    own = OwnHistory(tmp_path)
    code, campaign = own.run("campaign", *CELL, "--world", "local", "--seeds", "3")
    assert code == 1
    mark = next(one["fingerprint"] for one in campaign["findings"] if one["checker"] == "term-monotonic")
    code, found = own.run("bisect", mark, "--good", own.commits[0], "--confidence", "0.9")
    assert (code, found["outcome"]) == (0, "found"), found
    assert [commit["id"] for commit in found["left"]] == [own.commits[7]]
    code, again = own.run("replay", mark, "--confidence", "0.9")
    assert (code, again["answer"]) == (1, "STILL FAILS"), again
    own.edit(WRONG, RIGHT)
    code, again = own.run("replay", mark, "--confidence", "0.9")
    assert (code, again["answer"]) == (0, "FIXED"), again
