"""Nodes whose client API and peer ports are fuzzed, on real sockets: by the API's own description, and by
bytes that almost are frames. Beside that, a registry load must stay linearizable."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from checkers.verdict import Validity
from tests import REPOSITORY
from tests.node_impl.io.clients.bringing import bring
from tests.node_impl.io.clients.judging import Ran, five_nodes
from tests.node_impl.node_processes import NodeProcess, nodes, wait_for_leader

SCHEMATHESIS = "schemathesis==4.32.5"
CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance"
"""A status that is not described fails, so 500 does; 503 is what a node without a leader says."""
LONG_POLLS = ("/v1/registry/subscribe", "/nacos/v1/cs/configs/listener")
"""They answer when something changes, or after half a minute: too slow for thousands of requests."""
FUZZED_S = 40
MOST_MB = 150
SEED = 20_261_129


@pytest.fixture(scope="module")
def schemathesis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, in an environment of its own: its plugin of pytest is not to be a part of these tests."""
    folder = tmp_path_factory.mktemp("schemathesis")
    bring([sys.executable, "-m", "venv", str(folder)], "no environment can be made here")
    pip = str(folder / "bin" / "python")
    bring([pip, "-m", "pip", "install", "--quiet", SCHEMATHESIS], f"pip cannot install {SCHEMATHESIS} here")
    return folder / "bin" / "st"


def fuzz_api(
    program: Path, port: int, folder: Path, seconds: int = FUZZED_S
) -> subprocess.CompletedProcess[str]:
    """Ask a node for what its description allows, and for what it does not."""
    left_out = [part for path in LONG_POLLS for part in ("--exclude-path", path)]
    return subprocess.run(
        [
            *(str(program), "run", str(REPOSITORY / "docs" / "openapi.json")),
            *("--url", f"http://127.0.0.1:{port}", "--checks", CHECKS, "--max-time", str(seconds)),
            *("--phases", "coverage,fuzzing", "--continue-on-failure", "--seed", str(SEED), "--no-color"),
            *("--request-timeout", "30", *left_out),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
    )


def almost_frames(draw: random.Random) -> Iterator[bytes]:
    """What a peer's port is sent: nonsense, and frames of which a part is right."""
    preface = b"ACKPPEER" + struct.pack(">H", 3)
    while True:
        body = draw.randbytes(draw.choice([0, 1, 20, 300, 5_000]))
        length = draw.choice([len(body), len(body) + 1, 0, 2**32 - 1, 8 * 1024 * 1024])
        checked = struct.pack(">I16s", length, draw.randbytes(16))
        crc = struct.pack(">I", zlib.crc32(checked) if draw.random() < 0.7 else draw.getrandbits(32))
        yield draw.choice([b"", preface, preface[: draw.randrange(11)]]) + draw.choice(
            [body, checked + crc + body, checked + crc]
        )


def fuzz_peers(ports: list[int], stop: threading.Event) -> int:
    """Send these to peers' ports until `stop` is set; the number of connections."""
    draw = random.Random(SEED)
    count = 0
    for data in almost_frames(draw):
        if stop.is_set():
            return count
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", draw.choice(ports)), timeout=2) as peer,
        ):
            peer.settimeout(0.2)
            peer.sendall(data)
            peer.recv(4096)
            count += 1
    raise AssertionError("the bytes never end")


class Load:
    """Clients that register, deregister and look up a few instances at all nodes, and the answers."""

    def __init__(self, members: list[NodeProcess], stop: threading.Event) -> None:
        self._members = members
        self._stop = stop
        self._lock = threading.Lock()
        self.lines: list[dict[str, Any]] = []

    def client(self, process: int) -> None:
        """One client, until it is to stop."""
        draw = random.Random(SEED + process)
        for number in range(1_000_000):
            if self._stop.is_set():
                return
            f = draw.choice(["register", "lookup", "lookup", "deregister"])
            key, value = f"load-{draw.randrange(3)}", f"{process}-{number}"
            # A client without an answer is another client from then on.
            process = (
                process if self._one(process, f, key, value, draw.choice(self._members)) else process + 100
            )

    def _one(self, process: int, f: str, key: str, value: str, member: NodeProcess) -> bool:
        line = {"process": process, "f": f, "key": key}
        asked = value if f == "register" else None
        self._note({**line, "type": "invoke", "value": asked})
        named = {"serviceName": key, "ip": "10.0.0.1", "port": "80"}
        method = {"register": "POST", "lookup": "GET", "deregister": "DELETE"}[f]
        if f == "register":
            named |= {"ephemeral": "false", "metadata": f'{{"value":"{value}"}}'}
        try:
            reply = member.ask(method, "/nacos/v1/ns/instance", named)
        except OSError as error:
            self._note({**line, "type": "info", "value": asked, "error": str(error)})
            return False
        answer = reply.json() if reply.body[:1] == b"{" else {}
        if reply.status == 200 and f != "lookup":
            self._note({**line, "type": "ok", "value": asked})
        elif f == "lookup" and reply.status in (200, 404):
            self._note({**line, "type": "ok", "value": answer.get("metadata", {}).get("value")})
        elif answer.get("proposed") is False or f == "lookup":
            self._note({**line, "type": "fail", "value": asked, "error": answer.get("error")})
        else:
            self._note({**line, "type": "info", "value": asked, "error": answer.get("error")})
            return False
        return True

    def _note(self, line: dict[str, Any]) -> None:
        with self._lock:
            self.lines.append({**line, "time": time.monotonic_ns()})


def held_up(member: NodeProcess) -> None:
    """It runs, logged no traceback, and did not grow beyond the bound."""
    assert member.process is not None
    assert member.process.poll() is None
    assert "Traceback" not in member.log.read_text(errors="replace")
    status = (Path("/proc") / str(member.process.pid) / "status").read_text()
    (peak,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    assert int(peak.split()[1]) / 1024 < MOST_MB


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_a_node_answers_whatever_its_description_allows_and_does_not(
    schemathesis: Path, tmp_path: Path
) -> None:
    with nodes(tmp_path, 1) as [node]:
        node.start()
        wait_for_leader([node])
        done = fuzz_api(schemathesis, node.port, tmp_path)
        assert done.returncode == 0, done.stdout[-6000:]
        held_up(node)
        assert node.register("10.0.0.1").status == 200


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_five_nodes_under_all_of_it_at_once_serve_a_load_that_stays_linearizable(
    schemathesis: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    with five_nodes(tmp_path, speaks_grpc=False) as five, ThreadPoolExecutor(5) as threads:
        members = five.members
        load = Load(members, stop)
        clients = [threads.submit(load.client, process) for process in range(3)]
        peers = threads.submit(fuzz_peers, [member.peer_port for member in members], stop)
        try:
            done = fuzz_api(schemathesis, members[0].port, tmp_path)
        finally:
            stop.set()
        for client in clients:
            client.result(timeout=60)
        assert peers.result(timeout=60) > 100
        assert done.returncode == 0, done.stdout[-6000:]
        ran = Ran(load.lines, {}, 0, None)
        assert ran.count("ok", "register") > 50
        assert ran.count("ok", "lookup") > 50
        verdict = ran.verdict()
        assert verdict.validity is Validity.VALID, verdict.summary
        for member in members:
            held_up(member)
