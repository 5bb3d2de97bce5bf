"""The command as a user meets it: exit codes, one-line errors, and nothing left running."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ackproof.cli import entry
from harness.hosts.ledger import clean
from harness.hosts.processes import carrying
from harness.systems.base import Bounds
from harness.systems.reference_node import ReferenceNode
from history import read_history

ACKPROOF = Path(sys.executable).with_name("ackproof")
QUICK = (
    *("--nodes", "3", "--concurrency", "4", "--time-limit", "3", "--nemesis", "none"),
    *("--minimum-acknowledged", "20"),  # of some 400: on a busy machine a leader comes late
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own; every process that was started with it must have ended."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    yield folder
    assert carrying("XDG_STATE_HOME", str(folder)) == [], "processes were left behind"


def ackproof(*arguments: str, timeout_s: float = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ACKPROOF, *arguments], capture_output=True, text=True, timeout=timeout_s)


def begin(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [ACKPROOF, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def until_operations(store: Path, count: int) -> Path:
    """Wait until a run under `store` has recorded this number of operations; return its folder."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for lines in store.glob("*/history.jsonl"):
            if lines.read_bytes().count(b"\n") >= count:
                return lines.parent
        time.sleep(0.05)
    raise AssertionError(f"no run under {store} came to {count} operations")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nemesis", "partitoin"], "did you mean 'partition'"),
        (["--nemesis", "kill:leadr"], "did you mean 'leader'"),
        (["--workload", "regstry"], "did you mean 'registry'"),
        (["--mutant", "vote-twise"], "did you mean 'vote-twice'"),
        (["--heartbeat-ms", "500"], "must be below --election-ms 500"),
        (["--nodes", "0"], "--nodes"),
        (["--rate", "0"], "--rate"),
        (["--time-limit", "soon"], "--time-limit"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
def test_wrong_usage_exits_254_and_says_what_to_do(arguments: list[str], message: str, state: Path) -> None:
    done = ackproof("run", *arguments)
    assert done.returncode == 254
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("(see ackproof run --help)\n")


def test_a_run_is_valid_and_leaves_its_whole_folder(tmp_path: Path, state: Path) -> None:
    junit = tmp_path / "junit.xml"
    done = ackproof("run", *QUICK, "--seed", "3", "--store", str(tmp_path / "store"), "--junit", str(junit))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VALID" in done.stdout
    folder = (tmp_path / "store" / "latest").resolve()
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "test.json",
        "history.jsonl",
        "history.parquet",
        "lives.json",
        "results.json",
        "report.html",
    }
    assert list(read_history(folder / "history.jsonl")) == list(read_history(folder / "history.parquet"))
    suite = ElementTree.parse(junit).getroot()
    assert len(suite.findall(".//testcase")) > 10
    assert suite.find(".//failure") is None

    again = ackproof("analyze", str(folder), "--json")
    assert again.returncode == 0
    results = json.loads(again.stdout)
    assert results["validity"] == "valid"
    stored = json.loads((folder / "results.json").read_text())
    assert {name: results[name] for name in stored} == stored
    assert (results["folder"], results["seed"]) == (str(folder), 3)


