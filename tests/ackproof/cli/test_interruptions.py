"""Ctrl-C, and a second one right after it, end a command with its own exit code and without a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.harness.store.stores import add_run

ACKPROOF = str(Path(sys.executable).with_name("ackproof"))
LONGEST_S = 60.0


def interrupted_twice(
    arguments: list[str], folder: Path, is_at_work: Callable[[], bool], gap_s: float
) -> subprocess.CompletedProcess[str]:
    """What a command does that gets two Ctrl-C, as its whole process group does in a terminal."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        process = subprocess.Popen(
            [ACKPROOF, *arguments],
            stdout=out,
            stderr=err,
            start_new_session=True,
            env=environment,
            preexec_fn=_hear_ctrl_c,
        )
    try:
        deadline = time.monotonic() + LONGEST_S
        while not is_at_work():
            assert process.poll() is None, (folder / "err").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(gap_s)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        code = process.wait(LONGEST_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    texts = [(folder / name).read_text(encoding="utf-8") for name in ("out", "err")]
    return subprocess.CompletedProcess(arguments, code, *texts)


def _hear_ctrl_c() -> None:
    """As in a terminal: tests that run in the background of a shell begin with the signal ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("gap_s", [0.0, 0.05, 0.3])
def test_a_server_that_is_interrupted_twice_ends_well(tmp_path: Path, gap_s: float) -> None:
    store = tmp_path / "store"
    add_run(store, "2026-11-28T100000-register-7")
    arguments = ["serve", "--store", str(store), "--listen", "127.0.0.1:0"]
    done = interrupted_twice(arguments, tmp_path, lambda: "shows the runs" in read(tmp_path / "out"), gap_s)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode in (0, 255)


@pytest.mark.parametrize("gap_s", [0.0, 0.1])
def test_seeds_that_are_interrupted_twice_end_with_255(tmp_path: Path, gap_s: float) -> None:
    results = tmp_path / "results.jsonl"
    arguments = ["sim", "--seeds", "500", "--jobs", "2", "--nodes", "3", "--time-limit", "3"]
    arguments += ["--results", str(results)]
    done = interrupted_twice(arguments, tmp_path, lambda: read(results).count("\n") > 1, gap_s)
    assert "Traceback" not in done.stdout + done.stderr
    assert (done.returncode, done.stderr.splitlines()[-1]) == (255, "ackproof: interrupted")


def test_sigterm_while_nodes_start_leaves_none_behind(tmp_path: Path) -> None:
    argv = [ACKPROOF, "run", "--nodes", "3", "--nemesis", "kill", "--store", str(tmp_path / "store")]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, env=environment) as process:
        deadline = time.monotonic() + LONGEST_S
        while not (nodes := nodes_below(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)  # nothing else shows that nodes have started; the deadline bounds it
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=LONGEST_S)
    assert (process.returncode, said.splitlines()[-1]) == (255, "ackproof: interrupted")
    assert nodes_below(tmp_path) == set(), f"of {nodes}"


def nodes_below(folder: Path) -> set[int]:
    """The processes of nodes whose data are below a folder."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            command = path.read_bytes()
            if b"node_impl" in command and str(folder).encode() in command:
                found.add(int(path.parent.name))
    return found


def read(path: Path) -> str:
    """What a file holds so far."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


IN_A_FINALIZER = """
import sys, time, weakref
from ackproof.cli.entry import repeat_interruption

class Thing:
    pass

def interrupted(_):
    raise KeyboardInterrupt

sys.unraisablehook = repeat_interruption
thing = Thing()
watch = weakref.ref(thing, interrupted)
try:
    del thing
    time.sleep(60)
except KeyboardInterrupt:
    print("it came again")
"""


def test_an_interruption_where_nothing_can_be_raised_comes_again_and_prints_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FINALIZER],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        preexec_fn=_hear_ctrl_c,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "it came again\n", "")


CTRL_C_WHILE_JUDGING = """
import os, signal, sys, time
import harness.run.judging
from ackproof.cli import entry

def judge(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)  # the signal ends it

harness.run.judging.judge = judge
sys.argv[0] = "ackproof"
entry.main()
"""


def test_ctrl_c_while_judging_says_how_to_judge_later(tmp_path: Path) -> None:
    store = tmp_path / "a store"
    add_run(store, "2026-11-28T100000-register-7")
    folder = store / "2026-11-28T100000-register-7"
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_WHILE_JUDGING, "analyze", str(folder)],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        preexec_fn=_hear_ctrl_c,
    )
    said = f"ackproof: interrupted while judging; to judge it later: ackproof analyze '{folder}'"
    assert (done.returncode, done.stdout, done.stderr.split()) == (255, "", said.split())
