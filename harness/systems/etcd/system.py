"""etcd, 3.4 and later, as a system under test."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import MakeClient
from harness.client.codecs.base import HttpRequest
from harness.client.data_types import (
    APPEND,
    CAS_REGISTER,
    FIFO_QUEUE,
    INSTANCE,
    LOCK,
    QUEUE,
    REGISTER,
    SET,
    STALE_INSTANCE,
    STATE,
    TXN,
    WATCH,
)
from harness.client.net import Net
from harness.hosts.ssh.bundle import Deployment
from harness.systems.base import CLIENT, Bounds, Launch, Links, LogRecords, NodeStatus, Place, Trouble
from harness.systems.etcd.kv import InstanceClient, RegisterClient, SetClient, TransactionClient
from harness.systems.etcd.recipes import LockClient, QueueClient, Trust
from harness.systems.etcd.watching import WatchClient
from harness.systems.installing import Located, located
from harness.systems.options import made_of

_PEER = "peer"
SHIPPED_AS = "bin/etcd"


class Etcd(msgspec.Struct, frozen=True):
    """`etcd`, whose members know each other by their addresses.

    What its makers promise:

    - "Any completed operations are durable", "etcd ensures strict serializability", "etcd ensures
      linearizability for all other operations by default" (3.4 and 3.5, learning/api_guarantees): registers,
      sets, queues, instances, transactions. Reads that are `serializable` "may access stale data with respect
      to quorum": `reads=serializable`.
    - Watches are ordered, and "will never drop any subsequence of events"; one that breaks is resumed "after
      the last revision received" (3.4 and 3.5, learning/api).
    - A lease "expires if the server does not receive a keepAlive within a given time to live period" (3.4 and
      3.5, the text of `LeaseGrant` in rpc.proto), so it lives as long as it is kept alive: `lock=lease`.
    - Members are replicas by Raft: those that have applied the same entries hold the same state.
    """

    wanted_version: str | None = None
    binary: str | None = None
    """The path of the program; None for one of `ackproof systems install`, or of the machine."""
    reads: Literal["linearizable", "serializable"] = "linearizable"
    lock: Trust = "revision"
    """What a client takes for the proof that it holds a lock: see recipes.py."""
    ttl_s: int = 3
    """How long a lock's lease lives that is not kept alive."""
    watch: Literal["own-node", "fail-over"] = "own-node"
    """Where a watch is resumed when its stream has ended."""
    heartbeat_ms: int = 100
    election_ms: int = 1000
    snapshot_count: int = 10_000
    """A node takes a snapshot after this many applied entries, and keeps up to 5,000 entries before it."""
    arguments: str = ""
    """Further arguments of the command line."""

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 2379, _PEER: 2380}
    links: ClassVar[Links] = "addresses"
    one_leader_a_term: ClassVar[bool] = True
    ends_leader_last: ClassVar[bool] = True
    """It waits up to 5 s and two election time-outs for a follower (`TryLeadershipTransferOnShutdown`)."""
    damageable: ClassVar[tuple[str, ...]] = ("member/wal/*.wal",)
    """The log alone: its records have checksums. The pages of the store (`member/snap/db`) have none."""
    log_records: ClassVar[LogRecords] = LogRecords(8, 56, "little", padded_to=8)
    """server/storage/wal/decoder.go: the three lowest bits of the highest byte say how much was filled up."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Etcd:
        """The system for a test with these options."""
        return made_of(cls, options, "etcd")

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        chosen = {"reads": self.reads, "lock": self.lock, "watch": self.watch}
        usual = {"reads": "linearizable", "lock": "revision", "watch": "own-node"}
        return ", ".join(
            ["etcd", *(f"{name}={text}" for name, text in chosen.items() if text != usual[name])]
        )

    @property
    def bounds(self) -> Bounds:
        """A follower stands for election after one to two election time-outs."""
        election_s = self.election_ms / 1000
        return Bounds(
            start_s=20.0,
            stop_s=8.0,
            fault_s=(2.5 * election_s, 3 * election_s),
            calm_s=(1.5 * election_s, 2 * election_s),
            recovery_s=15.0,
        )

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """All over the JSON gateway."""
        serializable = self.reads == "serializable"
        register = partial(RegisterClient, serializable=serializable)
        queue = partial(QueueClient, serializable=serializable)
        return {
            REGISTER: register,
            CAS_REGISTER: register,
            STATE: register,
            SET: partial(SetClient, serializable=serializable),
            QUEUE: queue,
            FIFO_QUEUE: queue,
            LOCK: partial(LockClient, ttl_s=self.ttl_s, trust=self.lock),
            APPEND: partial(TransactionClient, start="append/", serializable=serializable),
            TXN: partial(TransactionClient, start="txn/", serializable=serializable),
            WATCH: partial(WatchClient, fail_over=self.watch == "fail-over"),
            INSTANCE: partial(InstanceClient, serializable=serializable),
            STALE_INSTANCE: partial(InstanceClient, serializable=True),
        }

    def statuses_after(self, trouble: Trouble) -> tuple[int, ...]:
        """etcd ends with a fatal log line (1), or a panic (2), if it cannot sync or read its files."""
        return (1, 2) if trouble in ("disk", "corrupt") else ()

    def version(self) -> str:
        """The version that the program states."""
        return self._program().version

    def _program(self) -> Located:
        return _located(self.wanted_version, self.binary)

    @property
    def deployment(self) -> Deployment:
        """The one program."""
        return Deployment(files={SHIPPED_AS: self._program().path})

    def launch(self, place: Place) -> Launch:
        """The command line. After the first start, a member goes on with the members in its data."""
        urls = {port: f"http://{place.at(port)}" for port in self.ports}
        members = (f"{name}=http://{ports[_PEER]}" for name, ports in place.members.items())
        return Launch.of(
            *(place.program(SHIPPED_AS, self._program().path), "--name", place.name),
            *("--data-dir", str(place.data)),
            *("--listen-client-urls", urls[CLIENT], "--advertise-client-urls", urls[CLIENT]),
            *("--listen-peer-urls", urls[_PEER], "--initial-advertise-peer-urls", urls[_PEER]),
            *("--initial-cluster", ",".join(members), "--initial-cluster-state", "new"),
            *("--heartbeat-interval", str(self.heartbeat_ms)),
            *("--election-timeout", str(self.election_ms)),
            *("--snapshot-count", str(self.snapshot_count)),
            "--logger=zap",
            *self.arguments.split(),
        )

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """The node's own status names members by id, and its list of members gives their names.

        Role and term are those that its Raft states at one moment (`/debug/vars`). The status has them from
        two places: a node that was just elected names itself, and the term of its predecessor until the
        first entry of its own is applied (`setTerm` in etcdserver/server.go): long, if it is cut off.
        """
        status = await _body(net, place.at(), HttpRequest("POST", "/v3/maintenance/status", body=b"{}"))
        listed = await _body(net, place.at(), HttpRequest("POST", "/v3/cluster/member/list", body=b"{}"))
        variables = await _body(net, place.at(), HttpRequest("GET", "/debug/vars"))
        if status is None or listed is None or variables is None:
            return None
        return read_status(status, listed, variables)


@cache
def _located(version: str | None, binary: str | None) -> Located:
    """The program, which is asked for its version only once."""
    return located("etcd", version, given=None if binary is None else Path(binary))


class _Member(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    name: str = ""
    is_learner: bool = msgspec.field(name="isLearner", default=False)


class _Members(msgspec.Struct):
    members: list[_Member] = []


class _Status(msgspec.Struct):
    raftIndex: str


class _Raft(msgspec.Struct):
    """What a node's Raft states of itself, at one moment; `lead` is a member's id in hexadecimal digits."""

    term: int
    lead: str
    state: str = msgspec.field(name="raftState")


class _Variables(msgspec.Struct):
    raft: _Raft = msgspec.field(name="raft.status")


def read_status(status: bytes, listed: bytes, variables: bytes) -> NodeStatus | None:
    """The status in the replies to `maintenance/status`, `cluster/member/list` and `/debug/vars`; None if
    they are none."""
    try:
        state = msgspec.json.decode(status, type=_Status)
        raft = msgspec.json.decode(variables, type=_Variables).raft
        members = msgspec.json.decode(listed, type=_Members).members
        names = {member.id: member.name for member in members if member.name}
        return NodeStatus(
            role="leader" if raft.state == "StateLeader" else "follower",
            term=raft.term,
            leader=names.get(str(int(raft.lead, 16))),
            commit=int(state.raftIndex),
            last=int(state.raftIndex),
            members=tuple(member.name for member in members if member.name and not member.is_learner),
            learners=tuple(member.name for member in members if member.name and member.is_learner),
        )
    except (msgspec.DecodeError, ValueError):
        return None


async def _body(net: Net, address: str, request: HttpRequest) -> bytes | None:
    reply = await net.reply(address, request)
    return None if reply is None or reply.status != 200 else reply.body
