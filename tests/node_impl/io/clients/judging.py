"""Runs a client's program against five nodes, kills a node, and judges what the client was answered."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.verdict import Verdict
from checkers.workloads.instance import Instance
from history import History, Operation, Recording
from tests.node_impl.node_processes import NodeProcess, nodes, until, wait_for_leader

KILLED_AFTER = 60
"""How many operations have ended when the node is killed."""
BRING_S = 600
"""How long each step of bringing a client may take, in seconds."""


class Ran(NamedTuple):
    """What a client's program said."""

    operations: list[dict[str, Any]]
    more: dict[str, Any]
    """What else it said, by name: pushes, configurations."""

    def verdict(self) -> Verdict:
        """The judgement on the lookups, registrations and deregistrations: are they linearizable?"""
        begun = self.operations[0]["time"]
        recorded = [
            Operation(
                index=index,
                time=line["time"] - begun,
                process=line["process"],
                type=line["type"],
                f=line["f"],
                key=line["key"],
                value=line["value"],
                error=line.get("error"),
            )
            for index, line in enumerate(self.operations)
        ]
        return LinearizabilityOf(Instance()).check(Recording(nodes=(), history=History(recorded)))

    def count(self, kind: str, f: str | None = None, prefix: str = "") -> int:
        """How many operations ended so."""
        return sum(
            line["type"] == kind and f in (None, line["f"]) and line["key"].startswith(prefix)
            for line in self.operations
        )


def run_and_kill(
    command: list[str],
    members: list[NodeProcess],
    folder: Path,
    grpc: bool,
    looked_up: Sequence[str] = (),
) -> Ran:
    """Run the program; the leader is killed in the middle. grpc: the client is connected to it.

    looked_up: the services that are looked up at each node that lives, while the client still does; for
    clients that only show what they keep themselves.

    Where the client keeps a connection, the node at its other end is asked to lead before it is killed, so
    that the client loses both.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder), "HOME": str(folder)}
    operations: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    with (
        (folder / "client.log").open("wb") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, cwd=folder
        ) as process,
    ):
        assert process.stdout is not None
        ended = 0
        for text in process.stdout:
            line = json.loads(text)
            if "f" not in line:
                more.update(line)
                if "end" in line and process.stdin is not None:
                    operations += _lookups(members, looked_up, operations[-1]["time"])
                    process.stdin.close()
                continue
            operations.append(line)
            ended += line["type"] != "invoke"
            if ended == KILLED_AFTER and line["type"] != "invoke":
                (_made_leader(members) if grpc else wait_for_leader(members)).end(signal.SIGKILL)
        assert process.wait(60) == 0, (folder / "client.log").read_text()[-2000:]
    assert "defect" not in more, more
    assert more.get("end"), more
    return Ran(operations, more)


def _lookups(members: list[NodeProcess], services: Sequence[str], after: int) -> list[dict[str, Any]]:
    """Lookups of each service's one instance at each node that lives, over HTTP."""
    lines: list[dict[str, Any]] = []
    for member in members:
        if member.process is None or member.process.poll() is not None:
            continue
        for service in services:
            hosts = until(partial(_hosts, member, service), service)
            lookup = {"process": 1_000, "f": "lookup", "key": service}
            value = hosts[0]["metadata"]["value"] if hosts else None
            lines.append({**lookup, "type": "invoke", "value": None, "time": after + len(lines)})
            lines.append({**lookup, "type": "ok", "value": value, "time": after + len(lines)})
    return lines


def _hosts(member: NodeProcess, service: str) -> list[dict[str, Any]] | None:
    """The instances of a service; None while the node refuses to list them."""
    listed = member.ask("GET", "/nacos/v1/ns/instance/list", {"serviceName": service})
    hosts: list[dict[str, Any]] | None = listed.json().get("hosts")
    return hosts


def _made_leader(members: list[NodeProcess]) -> NodeProcess:
    """The node that clients are connected to by gRPC, once it leads; or the leader, if it will not."""
    connected = max(members, key=_connections)
    leader = wait_for_leader(members)
    if leader is not connected:
        leader.ask("PUT", "/v1/admin/leader", {"to": connected.name})
        leader = wait_for_leader(members)
    return leader


def _connections(member: NodeProcess) -> float:
    lines = member.ask("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("ackproof_grpc_connections"))


def installed_by_pip(folder: Path, package: str) -> Path:
    """The folder into which pip has installed that package, with all that it needs."""
    target = folder / "client"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target), package]
    bring(command, f"pip cannot install {package} here")
    return target


def bring(command: list[str], otherwise: str, folder: Path | None = None, **environment: str) -> None:
    """Run a command that brings a client here; skip the test with that reason if it cannot.

    Args:
        folder: where it runs.
        environment: variables besides those of the test.
    """
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, timeout=BRING_S, env={**os.environ, **environment}
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{otherwise} within {BRING_S} s")
    if done.returncode:
        pytest.skip(otherwise)


@contextmanager
def five_nodes(folder: Path, speaks_grpc: bool) -> Iterator[tuple[list[NodeProcess], str]]:
    """Five nodes with a leader, and their addresses as clients take them; skip the test if gRPC is needed
    and missing."""
    if speaks_grpc:
        pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")
    with nodes(folder, 5) as members:
        for member in members:
            member.arguments += ["--grpc"] if speaks_grpc else []
            member.start()
        wait_for_leader(members)
        yield members, ",".join(f"127.0.0.1:{member.port}" for member in members)


def needs(program: str) -> None:
    """Skip the test where a toolchain is missing."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
