"""A program that speaks Maelstrom's protocol, as a system under test.

Its protocol promises nothing: what is promised is what the workload asks for. Nodes keep what they like in
their own folder, in which they are started again after a kill.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER
from checkers.transactions.promised import models_of
from harness.client.clients import MakeClient
from harness.client.net import Net
from harness.errors import CouldNotRun, unknown_name
from harness.hosts.links.framing import Framing
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, Process, WrittenFile
from harness.systems.maelstrom.calls import Caller
from harness.systems.maelstrom.logs import LogClient
from harness.systems.maelstrom.topology import TOPOLOGIES, topology
from harness.systems.maelstrom.workloads import DATA_TYPES, KAFKA
from harness.systems.options import made_of

CARRIER = Path(__file__).with_name("carrier.py")
SETTINGS = "carrier.json"
COUNTS = "counts.json"
PEER = "peer"
NODE = "node"

JUDGED_AS: Mapping[str, str] = {"txn-list-append": LIST_APPEND, "txn-rw-register": RW_REGISTER}
"""By Maelstrom's workload of transactions, how they are judged."""


class Maelstrom(msgspec.Struct, frozen=True):
    """Nodes of one program; the fields are the options of the system."""

    bin: str = ""
    """The program: a path, or a name that is found in PATH."""
    speaks: str = "lin-kv"
    """The workload of Maelstrom whose requests the nodes answer."""
    arguments: str = "[]"
    """What the program is given, as a JSON array of texts."""
    latency: float = 0.0
    """How long a message between nodes takes in the mean, in milliseconds."""
    latency_dist: Literal["constant", "uniform", "exponential"] = "constant"
    topology: str = "grid"
    """Who is whose neighbour, of broadcast."""
    services: str = ""
    """The `host:port` of Maelstrom's services; without it there are none."""
    consistency: str = "strict-serializable"
    """What transactions are judged by."""
    availability: str = ""
    """The least share of requests that must get an ok reply, from 0 to 1, or `total`; nothing if empty."""
    timeout_s: float = 5.0
    """How long a client waits for an answer."""

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 4410, PEER: 4411}
    peer_port: ClassVar[str] = PEER
    links: ClassVar[Links] = "proxies"
    framing: ClassVar[Framing] = Framing(preface_bytes=0, header_bytes=4)
    name: ClassVar[str] = "Maelstrom node"

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Maelstrom:
        """The system for a test with these options.

        Raises:
            ValueError: an option is missing or does not fit.
        """
        made = made_of(cls, options, "maelstrom")
        for what, value, known in (
            ("workload of Maelstrom", made.speaks, DATA_TYPES),
            ("topology", made.topology, TOPOLOGIES),
            (
                "consistency model for these transactions",
                made.consistency,
                models_of(JUDGED_AS.get(made.speaks, RW_REGISTER)),
            ),
        ):
            if value not in known:
                raise ValueError(unknown_name(what, value, known))
        share_of(made.availability)
        return made

    @property
    def least_ok_share(self) -> float | None:
        """What the option `availability` states."""
        return share_of(self.availability)

    @property
    def bounds(self) -> Bounds:
        """A node may be slow to start; what it promises about time is nothing."""
        return Bounds(leader_s=20.0, request_s=self.timeout_s, recovery_s=20.0)

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """Requests of the workload that the nodes speak."""
        make: MakeClient = LogClient if self.speaks == KAFKA else partial(Caller, workload=self.speaks)
        return {DATA_TYPES[self.speaks]: make}

    def program(self) -> str:
        """The path of the program.

        Raises:
            CouldNotRun: it is not there, or cannot be executed.
        """
        if not self.bin:
            raise CouldNotRun("no program is named: give the path of the node's program by --bin")
        found = shutil.which(self.bin) if os.sep not in self.bin else self.bin
        if found is None or not Path(found).is_file():
            raise CouldNotRun(
                f"there is no program {self.bin!r}: give the path of the node's program by --bin"
            )
        if not os.access(found, os.X_OK):
            raise CouldNotRun(f"{found} cannot be executed: chmod +x {found}")
        return str(Path(found).absolute())

    def version(self) -> str:
        """The program has no version that one could ask for; so this is its name.

        Raises:
            CouldNotRun: it is not there.
        """
        return Path(self.program()).name

    def launch(self, place: Place) -> Launch:
        """The carrier, with the program and its settings."""
        settings = {
            "name": place.name,
            "argv": [self.program(), *json.loads(self.arguments)],
            "folder": str(place.folder),
            "client_listen": place.at(),
            "peer_listen": place.at(PEER),
            "peers": dict(place.peers),
            "services": self.services,
            "latency_ms": self.latency,
            "latency_dist": self.latency_dist,
            "topology": topology(self.topology, tuple(place.members)) if self.speaks == "broadcast" else None,
            "counts": str(place.data / COUNTS),
            "seed": place.seed,
        }
        process = Process((place.python, "-I", str(CARRIER), str(place.folder / SETTINGS)))
        return Launch((process,), (WrittenFile(SETTINGS, json.dumps(settings)),))

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """Whether the node has answered `init`."""
        answer = await net.ask(place.at(), b'"status"\n', end=b"\n")
        ready: bool = msgspec.json.decode(answer)["ready"]
        return NodeStatus(NODE, 0) if ready else None

    def leader(self, view: ClusterView) -> str | None:
        """Maelstrom knows no leader: the first node stands for it, once all nodes are ready."""
        ready = all(node.role is not None for node in view.nodes.values())
        return next(iter(view.nodes)) if ready else None


def share_of(availability: str) -> float | None:
    """The share that Maelstrom's option `--availability` states: `total` is 1; None if it is empty.

    Raises:
        ValueError: it is neither a number from 0 to 1 nor `total`.
    """
    if not availability:
        return None
    with contextlib.suppress(ValueError):
        share = 1.0 if availability == "total" else float(availability)
        if 0 <= share <= 1:
            return share
    raise ValueError(f"{availability[:80]!r} is no share of requests: give a number from 0 to 1, or total")
