"""Three members of a real Nacos on loopback, for the same clients that are run against our nodes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from harness.errors import CouldNotRun
from harness.systems.base import CLIENT, NodeStatus, Place
from harness.systems.nacos import Nacos
from harness.systems.nacos.status import read_jraft
from tests.node_impl.io.clients.bringing import KEYS
from tests.node_impl.io.clients.judging import LEFT, hosts
from tests.node_impl.node_processes import NOTHING, Reply, asked, free_port, until

MEMBERS: Final = 3
START_S: Final = 300.0
"""How long three Java machines may take to start and elect a leader, on a busy machine."""
OFFSETS: Final = {CLIENT: 0, "grpc": 1000, "grpc-cluster": 1001, "raft": -1000}
"""The ports of a member, from the one for clients, as Nacos has them."""
_GROUP: Final = "naming_persistent_service_v2"


class NacosMember:
    """One member: its folder, its ports, and the process of its current life."""

    def __init__(self, system: Nacos, place: Place) -> None:
        self.name, self.port = place.name, place.ports[CLIENT]
        self._system, self._place = system, place
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is not ready yet."""
        launch = self._system.launch(self._place)
        for file in launch.files:
            path = self._place.folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)
        self._place.data.mkdir(parents=True, exist_ok=True)
        [program] = launch.processes
        with self._place.log.open("ab") as log:
            self.process = subprocess.Popen(
                program.argv,
                env={**os.environ, **program.environment},
                stdout=log,
                stderr=log,
                cwd=self._place.folder,
            )

    @property
    def lives(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Kill it."""
        if self.process is not None and self.lives:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)

    def ask(self, method: str, path: str, query: Mapping[str, str] = NOTHING, body: bytes = b"") -> Reply:
        """Ask it over HTTP."""
        return asked(self.port, method, path, query, body, timeout_s=20)

    def status(self) -> NodeStatus | None:
        """What it says of the Raft that keeps persistent instances; None while it does not answer."""
        names = {at["raft"]: name for name, at in self._place.members.items()}
        try:
            reply = self.ask("GET", self._system.release.status)
        except OSError:
            return None
        return read_jraft(reply.body, _GROUP, self.name, names) if reply.status == 200 else None

    def serves(self) -> bool:
        """Whether it takes registrations of both kinds, and configurations."""
        instance = {"serviceName": "ready", "ip": "10.9.0.1", "port": "80", "ephemeral": "false"}
        config = {"dataId": "ready", "groupName": "ready", "group": "ready", "content": "ready"}
        release = self._system.release.api
        try:
            for path, query in ((release.instance, instance), (release.config, config)):
                if self.ask("POST", path, query).status != 200:
                    return False
            instance["ephemeral"], instance["serviceName"] = "true", "ready-too"
            return self.ask("POST", release.instance, instance).status == 200
        except OSError:
            return False


class RealNacos:
    """A cluster of Nacos that clients are run against."""

    def __init__(self, members: Sequence[NacosMember]) -> None:
        self.members = members
        self.addresses = ",".join(f"127.0.0.1:{member.port}" for member in members)

    def living(self) -> Sequence[NacosMember]:
        """Those whose process runs."""
        return [member for member in self.members if member.lives]

    def leader(self) -> NacosMember | None:
        """The member that all who live name as the leader of persistent instances."""
        named = {None if (seen := member.status()) is None else seen.leader for member in self.living()}
        return next((member for member in self.living() if named == {member.name}), None)

    def kill_leader(self, grpc: bool) -> None:
        """Kill the leader of persistent instances: no other can be made to lead first."""
        until(self.leader, "all agree on a leader", START_S).end()

    def revive(self) -> None:
        """Start those that were killed, and wait until all serve, and list nothing that a client left."""
        for member in self.members:
            if not member.lives:
                member.start()
        until(self.leader, "a leader", START_S)
        for member in self.members:
            until(member.serves, f"{member.name} serves", START_S)
        for service in KEYS:
            until(partial(self._has_emptied, {"serviceName": service}), service, START_S)
        until(partial(self._has_emptied, LEFT), "what a client left", START_S)

    def _has_emptied(self, service: Mapping[str, str]) -> bool:
        """Whether all members list no instance of it; those that are listed are deregistered."""
        found = [host for member in self.members for host in hosts(member, service) or []]
        for host in found:
            names = {**service, "ip": host["ip"], "port": "80", "clusterName": host["clusterName"]}
            kind = {"ephemeral": str(host["ephemeral"]).lower()}
            self.members[0].ask("DELETE", "/nacos/v1/ns/instance", {**names, **kind})
        return not found


@contextmanager
def real_nacos(version: str, folder: Path) -> Iterator[RealNacos]:
    """Three members that serve; skip the test if that version is not here."""
    system = Nacos(version, function="all")
    try:
        system.version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    names = [f"n{number}" for number in range(1, MEMBERS + 1)]
    taken: set[int] = set()
    ports = {name: _ports(taken) for name in names}
    at = {name: {kind: f"127.0.0.1:{port}" for kind, port in ports[name].items()} for name in names}
    members = []
    for name in names:
        own = folder / name
        own.mkdir()
        peers = {peer: at[peer]["raft"] for peer in names if peer != name}
        place = Place(
            name, "127.0.0.1", ports[name], at, peers, own / "data", own / "trace", own / "log", seed=1
        )
        members.append(NacosMember(system, place))
    servers = RealNacos(members)
    try:
        servers.revive()
        yield servers
    finally:
        for member in members:
            member.end()


def _ports(taken: set[int]) -> dict[str, int]:
    """Free ports of one member, which are taken from now on."""
    while True:
        first = free_port()
        ports = {kind: first + offset for kind, offset in OFFSETS.items()}
        if taken.isdisjoint(ports.values()) and all(_is_free(port) for port in ports.values()):
            taken.update(ports.values())
            return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
