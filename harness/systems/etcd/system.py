"""etcd, 3.4 and later, as a system under test."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import MakeClient
from harness.client.codecs.base import HttpRequest
from harness.client.data_types import APPEND, CAS_REGISTER, INSTANCE, REGISTER, SET, TXN
from harness.client.net import Net
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place
from harness.systems.etcd.kv import InstanceClient, RegisterClient, SetClient, TransactionClient

_PEER = "peer"


class Etcd(msgspec.Struct, frozen=True):
    """`etcd`, whose members know each other by their addresses."""

    binary: str = "etcd"
    reads: Literal["linearizable", "serializable"] = "linearizable"
    heartbeat_ms: int = 100
    election_ms: int = 1000
    snapshot_count: int = 10_000

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 2379, _PEER: 2380}
    links: ClassVar[Links] = "addresses"
    damageable: ClassVar[tuple[str, ...]] = ("member/wal/*.wal", "member/snap/db")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Etcd:
        """The system for a test with these options."""
        return msgspec.convert(dict(options.get("system_options") or {}), cls, strict=False)

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        return "etcd" if self.reads == "linearizable" else f"etcd, {self.reads} reads"

    @property
    def bounds(self) -> Bounds:
        """A follower stands for election after one to two election time-outs."""
        election_s = self.election_ms / 1000
        return Bounds(
            start_s=20.0,
            stop_s=8.0,
            fault_s=(3 * election_s, 4 * election_s),
            calm_s=(2 * election_s, 3 * election_s),
            recovery_s=15.0,
        )

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """All over the JSON gateway."""
        serializable = self.reads == "serializable"
        return {
            REGISTER: partial(RegisterClient, serializable=serializable),
            CAS_REGISTER: partial(RegisterClient, serializable=serializable),
            SET: partial(SetClient, serializable=serializable),
            APPEND: partial(TransactionClient, serializable=serializable),
            TXN: partial(TransactionClient, serializable=serializable),
            INSTANCE: partial(InstanceClient, serializable=serializable),
        }

    def version(self) -> str:
        """The version that the program states."""
        if shutil.which(self.binary) is None:
            raise ValueError(f"there is no program {self.binary}: apt-get install etcd-server")
        stated = subprocess.run(  # noqa: S603 (an argument list, no shell)
            [self.binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
        found = re.search(r"etcd Version: (\S+)", stated.stdout)
        if found is None:
            raise ValueError(f"{self.binary} --version names no version: {stated.stdout[:200]!r}")
        return found[1]

    def launch(self, place: Place) -> Launch:
        """The command line. After the first start, a member goes on with the members in its data."""
        urls = {port: f"http://{place.at(port)}" for port in self.ports}
        members = (f"{name}=http://{ports[_PEER]}" for name, ports in place.members.items())
        return Launch.of(
            *(self.binary, "--name", place.name),
            *("--data-dir", str(place.data)),
            *("--listen-client-urls", urls[CLIENT], "--advertise-client-urls", urls[CLIENT]),
            *("--listen-peer-urls", urls[_PEER], "--initial-advertise-peer-urls", urls[_PEER]),
            *("--initial-cluster", ",".join(members), "--initial-cluster-state", "new"),
            *("--heartbeat-interval", str(self.heartbeat_ms)),
            *("--election-timeout", str(self.election_ms)),
            *("--snapshot-count", str(self.snapshot_count)),
            "--logger=zap",
        )

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """The node's own status names members by id, and its list of members gives their names."""
        status = await _post(net, place.at(), "maintenance/status")
        listed = await _post(net, place.at(), "cluster/member/list")
        return None if status is None or listed is None else read_status(status, listed)


class _Member(msgspec.Struct):
    id: str = msgspec.field(name="ID")
    name: str = ""
    is_learner: bool = msgspec.field(name="isLearner", default=False)


class _Members(msgspec.Struct):
    members: list[_Member] = []


class _Header(msgspec.Struct):
    member_id: str


class _Status(msgspec.Struct):
    header: _Header
    leader: str = "0"
    raftIndex: str = "0"
    raftTerm: str = "0"
    raftAppliedIndex: str = "0"


def read_status(status: bytes, listed: bytes) -> NodeStatus | None:
    """The status in the replies to `maintenance/status` and `cluster/member/list`; None if they are none."""
    try:
        state = msgspec.json.decode(status, type=_Status)
        members = msgspec.json.decode(listed, type=_Members).members
        names = {member.id: member.name for member in members if member.name}
        return NodeStatus(
            role="leader" if state.leader == state.header.member_id else "follower",
            term=int(state.raftTerm),
            leader=names.get(state.leader),
            commit=int(state.raftIndex),
            last=int(state.raftIndex),
            members=tuple(member.name for member in members if member.name and not member.is_learner),
            learners=tuple(member.name for member in members if member.name and member.is_learner),
        )
    except (msgspec.DecodeError, ValueError):
        return None


async def _post(net: Net, address: str, path: str) -> bytes | None:
    reply = await net.reply(address, HttpRequest("POST", f"/v3/{path}", body=b"{}"))
    return None if reply is None or reply.status != 200 else reply.body
