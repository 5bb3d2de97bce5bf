"""A run in which no operation of a client ever succeeds ends soon, and says why in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from harness.errors import names_bug, raised
from harness.run.watching.never_ok import FEWEST, NeverOk
from history import NEMESIS, Operation
from history.units import SECOND_NS

REQUEST_S = 2.0
BUG = "no connection: TypeError: no colour (mine.py, line 4)"


def see(
    watch: NeverOk, outcome: Literal["ok", "fail", "info"], at_s: float, error: str = "", process: int = 0
) -> None:
    time = round(at_s * SECOND_NS)
    watch.see(Operation(-1, time, process, "invoke", "write", "k", 1))
    watch.see(Operation(-1, time, process, outcome, "write", "k", None, error or None))


def filled(error: str, until_s: float, last: Literal["ok", "fail", "info"] = "fail") -> NeverOk:
    """A watch that has seen `FEWEST` operations, from 0 s on; the last one ended at `until_s`."""
    watch = NeverOk(REQUEST_S, "mine.py:Mine")
    for number in range(FEWEST - 1):
        see(watch, "info" if number % 2 else "fail", 0.01 * number, error)
    see(watch, last, until_s, error)
    return watch


def test_a_client_that_only_raises_bugs_ends_the_run_within_a_second() -> None:
    assert not filled(BUG, 0.9).found.is_set()
    watch = filled(BUG, 1.0)
    assert watch.found.is_set()
    assert watch.why == (
        f"none of the first {FEWEST} operations of clients succeeded; all ended with '{BUG}'; try one node: "
        "ackproof systems check mine.py:Mine"
    )


def reads_and_writes(error: str, number: int) -> NeverOk:
    """A watch that has seen this number of reads that succeeded, and as many writes that failed."""
    watch = NeverOk(REQUEST_S, "mine.py:Mine")
    for at in range(number):
        time = at * SECOND_NS // 10
        for process, f in enumerate(("read", "write")):
            watch.see(Operation(-1, time, process, "invoke", f, "k", None))
        watch.see(Operation(-1, time, 0, "ok", "read", "k", None))
        watch.see(Operation(-1, time, 1, "info", "write", "k", None, error))
    return watch


def test_a_client_whose_writes_only_raise_bugs_ends_the_run_though_its_reads_succeed() -> None:
    """Such a run was invalid: no write was acknowledged after the heal."""
    watch = reads_and_writes(BUG, FEWEST)
    assert watch.found.is_set()
    assert watch.why.startswith(
        f"none of the first {FEWEST} operations 'write' of clients succeeded; all ended"
    )
    assert not reads_and_writes(BUG, FEWEST - 1).found.is_set()


def test_writes_that_a_system_refuses_for_long_end_no_run_whose_reads_succeed() -> None:
    assert not reads_and_writes("read only", 100 * FEWEST).found.is_set()


def test_other_errors_get_the_time_of_several_requests() -> None:
    assert not filled("connection refused", 4 * REQUEST_S - 0.1).found.is_set()
    assert filled("connection refused", 4 * REQUEST_S).found.is_set()


def test_one_other_error_among_bugs_may_be_the_systems() -> None:
    watch = NeverOk(REQUEST_S, "mine.py:Mine")
    see(watch, "fail", 0, "timed out")
    for number in range(FEWEST):
        see(watch, "fail", 0.1 * number, BUG)
    assert not watch.found.is_set()


@pytest.mark.parametrize("until_s", [1.0, 60.0])
def test_an_operation_that_succeeded_ends_the_watch(until_s: float) -> None:
    watch = filled(BUG, until_s, last="ok")
    for number in range(3 * FEWEST):
        see(watch, "fail", until_s + number, BUG)
    assert not watch.found.is_set()


def test_too_few_operations_say_nothing_and_faults_are_no_operations_of_clients() -> None:
    watch = NeverOk(REQUEST_S, "etcd")
    for number in range(FEWEST - 1):
        see(watch, "fail", 10.0 * number, "timed out")
    for number in range(FEWEST):
        see(watch, "info", 200.0 + number, process=NEMESIS)
    assert not watch.found.is_set()


def test_a_bug_is_placed_in_the_users_file_also_where_a_library_raised() -> None:
    def decoded() -> None:
        import json

        json.loads(None)  # type: ignore[arg-type] # the mistake

    with pytest.raises(TypeError) as bug:
        decoded()
    line = decoded.__code__.co_firstlineno + 3
    assert raised(bug.value).endswith(f"not NoneType (test_never_ok.py, line {line})")
    assert names_bug(raised(bug.value))
    assert raised(ConnectionRefusedError("refused")) == "ConnectionRefusedError: refused"
    assert not names_bug("ConnectionRefusedError: refused")


SYSTEM = '''
from ackproof.systems import Launch, NodeStatus, HttpRequest, in_own_process
SERVER = """
import http.server as h, sys
h.HTTPServer((sys.argv[1], int(sys.argv[2])), h.BaseHTTPRequestHandler).serve_forever()
"""

class Client:
    def __init__(self, site): pass
    def open(self): pass
    def perform(self, operation): return operation.colour
    def close(self): pass

class Coded:
    def encode(self, operation): return {}["colour"]
    def decode(self, operation, reply): return operation

class Mine:
    name, ports, links, clients = "mine", {"client": 8100}, "addresses", {"register": Client}
    def launch(self, place):
        return Launch.of(place.python, "-c", SERVER, place.host, str(place.ports["client"]))
    async def status(self, place, net):
        return NodeStatus("leader", 1, place.name) if await net.get(place.at(), "/") else None

class ByCodec(Mine):
    clients = {"register": Coded()}

class Unmade(Client):
    def __init__(self, site):
        raise RuntimeError("no colour")

class ByNone(Mine):
    clients = {"register": Unmade}

class ByNoneInAProcess(Mine):
    clients = {"register": in_own_process(Unmade)}
'''


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Mine", "AttributeError: "),
        ("ByCodec", "KeyError: "),
        ("ByNone", "no connection: the constructor raised RuntimeError: no colour (mine.py, line 30)"),
        (
            "ByNoneInAProcess",
            "no connection: the constructor raised RuntimeError: no colour (mine.py, line 30)",
        ),
    ],
)
def test_a_client_whose_every_call_raises_ends_the_run_in_one_line(
    tmp_path: Path, name: str, error: str
) -> None:
    (tmp_path / "mine.py").write_text(SYSTEM)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "ackproof", "run", "--system", f"mine.py:{name}", "--nodes", "1"),
            *("--world", "local", "--workload", "register", "--nemesis", "none", "--time-limit", "60"),
            "--json",
        ],
        cwd=tmp_path,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=50,  # sooner than the time limit
    )
    assert ran.returncode == 255
    said = ran.stderr.strip()
    assert "\n" not in said
    assert "none of the first " in said
    assert f"all ended with '{error}" in said
    assert "(mine.py, line " in said
