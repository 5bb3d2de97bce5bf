"""The reference registry node, as it is or with one seeded bug."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.hosts.links.framing import Framing
from harness.nemesis.mechanisms.cluster import MemberChange
from harness.systems.base import Command, NodePlace, Status, Trouble

_EX_DATAERR, _EX_SOFTWARE, _EX_CANTCREAT, _EX_IOERR = 65, 70, 73, 74
_STATUSES: dict[Trouble, tuple[int, ...]] = {
    "disk": (_EX_IOERR, _EX_CANTCREAT),
    "corrupt": (_EX_DATAERR,),
    "descriptors": (_EX_IOERR, _EX_CANTCREAT),
    "memory": (_EX_SOFTWARE, _EX_IOERR),
}

_METHODS: dict[MemberChange, Literal["POST", "PUT", "DELETE"]] = {
    "add-learner": "POST",
    "promote": "PUT",
    "remove": "DELETE",
}


_MONOTONIC = re.compile(rb"^ackproof_monotonic_seconds (\S+)$", re.MULTILINE)


class _Refusal(msgspec.Struct):
    error: str
    reason: str
    proposed: bool


class NodeImpl(msgspec.Struct, frozen=True):
    """`ackproof-node`, or a mutant of it."""

    mutant: str | None = None
    heartbeat_ms: int = 100
    election_ms: int = 500
    request_timeout_ms: int = 2000
    snapshot_entries: int = 10_000
    lease_drift_bound_percent: int | None = None
    """With a lease, and this bound on clock drift; None: without."""

    @property
    def name(self) -> str:
        """For messages."""
        return "node_impl" if self.mutant is None else f"node_impl, mutant {self.mutant}"

    @property
    def framing(self) -> Framing:
        """A preface of magic and version, then frames of length, two CRCs and payload, the first a hello."""
        return Framing(preface_bytes=10, header_bytes=12, greetings=1)

    def command(self, place: NodePlace) -> Command:
        """The node's own command line."""
        module = ["node_impl"] if self.mutant is None else ["harness.mutants", self.mutant]
        argv = [
            *(place.python, "-m", *module),
            *("--name", place.name),
            *("--listen", place.address),
            *("--peer-listen", f"{place.host}:{place.peer_port}"),
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
        environment = {} if place.modules is None else {"PYTHONPATH": str(place.modules)}
        return Command(tuple(argv), environment)

    def statuses_after(self, trouble: Trouble) -> tuple[int, ...]:
        """As docs/node.md lists them."""
        return _STATUSES[trouble]

    def status_request(self) -> HttpRequest:
        """The admin endpoint."""
        return HttpRequest("GET", "/v1/admin/status")

    def monotonic_request(self) -> HttpRequest:
        """The metrics, among which it is."""
        return HttpRequest("GET", "/metrics")

    def read_monotonic(self, reply: HttpReply) -> float | None:
        """See `TellsMonotonic`."""
        found = _MONOTONIC.search(reply.body) if reply.status == 200 else None
        return None if found is None else float(found[1])

    def membership_request(self, change: MemberChange, node: str) -> HttpRequest:
        """The admin endpoint of members."""
        return HttpRequest(_METHODS[change], "/v1/admin/members", query=(("node", node),))

    def was_refused(self, reply: HttpReply) -> str | None:
        """A refusal that says that nothing was proposed."""
        try:
            refusal = msgspec.json.decode(reply.body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return None if refusal.proposed else f"{refusal.error}: {refusal.reason}"

    def read_status(self, reply: HttpReply) -> Status | None:
        """Role, term and leader."""
        if reply.status != 200:
            return None
        try:
            return msgspec.json.decode(reply.body, type=Status)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
