"""Campaigns: kept as they come, resumed, refused where they would mix what does not belong together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from ackproof.cli.main import cli
from checkers.verdict import Validity
from harness.errors import CouldNotRun
from harness.executors.executor import Ended
from harness.executors.in_process import InProcess
from harness.sim.command import CampaignSummary, many, summary
from harness.sim.judging import Judged
from harness.sim.plan.plan import SeedOptions
from harness.sim.seeds.campaign import CampaignResults, SeedExecutor, judge_all, seed_executor

WISHES = SeedOptions(nodes=3, time_limit_s=2, rate=40)


def campaign(file: Path, seeds: range, options: SeedOptions = WISHES, jobs: int = 1) -> CampaignSummary:
    return many(seeds, options, file, seed_executor(jobs), quiet=True, stop_at_first=False)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def same(one: Judged, other: Judged) -> bool:
    """But for how long it took."""
    return msgspec.structs.replace(one, wall_ns=0) == msgspec.structs.replace(other, wall_ns=0)


def judged_by(executor: SeedExecutor, seeds: range) -> dict[int, Judged]:
    found: dict[int, Judged] = {}
    judge_all(seeds, WISHES, executor, take=lambda judged: found.setdefault(judged.seed, judged) is judged)
    return found


def test_both_cores_find_what_one_finds() -> None:
    alone, together = (judged_by(seed_executor(jobs), range(6)) for jobs in (1, 2))
    assert sorted(alone) == sorted(together) == list(range(6))
    assert all(same(alone[seed], together[seed]) for seed in alone)


def test_a_campaign_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    campaign(file, range(3))
    with file.open("ab") as torn:
        torn.write(b'{"seed":3,"valid')
    before = file.read_bytes()[:-16]
    found = campaign(file, range(5))
    assert found.seeds == 5
    assert file.read_bytes().startswith(before)
    assert [line["seed"] for line in lines(file)[1:]] == [0, 1, 2, 3, 4]
    again = campaign(file, range(5))
    assert again == found


def test_results_of_other_options_or_other_code_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    campaign(file, range(1))
    with pytest.raises(CouldNotRun, match="other options"):
        campaign(file, range(1), SeedOptions(nodes=5))
    header, *rest = file.read_bytes().splitlines()
    changed = json.loads(header)
    changed["code"]["node_impl/core/raft"] = "0" * 16
    file.write_bytes(b"\n".join([json.dumps(changed).encode(), *rest, b""]))
    with pytest.raises(CouldNotRun, match="node_impl/core/raft changed"):
        campaign(file, range(1))
    file.write_text("hello\n")
    with pytest.raises(CouldNotRun, match="holds no campaign's results"):
        CampaignResults(file, WISHES)


class Backwards:
    """Ends the pieces that it was given at once in the opposite order, as a busy machine may."""

    def __init__(self, judged: dict[int, Judged]) -> None:
        self._judged = judged
        self._begun: list[int] = []

    @property
    def has_room(self) -> bool:
        return len(self._begun) < 3

    @property
    def is_busy(self) -> bool:
        return bool(self._begun)

    def begin(self, key: int, _task: tuple[int, SeedOptions]) -> None:
        self._begun.append(key)

    def wait(self, timeout_s: float) -> list[Ended[int, Judged]]:
        key = self._begun.pop()
        return [Ended(key, self._judged[key])]

    def interrupt(self) -> list[Ended[int, Judged]]:
        return []

    def close(self) -> None:
        self._begun.clear()


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_first_violation_is_that_of_the_smallest_seed(jobs: int, tmp_path: Path) -> None:
    wrong = {3, 4, 5, 8}
    judged = {
        seed: Judged(seed=seed, validity=Validity.INVALID, invalid=("durability",))
        if seed in wrong
        else Judged(seed=seed, validity=Validity.VALID)
        for seed in range(20)
    }
    executor: SeedExecutor = Backwards(judged) if jobs == 3 else InProcess(lambda task: judged[task[0]])
    file = tmp_path / "results.jsonl"
    found = many(range(20), WISHES, file, executor, quiet=True, stop_at_first=True)
    assert (found.seeds, found.valid, found.invalid) == (4, 3, 1)
    assert [one.seed for one in found.violations] == [3]
    again = many(range(20), WISHES, file, Backwards({}), quiet=True, stop_at_first=True)
    assert again == found, "nothing is left to do: the first violation is in the file"


def test_one_violation_makes_a_campaign_invalid_and_no_proof_makes_it_unknown() -> None:
    def judged(seed: int, validity: str, invalid: tuple[str, ...] = ()) -> Judged:
        return Judged(seed=seed, validity=Validity(validity), invalid=invalid)

    assert summary([judged(0, "valid"), judged(1, "invalid", ("durability",))]).validity == "invalid"
    assert summary([judged(0, "valid"), judged(1, "unknown")]).validity == "valid"
    assert summary([judged(0, "unknown")]).validity == "unknown"
    assert summary([]).validity == "unknown"


def test_the_command_runs_one_seed_into_a_folder_with_a_report(tmp_path: Path) -> None:
    ended = CliRunner().invoke(cli, ["sim", "--seed", "2", "--store", str(tmp_path), "--json"])
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["validity"] == "valid"
    assert (tmp_path / "latest" / "report.html").exists()
    assert (tmp_path / "latest" / "history.parquet").exists()


def test_the_command_ends_with_1_on_a_violation(tmp_path: Path) -> None:
    arguments = ["sim", "--seeds", "20", "--mutant", "forgetful", "--stop-at-first", "--jobs", "1"]
    ended = CliRunner().invoke(cli, [*arguments, "--store", str(tmp_path), "--json"])
    assert ended.exit_code == 1, ended.output
    found = json.loads(ended.stdout)["result"]
    assert "term-monotonic" in found["violations"][0]["invalid"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seed", "1", "--seeds", "2"],
        ["--mutant", "forgetfull"],
        ["--nemesis", "kil"],
        ["--rate", "0"],
        ["--workload", "registri"],
        ["--seeds", "2", "--shrink", "small.json"],
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    ended = CliRunner().invoke(cli, ["sim", *arguments])
    assert ended.exit_code == 2  # click's own; `ackproof` turns it into 254
    assert "Error" in ended.stderr
