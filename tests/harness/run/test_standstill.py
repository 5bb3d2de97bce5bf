"""A harness whose loop stands still is ended from outside; what was recorded can be judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ackproof.cli.output.exits import Exit
from harness.run.watching import onlooker, standstill

BOUND_S = 2.0
HARNESS = """
    import asyncio, ctypes, pdb, re, sys, threading, time
    from pathlib import Path
    from harness.run.watching import standstill

    standstill.STANDSTILL_S = float(sys.argv[1])

    def computes():
        re.match(r"(a+)+$", "a" * 60 + "b")  # keeps the global lock

    def sleeps():
        ctypes.PyDLL(None).sleep(600)  # the same, and uses no processor

    def naps():
        ctypes.PyDLL(None).sleep(1)

    def spins():
        while True:
            pass

    def waits():
        time.sleep(600)  # holds up the loop, not the lock, until the test ends it

    def after(pause_s, work):
        time.sleep(pause_s)  # how long a client is well before its library keeps the lock
        work()

    def debugs():
        pdb.Pdb(stdin=sys.stdin, stdout=sys.stdout).set_trace()

    async def main(of_client, of_loop):
        async with standstill.ended_at_standstill(Path("store/run"), Path("store"), 0.1):
            await asyncio.sleep(0.3)
            for number, work in enumerate((waits, lambda: after(float(sys.argv[4]), of_client))):
                threading.Thread(target=work, daemon=True, name=f"client {number} of n1").start()
            of_loop()
            print("begun", flush=True)
            await asyncio.sleep(2.5 * standstill.STANDSTILL_S)
        print("went on")

    works = {work.__name__: work for work in (computes, debugs, sleeps, naps, spins, waits)}
    asyncio.run(main(works[sys.argv[2]], works.get(sys.argv[3], int)))
"""


def started(
    folder: Path, of_client: str, of_loop: str = "nothing", after_s: float = 0
) -> subprocess.Popen[str]:
    script = folder / "harness_of_a_test.py"
    script.write_text(textwrap.dedent(HARNESS))
    return subprocess.Popen(
        [sys.executable, str(script), str(BOUND_S), of_client, of_loop, str(after_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "XDG_STATE_HOME": str(folder)},
    )


@pytest.mark.parametrize("library", ["computes", "sleeps"])
@pytest.mark.parametrize(("after_s", "who"), [(1.5, "client 1 of n1"), (0, "a thread that had just begun")])
def test_a_library_that_keeps_the_global_lock_is_named_and_the_run_ends(
    library: str, after_s: float, who: str, tmp_path: Path
) -> None:
    harness = started(tmp_path, library, after_s=after_s)
    _, said = harness.communicate(timeout=60)
    assert harness.returncode == Exit.COULD_NOT_RUN == standstill.EXIT_STATUS
    (line,) = [line for line in said.splitlines() if line]
    assert f"{who} in {library} ({tmp_path}/harness_of_a_test.py:" in line
    assert "keeps Python's global lock" in line
    assert "`in_own_process`" in line
    assert "ackproof analyze store/run" in line
    assert "MainThread" not in line, "it waits for the lock"


def test_a_loop_that_waits_for_what_comes_next_is_not_what_keeps_the_lock() -> None:
    """On a machine that is short of processors it may not have woken up while it was looked at."""
    library = os.path.dirname(os.__file__)
    dump = f"""Thread 0x2 (most recent call first):
  File "/client.py", line 7 in sleeps
  File "{library}/threading.py", line 982 in run

Current thread 0x1 (most recent call first):
  File "{library}/selectors.py", line 468 in select
  File "{library}/asyncio/base_events.py", line 1898 in _run_once
  File "{library}/asyncio/runners.py", line 190 in run
  File "/script.py", line 47 in <module>
