"""Real nodes as processes on loopback, for tests: start, ask over HTTP, kill, read what they said."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from history import NodeTrace, read_trace
from tests import REPOSITORY

T = TypeVar("T")
NOTHING: Mapping[str, str] = {}
INSTANCE = "/nacos/v1/ns/instance"

# Below the range that the kernel takes for outgoing connections, or one of those could take a port
# between its choice here and the node's bind. Test runs side by side begin at different places.
_ports = itertools.count(20_000 + os.getpid() * 37 % 8_000)


def free_port() -> int:
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("the ports never end")


def until(ask: Callable[[], T | None], what: str, within_s: float = 15.0) -> T:
    """The first answer that is neither None nor False."""
    deadline = time.monotonic() + within_s
    while True:
        answer = ask()
        if answer is not None and answer is not False:
            return answer
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(0.02)


def web(ip: str) -> dict[str, str]:
    """The parameters that name an instance of the service `web`."""
    return {"serviceName": "web", "ip": ip, "port": "80"}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def asked(
    port: int,
    method: str,
    path: str,
    query: Mapping[str, str] = NOTHING,
    body: bytes = b"",
    timeout_s: float = 5,
) -> Reply:
    """What the server at that port of loopback answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, f"{path}?{urlencode(query)}", body or None)
        reply = connection.getresponse()
        return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()


class NodeProcess:
    """One node: its command line, its folders, and the process of its current life."""

    def __init__(self, folder: Path, name: str, port: int, peer_port: int, peers: dict[str, int]) -> None:
        self.name, self.port, self.peer_port = name, port, peer_port
        self.data, self.trace, self.log = (
            folder / name / "data",
            folder / name / "trace",
            folder / f"{name}.log",
        )
        self.arguments = ["--name", name, "--listen", str(port), "--peer-listen", str(peer_port)]
        self.arguments += ["--data", str(self.data), "--trace", str(self.trace)]
        self.arguments += ["--heartbeat-ms", "50", "--election-ms", "300"]
        for peer, its_port in peers.items():
            self.arguments += ["--peer", f"{peer}=127.0.0.1:{its_port}"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, program: tuple[str, ...] = ("-m", "node_impl")) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            command = [sys.executable, *program, *self.arguments]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, cwd=REPOSITORY)
        return self.process

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(10)

    def ended(self) -> int:
        assert self.process is not None
        return self.process.wait(15)

    def ask(self, method: str, path: str, query: Mapping[str, str] = NOTHING, body: bytes = b"") -> Reply:
        return asked(self.port, method, path, query, body)

    def status(self) -> Any:
        """What the node says of itself; None while it does not answer."""
        try:
            return self.ask("GET", "/v1/admin/status").json()
        except OSError:
            return None

    def register(self, ip: str, **more: str) -> Reply:
        return self.ask("POST", INSTANCE, {**web(ip), "ephemeral": "false", **more})

    def lookup(self, ip: str, **more: str) -> Reply:
        return self.ask("GET", INSTANCE, {**web(ip), **more})

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def read_trace(self) -> NodeTrace:
        return read_trace(self.trace, self.name)


@contextmanager
def nodes(folder: Path, count: int) -> Iterator[list[NodeProcess]]:
    """`count` members of one cluster, none started; whatever still runs at the end is killed."""
    names = [f"n{number}" for number in range(1, count + 1)]
    peer_ports = {name: free_port() for name in names}
    members = [
        NodeProcess(
            folder,
            name,
            free_port(),
            peer_ports[name],
            {peer: port for peer, port in peer_ports.items() if peer != name},
        )
        for name in names
    ]
    try:
        yield members
    finally:
        for member in members:
            if member.process is not None and member.process.poll() is None:
                member.process.kill()
                member.process.wait()


def wait_for_leader(members: list[NodeProcess]) -> NodeProcess:
    """The one that all of them name as leader."""

    def agreed() -> NodeProcess | None:
        views = [member.status() for member in members]
        leaders = {view["leader"] if view else None for view in views}
        return next((m for m in members if leaders == {m.name}), None)

    return until(agreed, "all agree on a leader")
