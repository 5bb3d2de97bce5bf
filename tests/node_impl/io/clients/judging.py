"""Runs a client's program against a cluster, kills a member, and judges what the client was answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from checkers.linearizability.by_model import LinearizabilityOf
from checkers.verdict import Verdict
from checkers.workloads.instance import Instance
from history import History, Operation, Recording
from tests.node_impl.node_processes import NodeProcess, Reply, nodes, until, wait_for_leader

KILLED_AFTER = 60
"""How many operations have ended when the node is killed."""
LEFT = {"serviceName": "left", "groupName": "teams", "clusters": "c1"}
"""The service, in a group and a cluster of its own, whose one instance the client leaves when it ends."""
GONE_S = 45.0
"""How long it may be listed after the client's end: its time is 12 s, and servers look every few seconds."""


class Ran(NamedTuple):
    """What a client's program said."""

    operations: list[dict[str, Any]]
    more: dict[str, Any]
    """What else it said, by name: pushes, configurations."""
    listed_by: int
    """How many members list the ephemeral instance that the client leaves, while it lives."""
    gone_s: float | None
    """How long after the client's end no member lists it; None if one does for good."""

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

    def pushed(self) -> dict[str, str | None]:
        """The last that the subscription of each key was shown, for those that were shown anything."""
        shown = {key: (values or [None])[0] for key, values in self.more.get("pushed", {}).items()}
        one_by_one = {
            name.removeprefix("pushed "): value or None
            for name, value in self.more.items()
            if name.startswith("pushed ")
        }
        return {**shown, **one_by_one}

    def last_lookups(self) -> dict[str, str | None]:
        """By key, what the last lookup found."""
        return {
            line["key"]: line["value"]
            for line in self.operations
            if (line["f"], line["type"]) == ("lookup", "ok")
        }

    def count(self, kind: str, f: str | None = None, prefix: str = "") -> int:
        """How many operations ended so."""
        return sum(
            line["type"] == kind and f in (None, line["f"]) and line["key"].startswith(prefix)
            for line in self.operations
        )


class Member(Protocol):
    """A server of a cluster."""

    def ask(self, method: str, path: str, query: Mapping[str, str] = ..., body: bytes = ...) -> Reply:
        """Ask it over HTTP."""


class Servers(Protocol):
    """A cluster that clients are run against."""

    @property
    def addresses(self) -> str:
        """Those of all members, as clients take them."""
        ...

    def living(self) -> Sequence[Member]:
        """The members that live."""

    def kill_leader(self, grpc: bool) -> None:
        """Kill the leader. grpc: the client keeps a connection, which is to end, too, where that can be
        arranged."""


def run_and_kill(
    command: list[str], servers: Servers, folder: Path, grpc: bool, looked_up: Sequence[str] = ()
) -> Ran:
    """Run the program; the leader is killed in the middle.

    looked_up: the services that are looked up at each member that lives, while the client still does; for
    clients that only show what they keep themselves.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder), "HOME": str(folder)}
    operations: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    listed = 0
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
                    operations += _lookups(servers, looked_up, operations[-1]["time"])
                    listed = len(_listing_left(servers))
                    process.stdin.close()
                continue
            operations.append(line)
            ended += line["type"] != "invoke"
            if ended == KILLED_AFTER and line["type"] != "invoke":
                servers.kill_leader(grpc)
        assert process.wait(60) == 0, (folder / "client.log").read_text()[-2000:]
    assert "defect" not in more, more
    assert more.get("end"), more
    return Ran(operations, more, listed, _seconds_until_gone(servers))


def _lookups(servers: Servers, services: Sequence[str], after: int) -> list[dict[str, Any]]:
    """Lookups of each service's one instance at each member that lives, over HTTP."""
    lines: list[dict[str, Any]] = []
    for member in servers.living():
        for service in services:
            found = until(partial(hosts, member, {"serviceName": service}), service)
            lookup = {"process": 1_000, "f": "lookup", "key": service}
            value = found[0]["metadata"]["value"] if found else None
            lines.append({**lookup, "type": "invoke", "value": None, "time": after + len(lines)})
            lines.append({**lookup, "type": "ok", "value": value, "time": after + len(lines)})
    return lines


def hosts(member: Member, query: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The instances of a service; None while the member refuses to list them."""
    listed = member.ask("GET", "/nacos/v1/ns/instance/list", query)
    try:
        found: list[dict[str, Any]] | None = listed.json().get("hosts")
    except ValueError:  # a refusal of Nacos is plain text
        return None
    return found


def _listing_left(servers: Servers) -> list[Member]:
    """The members that list the instance which the client leaves."""
    return [member for member in servers.living() if until(partial(hosts, member, LEFT), "a list") != []]


def _seconds_until_gone(servers: Servers) -> float | None:
    """How long after the client's end some member lists what it left; None if one still does in the end."""
    begun = time.monotonic()
    while time.monotonic() - begun < GONE_S:
        if not _listing_left(servers):
            return time.monotonic() - begun
        time.sleep(0.2)  # it is asked for the first list without it
    return None


class OurNodes(NamedTuple):
    """Five of our nodes."""

    members: list[NodeProcess]
    addresses: str

    def living(self) -> Sequence[NodeProcess]:
        """Those whose process runs."""
        return [one for one in self.members if one.process is not None and one.process.poll() is None]

    def kill_leader(self, grpc: bool) -> None:
        """Kill the leader; grpc: the node at the other end of a client's connection, once it leads."""
        (self._made_leader() if grpc else wait_for_leader(self.members)).end(signal.SIGKILL)

    def _made_leader(self) -> NodeProcess:
        """The node that clients are connected to by gRPC, once it leads; or the leader, if it will not."""
        connected = max(self.members, key=_connections)
        leader = wait_for_leader(self.members)
        if leader is not connected:
            leader.ask("PUT", "/v1/admin/leader", {"to": connected.name})
            leader = wait_for_leader(self.members)
        return leader


def _connections(member: NodeProcess) -> float:
    lines = member.ask("GET", "/metrics").body.decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith("ackproof_grpc_connections"))


@contextmanager
def five_nodes(folder: Path, speaks_grpc: bool, *arguments: str) -> Iterator[OurNodes]:
    """Five nodes with a leader; skip the test if gRPC is needed and missing."""
    if speaks_grpc:
        pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")
    with nodes(folder, 5) as members:
        for member in members:
            member.arguments += [*arguments, *(["--grpc"] if speaks_grpc else [])]
            member.start()
        wait_for_leader(members)
        yield OurNodes(members, ",".join(f"127.0.0.1:{member.port}" for member in members))
