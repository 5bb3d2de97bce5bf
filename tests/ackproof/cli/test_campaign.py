"""`ackproof campaign` and `ackproof findings` as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ackproof.campaigning import findings
from ackproof.cli.campaigns import EXITS
from ackproof.cli.main import cli
from ackproof.cli.output.exits import Exit
from harness.campaign.cells import Cell
from harness.campaign.executors import usual_executors
from harness.campaign.journal import JOURNAL
from harness.campaign.performing import JUDGED
from harness.errors import CouldNotRun
from harness.run import runner
from harness.run.test import Test
from tests.harness.campaign.fakes import INVALID, VALID, carried_out, plan

SMALL = ("--nodes", "3", "--time-limit", "2", "--seeds", "2", "--jobs", "1")


def ackproof(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_a_small_campaign_ends_with_a_summary_and_nothing_is_left_to_resume(tmp_path: Path) -> None:
    done = ackproof("campaign", *SMALL, "--nemesis", "none", "--store", tmp_path, "--json")
    assert done.exit_code in (0, 2), done.output
    summary = json.loads(done.stdout)["result"]["summary"]
    assert (summary["runs"], summary["asked"], summary["ended"]) == (3, 3, "all runs are done")
    assert summary["cells"][0]["compared"] == 1
    again = ackproof("campaign", "run", "--resume", summary["folder"], "--json")
    assert json.loads(again.stdout)["result"]["summary"]["runs"] == 3
    listed = ackproof("findings", "--store", tmp_path)
    assert (listed.exit_code, listed.output) == (0, f"no findings in 1 campaigns with 3 runs in {tmp_path}\n")


def test_a_time_limit_that_is_too_short_is_said_beforehand_and_in_the_result(
    tmp_path: Path,
) -> None:
    faults = ("--nemesis", "kill,partition,pause", "--nodes", "3", "--seeds", "1", "--stability", "0")
    done = ackproof("campaign", *faults, "--time-limit", "1", "--jobs", "1", "--store", tmp_path, "--json")
    (short,) = json.loads(done.stdout)["warnings"]
    assert short["given_s"] == 1 < short["enough_s"]
    assert short["cells"] == [json.loads(done.stdout)["result"]["summary"]["cells"][0]["name"]]
    assert done.stderr.startswith(f"warning: {short['text']}\n")
    limit = str(int(short["enough_s"]))
    long = ackproof("campaign", *faults, "--time-limit", limit, "--jobs", "1", "--store", tmp_path, "--json")
    assert json.loads(long.stdout)["warnings"] == []


@pytest.mark.parametrize(
    ("options", "enough"),
    [((), None), (("--time-limit", "6"), 16), (("--time-limit", "6", "--fault-seconds", "0.2"), 8)],
)
def test_a_run_says_so_too_and_takes_long_enough_by_itself(
    options: tuple[str, ...], enough: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Test] = []

    def run(test: Test, *_: object, **__: object) -> None:
        asked.append(test)
        raise CouldNotRun("not now")

    monkeypatch.setattr(runner, "run", run)
    for faults in ("kill,partition", "kill,partition,pause,terminate,slow,loss,delay"):
        done = ackproof("run", "--nodes", "3", "--nemesis", faults, *options, "--store", tmp_path)
        assert isinstance(done.exception, CouldNotRun)
        assert ("warning: a time limit of 6 s is too short" in done.stderr) is (enough is not None)
    if enough is None:
        assert [test.time_limit_s for test in asked] == [30, 46]
    else:
        first = ackproof("run", "--nodes", "3", *options, "--store", tmp_path)
        assert f"give --time-limit {enough}, or" in first.stderr


def test_a_merged_campaign_names_what_to_go_on_with_only_if_runs_are_missing(tmp_path: Path) -> None:
    shards = [
        carried_out(tmp_path / "shards", plan(Cell(seeds=4), shard=(part, 2))).folder for part in (1, 2)
    ]
    whole = ackproof("campaign", "merge", *shards, "--store", tmp_path / "whole")
    assert "joined from its parts\n" in whole.output
    assert "go on:" not in whole.output
    half = ackproof("campaign", "merge", shards[0], "--store", tmp_path / "half")
    assert "go on:     ackproof campaign run --resume" in half.output


@pytest.mark.parametrize(
    ("stability", "words"), [(0, "no seed ran twice"), (1, "1 seeds ran twice, 0 of them")]
)
def test_a_campaign_says_whether_any_seed_ran_twice(stability: int, words: str, tmp_path: Path) -> None:
    folder = carried_out(tmp_path, plan(Cell(seeds=2), stability=stability)).folder
    assert f"stability: {words}" in ackproof("campaign", "--resume", folder, "--jobs", "1").output


def test_a_campaign_whose_budget_ended_is_gone_on_with_by_the_line_that_it_prints(tmp_path: Path) -> None:
    real = Cell(world="local", workload="register", nodes=3, nemesis=("kill",), time_limit_s=7, seeds=1)
    ended = carried_out(tmp_path, plan(Cell(seeds=1), real, most_s=0.0))
    refused = ackproof("campaign", "--resume", ended.folder)
    assert refused.exit_code == 2
    assert f"the budget of {ended.folder} is used up; give --seconds" in refused.stderr
    on_hosts = ackproof("campaign", "--resume", ended.folder, "--seconds", "5", "--real-jobs", "17")
    assert on_hosts.exit_code == 2

    done = ackproof("campaign", "--resume", ended.folder, "--seconds", "0.000001", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 2
    assert found["result"]["summary"]["more_needed_s"] == 17
    assert found["next"] == [f"ackproof campaign run --resume {ended.folder} --seconds 17"]


def test_remote_hosts_have_one_run_at_a_time(tmp_path: Path) -> None:
    hosts = Cell(world="ssh", nodes_file="hosts", workload="register", seeds=1)
    folder = carried_out(tmp_path, plan(hosts, most_runs=1)).folder
    done = ackproof("campaign", "--resume", folder, "--real-jobs", "2")
    assert done.exit_code == 2
    assert "remote hosts have one run at a time" in done.stderr


def test_findings_end_with_the_line_that_runs_them_again(tmp_path: Path) -> None:
    carried_out(tmp_path, plan())
    shown = ackproof("findings", "--store", tmp_path)
    assert shown.exit_code == 0
    assert shown.output.startswith("NEW ")
    assert "again, with a report: ackproof sim --seed 5 --workload registry\n" in shown.output
    line = shown.output.splitlines()[-1].split()
    assert line[:2] == ["ackproof", "replay"]
    again = ackproof(*line[1:], "--jobs", "1")
    assert again.exit_code == 2, "the fake run is not what the simulator does with this seed"
    assert again.stdout.startswith(f"CANNOT TELL {line[2]} durability: registration lost\n")
    assert again.stdout.endswith("  ackproof sim --seed 5 --workload registry\n")


def test_a_real_finding_of_the_simulator_still_fails(tmp_path: Path) -> None:
    cell = Cell(mutant="forgetful", nodes=3, time_limit_s=2, rate=40, nemesis=("kill",), seeds=4)
    stored = carried_out(tmp_path, plan(cell), make=usual_executors(1))
    run = next(line for line in stored.runs if line.outcome.violations)
    again = ackproof("replay", f"{stored.folder}:0:{run.seed}", "--store", tmp_path, "--jobs", "1", "--json")
    assert again.exit_code == 1, again.output
    found = json.loads(again.stdout)["result"]
    assert (found["answer"], found["is_exact"], found["seed"]) == ("STILL FAILS", True, run.seed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("campaign", "megre", "x"), "No such command 'megre'"),
        (("campaign", "no.toml"), "no.toml"),
        (("campaign", "--shard", "4/3"), "'4/3' is not PART/PARTS"),
        (("campaign", "--shard", "x"), "'x' is not PART/PARTS"),
        (("campaign", "--workload", "queue"), "workload queue needs the data type queue"),
        (("campaign", "--canary", "forgetfull"), "unknown mutant 'forgetfull': did you mean 'forgetful'?"),
        (("campaign", "--resume", "x", "--workload", "cas"), "--resume goes on with the campaign's own plan"),
        (("campaign", "--resume", "x", "--runs", "3"), "of its budget, only --seconds"),
        (("campaign", "a.toml", "--workload", "cas"), "leave --workload out, or the file"),
        (("campaign", "--baseline", "none.toml"), "there is no baseline none.toml"),
        (("campaign", "--world", "ssh"), "the world ssh needs nodes_file"),
        (("campaign", "--world", "ssh", "--nodes-file", "no.txt"), "the nodes file /"),
        (("campaign", "--nodes-file", "no.txt"), "nodes_file lists remote hosts, and the world is not ssh"),
        (("campaign", "--dask", "tcp://10.0.0.1:8786"), "lies beyond this machine and has no TLS"),
        (("campaign", "--dask", "8786"), "'8786' is no address of a Dask scheduler: give local, tcp://"),
        (("campaign", "--dask", "local", "--world", "local"), "--dask does simulated runs"),
        (("campaign", "--dask", "tcp://127.0.0.1:1", "--jobs", "2"), "--jobs is for this machine"),
        (("sim", "--dask", "local", "--seed", "2"), "--dask is for many seeds"),
        (("findings", "--baseline", "none.toml"), "there is no baseline none.toml"),
        (("replay", "none.json"), "'none.json' is no file, no fingerprint (ten of 0-9, a-f), and no run"),
        (("replay", "none.json", "--runs", "3"), "--runs: for a FINDING or a RUN alone"),
        (("replay", "0a1b2c3d4e", "--anyway"), "--anyway: for a FILE alone"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_starts(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    command = ["campaign", "run", *arguments[1:]] if arguments[1] != "megre" else arguments
    for words in (arguments, command) if arguments[0] == "campaign" else (arguments,):
        refused = ackproof(*words, *(() if "megre" in words else ("--store", store)))
        assert refused.exit_code == 2, refused.output  # click's own; the command's is 254
        assert message in refused.output
    assert not store.exists()


def test_every_outcome_has_an_exit_code_and_a_broken_harness_is_never_unknown() -> None:
    assert EXITS["broken"] == EXITS["could not run"] == Exit.COULD_NOT_RUN
    assert (EXITS["valid"], EXITS["invalid"], EXITS["unknown"]) == (Exit.VALID, Exit.INVALID, Exit.UNKNOWN)
    assert {Exit.VALID, Exit.INVALID, Exit.UNKNOWN} == set(JUDGED)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda text: text.replace(b'"ackproof_campaign":1', b'"ackproof_campaign":9'),
            "a newer version wrote",
        ),
        (lambda text: b"hello\n" + text, "holds no campaign"),
    ],
)
def test_a_campaign_that_cannot_be_read_is_named_in_a_line_and_hides_no_other(
    change: Callable[[bytes], bytes], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    good = carried_out(tmp_path / "store", plan(Cell(seeds=2)), lambda _cell, _seed: INVALID)
    bad = carried_out(tmp_path / "store", plan(Cell(seeds=2, workload="cas")), lambda _cell, _seed: VALID)
    journal = bad.folder / JOURNAL
    journal.write_bytes(change(journal.read_bytes()))

    listed = ackproof("findings", "--json")
    assert (listed.exit_code, len(listed.stderr.splitlines())) == (0, 1)
    assert listed.stderr.startswith(f"left out: {journal}")
    assert words in listed.stderr
    [finding] = json.loads(listed.stdout)["result"]
    example = f"{good.folder.name}:0:{finding['example']['seed']}"
    again = ackproof("replay", example, "--runs", "1", "--jobs", "1")
    assert again.exit_code in (0, 1, 2), again.output
    assert again.stderr.count("left out: ") == 1
    more = ackproof("campaign", *SMALL, "--nemesis", "none", "--runs", "1")
    assert more.exit_code in (0, 2), more.output
    assert more.stderr.count("left out: ") == 1
    searched = ackproof("bisect", finding["fingerprint"], "--good", "HEAD", "--repository", tmp_path)
    assert searched.exit_code != 0  # it is no repository
    assert searched.stderr.count("left out: ") == 1
    with pytest.warns(UserWarning, match="left out: "):
        assert [one.fingerprint for one in findings()] == [finding["fingerprint"]]

    for other in {*Path("store").glob(f"*/{JOURNAL}")} - {journal.relative_to(tmp_path)}:
        other.unlink()
    alone = ackproof("findings")
    assert (alone.exit_code, isinstance(alone.exception, CouldNotRun)) == (1, True), alone.output