def test_a_store_may_be_relative_as_the_default_is(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ackproof("run", *QUICK, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name != "state"] == ["store"]


def test_a_run_that_proves_too_little_is_unknown(tmp_path: Path, state: Path) -> None:
    done = ackproof("run", *QUICK, "--minimum-acknowledged", "100000", "--store", str(tmp_path), "--json")
    assert done.returncode == 2
    verdicts = {verdict["checker"]: verdict for verdict in json.loads(done.stdout)["verdicts"]}
    assert verdicts["vacuity"]["validity"] == "unknown"
    assert "a run needs at least 100,000" in verdicts["vacuity"]["summary"]


def test_a_port_in_use_is_named(tmp_path: Path, state: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = ackproof("run", *QUICK, "--base-port", str(port), "--store", str(tmp_path))
    assert done.returncode == 255
    assert f"port {port} is in use" in done.stderr


def test_a_store_that_cannot_be_written_is_named(tmp_path: Path, state: Path) -> None:
    (tmp_path / "file").write_text("")
    done = ackproof("run", *QUICK, "--store", str(tmp_path / "file" / "store"))
    assert done.returncode == 255
    assert "--store" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_nodes_that_elect_no_leader_are_said_in_one_line(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ReferenceNode, "bounds", Bounds(leader_s=0.0))
    monkeypatch.setattr(sys, "argv", ["ackproof", "run", *QUICK, "--store", str(tmp_path / "store")])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 255
    message = capsys.readouterr().err
    assert "no leader within 0 s" in message
    assert re.search(
        r"no leader within 0 s: n1 (is|gives) .*; n3 (is|gives) .*; (each gives|the end of)", message
    )
    # Where the nodes take more than a second to start, lines of progress are there, too.
    of_error = [line for line in message.strip().splitlines() if " s | " not in line]
    assert len(of_error) == 1


def test_the_first_interrupt_heals_reads_back_and_judges(tmp_path: Path, state: Path) -> None:
    run = begin("run", "--nodes", "3", "--time-limit", "300", "--store", str(tmp_path / "store"))
    folder = until_operations(tmp_path / "store", 1500)
    run.send_signal(signal.SIGINT)
    message, _ = run.communicate(timeout=60)
    assert "interrupted: healing and reading back" in message
    assert run.returncode in (0, 2), message  # unknown if it came before every fault had its turn
    fs = {operation.f for operation in read_history(folder)}
    assert {"final-heal", "final-list", "final-local"} <= fs
    assert (folder / "report.html").exists()


def test_a_killed_harness_leaves_a_history_to_judge_and_the_next_start_cleans_up(
    tmp_path: Path, state: Path
) -> None:
    run = begin("run", "--nodes", "3", "--time-limit", "300", "--store", str(tmp_path / "store"))
    folder = until_operations(tmp_path / "store", 1500)
    run.kill()
    run.communicate(timeout=60)
    assert carrying("XDG_STATE_HOME", str(state)), (
        "the nodes outlive their harness, or nothing is tested here"
    )

    history = read_history(folder / "history.jsonl")
    assert len(history) >= 1500
    judged = ackproof("analyze", str(folder), "--json")
    assert judged.returncode == 2, judged.stderr
    validity = {v["checker"]: v["validity"] for v in json.loads(judged.stdout)["verdicts"]}
    assert validity["linearizability"] == "valid"
    assert validity["durability"] == "unknown"

    next_run = ackproof("run", *QUICK, "--store", str(tmp_path / "store"))
    assert "removed what an earlier run left behind" in next_run.stderr
    assert next_run.returncode == 0
    assert clean() == []


def test_a_history_cut_in_mid_line_is_judged_up_to_there(tmp_path: Path, state: Path) -> None:
    assert ackproof("run", *QUICK, "--store", str(tmp_path / "store")).returncode == 0
    folder = (tmp_path / "store" / "latest").resolve()
    (folder / "history.parquet").unlink()
    whole = (folder / "history.jsonl").read_bytes()
    cut = whole[: len(whole) * 2 // 3]
    (folder / "history.jsonl").write_bytes(cut)
    done = ackproof("analyze", str(folder), "--json")
    assert done.returncode == 2, done.stderr
    assert len(read_history(folder / "history.jsonl")) in (cut.count(b"\n"), cut.count(b"\n") + 1)


@pytest.mark.parametrize("damage", ["{}", "not json", '{"nodes": 3}'])
def test_a_damaged_run_folder_is_named(damage: str, tmp_path: Path, state: Path) -> None:
    (tmp_path / "test.json").write_text(damage)
    done = ackproof("analyze", str(tmp_path))
    assert done.returncode == 255
    assert "test.json" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_ends_the_run_with_one_line(tmp_path: Path, state: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"this machine may not mount a tmpfs: {mounted.stderr.decode().strip()}")
    try:
        done = ackproof(
            "run", "--nodes", "3", "--nemesis", "none", "--time-limit", "60", "--store", str(small)
        )
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode == 255, done.stdout + done.stderr
    assert "make room" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_teaches_the_commands_and_the_exit_codes(state: Path) -> None:
    top = ackproof("--help").stdout
    for word in ("run", "analyze", "mutants", "0 valid", "1 invalid", "2 unknown", "254", "255"):
        assert word in top
    assert "--nemesis" in ackproof("run", "--help").stdout


def test_mutants_are_listed_with_who_catches_them(state: Path) -> None:
    listed = json.loads(ackproof("mutants", "--list", "--json").stdout)["result"]
    assert {"name", "about", "caught_by"} <= set(listed[0])
    plain = ackproof("mutants", "--list").stdout
    assert all(mutant["name"] in plain for mutant in listed)


def test_mutants_are_hunted_shrunk_and_can_be_played_again(state: Path, tmp_path: Path) -> None:
    done = ackproof("mutants", "recover-short", "--store", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 caught by their own checker" in done.stdout
    assert "1 of 1 hunted, 1 caught" in done.stderr
    schedule = tmp_path / "mutants" / "recover-short.json"
    assert ackproof("replay", str(schedule), "--store", str(tmp_path)).returncode == 1


def test_a_mutant_that_escapes_its_checker_is_named_and_the_exit_code_is_1(
    state: Path, tmp_path: Path
) -> None:
    # the bug shows itself only where snapshots are restored, which the first seed does not
    done = ackproof("mutants", "install-over-newer-state", "--seeds", "1", "--store", str(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT by commit-monotonic" in done.stdout
    assert "0 of 1 caught" in done.stdout


def test_generated_mutants_are_drawn_scored_and_not_hunted_twice(state: Path, tmp_path: Path) -> None:
    command = ("mutants", "--generated", "--sample", "1", "--draw", "1", "--seeds", "1", "--jobs", "1")
    done = ackproof(*command, "--store", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 hunted" in done.stderr
    again = ackproof(*command, "--store", str(tmp_path))
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_an_unknown_mutant_is_refused_with_the_nearest_one(state: Path) -> None:
    done = ackproof("mutants", "forgetfull")
    assert done.returncode == 254
    assert "forgetful" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--system", "etdc"], "unknown system 'etdc'"),
        (["--system", "no_such.py:Mine"], "there is no file"),
        (
            ["--system", "no_such.py:Mine", "--mutant", "forgetful"],
            "--mutant is for the system reference-node",
        ),
    ],
)
def test_a_system_that_does_not_exist_is_wrong_usage(arguments: list[str], message: str, state: Path) -> None:
    done = ackproof("run", *arguments)
    assert done.returncode == 254
    assert message in done.stderr
    assert "Traceback" not in done.stderr


AT_THE_END = """
import atexit, sys, threading, time
class Kept:
    def __del__(self):
        print("taken apart")
kept = Kept()
atexit.register(print, "put off")
if sys.argv.pop() == "threads":
    # It prints when the command is at its end, so that a process that ends at once would lose the line.
    threading.Thread(target=lambda: (time.sleep(0.5), print("the other thread"))).start()
sys.argv[1:] = ["no-such-command"]
from ackproof.cli.entry import program
print("printed", end=" ")
program()
"""


@pytest.mark.parametrize(
    ("threads", "lines"),
    [("alone", ["printed put off"]), ("threads", ["printed the other thread", "put off", "taken apart"])],
)
def test_a_command_ends_at_once_when_nothing_is_left_to_be_done(threads: str, lines: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", AT_THE_END, threads], capture_output=True, text=True)
    assert done.stdout.splitlines() == lines
    assert done.returncode == 254
    assert "no-such-command" in done.stderr