"""
    numbers = {"pid": 1, "bound_s": 2, "dump": 0, "dump_signal": 0, "exit_thread": 0, "exit_signal": 0}
    asked = onlooker.Asked(json.dumps(numbers | {"loop_thread": 100, "folder": "", "clean": [], "path": ""}))
    threads = {"100": ["1", "MainThread"], "101": ["2", "client 1 of n1"]}
    said = onlooker.in_words(["100", "101"], asked, threads, dump)
    assert said.startswith("client 1 of n1 in sleeps (/client.py:7) keeps Python's global lock")
    assert "it is not known" in onlooker.in_words(["100"], asked, threads, dump)
    its_own = onlooker.in_words(["100"], asked, threads, dump.replace("in select", "in connect"))
    assert its_own.startswith("its own loop is in <module> (/script.py:47)")


def test_a_loop_that_something_else_stops_names_that(tmp_path: Path) -> None:
    harness = started(tmp_path, "naps", "waits")
    _, said = harness.communicate(timeout=60)
    assert harness.returncode == Exit.COULD_NOT_RUN
    assert f"its own loop is in waits ({tmp_path}/harness_of_a_test.py:" in said
    assert "global lock" not in said


@pytest.mark.parametrize("library", ["naps", "spins", "waits"])
def test_what_gives_the_lock_back_in_time_ends_nothing(library: str, tmp_path: Path) -> None:
    harness = started(tmp_path, library)
    done, said = harness.communicate(timeout=60)
    assert (harness.returncode, done, said) == (0, "begun\nwent on\n", "")


def test_a_harness_that_is_stopped_for_longer_than_the_bound_goes_on(tmp_path: Path) -> None:
    harness = started(tmp_path, "waits")
    assert harness.stdout is not None
    assert harness.stdout.readline() == "begun\n"
    harness.send_signal(signal.SIGSTOP)
    time.sleep(2 * BOUND_S)  # longer than a standstill may last
    harness.send_signal(signal.SIGCONT)
    done, said = harness.communicate(timeout=60)
    assert (harness.returncode, done, said) == (0, "went on\n", "")


def test_a_harness_whose_user_looks_round_in_a_debugger_goes_on(tmp_path: Path) -> None:
    harness = started(tmp_path, "waits", "debugs")
    time.sleep(3 * BOUND_S)  # longer than a standstill may last, and a look at the threads
    assert harness.poll() is None
    done, said = harness.communicate("continue\n", timeout=60)
    assert (harness.returncode, said) == (0, "")
    assert done.endswith("begun\nwent on\n")


SYSTEM = '''
import ctypes
from ackproof.systems import Launch, NodeStatus, ok
SERVER = """
import http.server as h, sys
class Handler(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
h.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""

class Library:
    asked = 0
    def __init__(self, site): pass
    def open(self): pass
    def close(self): pass
    def perform(self, operation):
        Library.asked += 1
        if Library.asked == 8:
            ctypes.PyDLL(None).sleep(600)
        return ok(operation)

class Held:
    name, ports, links, clients = "held", {"client": 8100}, "addresses", {"register": Library}
    def launch(self, place):
        return Launch.of(place.python, "-c", SERVER, place.host, str(place.ports["client"]))
    async def status(self, place, net):
        answers = await net.get(place.at(), "/") is not None
        return NodeStatus("leader", 1, place.name) if answers else None
'''
COMMAND = """
from harness.run.watching import standstill
standstill.STANDSTILL_S = 3.0
from ackproof.cli.entry import program
program()
"""


def test_the_nodes_of_a_run_that_stood_still_are_ended_and_its_history_is_judged(tmp_path: Path) -> None:
    (tmp_path / "held.py").write_text(SYSTEM)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    argv = [
        *("run", "--system", "held.py:Held", "--world", "local", "--nodes", "1", "--workload", "register")
    ]
    argv += [*("--nemesis", "none", "--rate", "20", "--concurrency", "2", "--time-limit", "600")]

    def done_by(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *words]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=100, check=False
        )

    done = done_by("-c", COMMAND, *argv, "--store", "store", "--seed", "1")
    assert done.returncode == Exit.COULD_NOT_RUN, done.stderr
    assert " in perform (" in done.stderr, "by its name, or as one that had just begun"
    ledgers = tmp_path / "state" / "ackproof" / "ledger"
    until = time.monotonic() + 30
    while list(ledgers.iterdir()) and time.monotonic() < until:
        time.sleep(0.1)  # a poll of what the onlooker still removes
    assert not list(ledgers.iterdir()), "`clean` has removed nodes, and the run's ledger with them"
    judged = done_by("-m", "ackproof", "analyze", "store/latest")
    assert judged.returncode in (Exit.UNKNOWN, Exit.INVALID), judged.stderr
    assert "7 ok" in judged.stdout
