"""The reference node: the registry of `node_impl`, correct or with one seeded bug."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, ClassVar, Literal

import msgspec

from checkers.lacking import GivenEvidence
from harness.client.codecs.base import Codec, HttpReply, HttpRequest
from harness.client.codecs.config import ConfigCodec
from harness.client.codecs.ephemeral import EphemeralCodec
from harness.client.codecs.members import MembersCodec
from harness.client.codecs.registry import RegistryCodec
from harness.client.data_types import (
    CAS_REGISTER,
    EPHEMERAL,
    INSTANCE,
    MEMBERS,
    REGISTER,
    REGISTRY,
    STALE_INSTANCE,
    SUBSCRIPTION,
)
from harness.client.net import Net
from harness.hosts.links.framing import Framing
from harness.hosts.ssh.bundle import Deployment
from harness.nemesis.mechanisms.cluster import MemberChange
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, Process, Trouble
from harness.systems.options import refuse_all

_EX_DATAERR, _EX_SOFTWARE, _EX_CANTCREAT, _EX_IOERR = 65, 70, 73, 74
_STATUSES: dict[Trouble, tuple[int, ...]] = {
    "disk": (_EX_IOERR, _EX_CANTCREAT),
    "corrupt": (_EX_DATAERR,),
    "descriptors": (_EX_IOERR, _EX_CANTCREAT),
    "memory": (_EX_SOFTWARE, _EX_IOERR),
}

CLIENT_PATIENCE_MS = 500
"""How much longer a client waits for a reply than the node's own time-out."""

_METHODS: dict[MemberChange, Literal["POST", "PUT", "DELETE"]] = {
    "add-learner": "POST",
    "promote": "PUT",
    "remove": "DELETE",
}


_MONOTONIC = re.compile(rb"^ackproof_monotonic_seconds (\S+)$", re.MULTILINE)


def _admin_token(secret: str) -> str:
    """The token with which the harness changes members; the nodes' secret cannot be found from it."""
    return blake2b(b"admin token", key=secret.encode(), digest_size=32).hexdigest()


class _Refusal(msgspec.Struct):
    error: str
    reason: str
    proposed: bool


class ReferenceNode(msgspec.Struct, frozen=True):
    """`ackproof-node`, or a mutant of it."""

    mutant: str | None = None
    heartbeat_ms: int = 100
    election_ms: int = 500
    request_timeout_ms: int = 2000
    snapshot_entries: int = 10_000
    lease_drift_bound_percent: int | None = None
    """The bound on clock drift, for nodes with a lease; None for nodes without one."""
    voters: tuple[str, ...] = ()
    """The members that a cluster begins with; empty for all."""

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 8848, "peer": 8849}
    """The usual port of Nacos, and the next one for peers."""
    peer_port: ClassVar[str] = "peer"
    syncs_folders: ClassVar[bool] = True
    links: ClassVar[Links] = "proxies"
    gives: ClassVar[tuple[GivenEvidence, ...]] = ("traces", "indices")
    clients: ClassVar[Mapping[str, Codec]] = {
        INSTANCE: RegistryCodec(),
        STALE_INSTANCE: RegistryCodec(),
        REGISTRY: RegistryCodec(),
        SUBSCRIPTION: RegistryCodec(),
        EPHEMERAL: EphemeralCodec(),
        MEMBERS: MembersCodec(),
        REGISTER: ConfigCodec(),
        CAS_REGISTER: ConfigCodec(),
    }
    deployment: ClassVar[Deployment] = Deployment(
        packages=("node_impl", "harness", "history"), distributions=("httptools", "msgspec")
    )
    """The harness is among the packages for its mutants."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ReferenceNode:
        """The node for a test with these options.

        Raises:
            ValueError: there are options that are meant for other systems alone.
        """
        refuse_all(options, "reference-node")
        return cls(
            options["mutant"],
            options["heartbeat_ms"],
            options["election_ms"],
            options["request_timeout_ms"],
            options["snapshot_entries"],
            options["clock_drift_bound_percent"] if options["lease"] else None,
        )

    @property
    def bounds(self) -> Bounds:
        """The usual bounds; a client waits longer than a node tries to answer."""
        return Bounds(request_s=(self.request_timeout_ms + CLIENT_PATIENCE_MS) / 1000)

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        return "node_impl" if self.mutant is None else f"node_impl, mutant {self.mutant}"

    @property
    def framing(self) -> Framing:
        """A preface with magic and version, then frames with length, tag, CRC and payload; first a hello
        and a proof."""
        return Framing(preface_bytes=10, header_bytes=24, greetings=2)

    def launch(self, place: Place) -> Launch:
        """The command line of `ackproof-node`."""
        module = ["node_impl"] if self.mutant is None else ["harness.mutants", self.mutant]
        argv = [
            *(place.python, "-m", *module),
            *("--name", place.name),
            *("--listen", place.at()),
            *("--peer-listen", place.at("peer")),
        ]
        for peer, address in place.peers.items():
            argv += ["--peer", f"{peer}={address}"]
        argv += [
            *("--data", str(place.data)),
            *("--trace", str(place.trace)),
            *("--heartbeat-ms", str(self.heartbeat_ms)),
            *("--election-ms", str(self.election_ms)),
            *("--request-timeout-ms", str(self.request_timeout_ms)),
            *("--snapshot-entries", str(self.snapshot_entries)),
            *("--seed", str(place.seed)),
        ]
        if self.lease_drift_bound_percent is not None:
            argv += ["--lease", "--clock-drift-bound", str(self.lease_drift_bound_percent)]
        if self.voters:
            argv += ["--voters", ",".join(self.voters)]
        environment = {} if place.modules is None else {"PYTHONPATH": str(place.modules)}
        if place.secret:
            environment["ACKPROOF_PEER_SECRET"] = place.secret
            environment["ACKPROOF_TOKENS"] = f"admin {_admin_token(place.secret)}"
            argv += ["--anonymous", "write"]
        return Launch((Process(tuple(argv), environment),))

    def statuses_after(self, trouble: Trouble) -> tuple[int, ...]:
        """The exit statuses that docs/node.md lists."""
        return _STATUSES[trouble]

    def date_request(self) -> HttpRequest:
        """A request to the status endpoint, whose reply has a Date as every reply has."""
        return HttpRequest("GET", "/v1/admin/status")

    def monotonic_request(self) -> HttpRequest:
        """A request for the metrics, which include the monotonic clock."""
        return HttpRequest("GET", "/metrics")

    def read_monotonic(self, reply: HttpReply) -> float | None:
        """The clock among the metrics, in seconds; None if it is not there."""
        found = _MONOTONIC.search(reply.body) if reply.status == 200 else None
        return None if found is None else float(found[1])

    def membership_request(self, change: MemberChange, node: str, secret: str) -> HttpRequest:
        """A request to the endpoint of the members."""
        headers = (("Authorization", f"Bearer {_admin_token(secret)}"),) if secret else ()
        return HttpRequest(_METHODS[change], "/v1/admin/members", query=(("node", node),), headers=headers)

    def was_refused(self, reply: HttpReply) -> str | None:
        """The reason of a refusal that says that nothing was proposed; None for every other reply."""
        try:
            refusal = msgspec.json.decode(reply.body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return None if refusal.proposed else f"{refusal.error}: {refusal.reason}"

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """The status that the node gives; None without one."""
        reply = await net.reply(place.at(), HttpRequest("GET", "/v1/admin/status"))
        if reply is None or reply.status != 200:
            return None
        try:
            return msgspec.json.decode(reply.body, type=NodeStatus)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
