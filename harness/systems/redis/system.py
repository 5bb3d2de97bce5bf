"""Redis with Sentinel as a system under test.

What its makers promise, and what is tested of it (redis.io, "High availability with Redis Sentinel" and the
page of WAIT; tried with 7.0.15):

- Without faults, a master carries out one command at a time. So all data types are linearizable there, for
  clients that ask a Sentinel for the master.
- What they do not promise: "Sentinel + Redis distributed system does not guarantee that acknowledged writes
  are retained during failures, since Redis uses asynchronous replication." WAIT "does not make Redis a
  strongly consistent store". A lock of `SET NX PX` is held at the master alone until it has been replicated.
  So with kills, pauses and partitions, lost writes, stale reads and two holders of a lock are *documented
  weaknesses*.

Options set what limits the loss: `appendonly` and `fsync` (a master that restarts before a failover keeps its
writes), `min-replicas` (a master that hears of fewer replicas refuses writes), `wait` (each write waits for
replicas).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import MakeClient
from harness.client.data_types import CAS_REGISTER, FIFO_QUEUE, LOCK, QUEUE, REGISTER, SET
from harness.client.net import Net
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, Process, WrittenFile
from harness.systems.installing import located
from harness.systems.options import made_of
from harness.systems.redis.clients import MASTER_NAME, SENTINEL_PORT, HowToUse, RedisClient
from harness.systems.redis.resp import Connection, Refused

SERVER, SENTINEL = "redis-server", "redis-sentinel"
DOWN_AFTER_MS = 1000
FAILOVER_MS = 4000
LEADER, REPLICA, JOINING = "leader", "replica", "joining"


class Redis(msgspec.Struct, frozen=True):
    """A master and its replicas, and a Sentinel at each; the fields are the options of the system."""

    wanted_version: str | None = None
    binary: str | None = None
    """An own `redis-server`; it is also started as the Sentinel."""
    appendonly: bool = True
    """Whether a node keeps its writes in a file, so that it has them after a restart."""
    fsync: Literal["always", "everysec", "no"] = "always"
    """When that file is synced to the disk (`appendfsync`)."""
    min_replicas: int = 0
    """With fewer replicas that were heard of in the last second, a master refuses writes."""
    wait: int = 0
    """How many replicas a write waits for."""
    reads: Literal["master", "own-node"] = "master"
    """Which node clients read from."""
    lock_ms: int = 4000
    """After this time a lock is free again by itself."""

    name: ClassVar[str] = "Redis with Sentinel"
    ports: ClassVar[Mapping[str, int]] = {CLIENT: 6379, SENTINEL_PORT: 26379}
    links: ClassVar[Links] = "addresses"
    damageable: ClassVar[tuple[str, ...]] = ("appendonlydir/*.aof", "appendonlydir/*.rdb", "dump.rdb")
    bounds: ClassVar[Bounds] = Bounds(
        leader_s=40.0, stop_s=5.0, fault_s=(4.0, 6.0), calm_s=(5.0, 7.0), recovery_s=20.0
    )

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Redis:
        """The system for a test with these options."""
        return made_of(cls, options, "redis")

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """One client for all data types; sets are read by another command."""
        how = HowToUse(self.reads == "own-node", self.wait, self.lock_ms)
        plain = partial(RedisClient, how=how)
        types = (REGISTER, CAS_REGISTER, QUEUE, FIFO_QUEUE, LOCK)
        return {**dict.fromkeys(types, plain), SET: partial(RedisClient, how=how, reading="SMEMBERS")}

    def version(self) -> str:
        """The version that the program states."""
        return located("redis", self.wanted_version, program=SERVER, given=self._given).version

    @property
    def _given(self) -> Path | None:
        return None if self.binary is None else Path(self.binary)

    def launch(self, place: Place) -> Launch:
        """A server and a Sentinel. Both rewrite their configuration at a failover, so it is written once."""
        server = located("redis", self.wanted_version, program=SERVER, given=self._given)
        sentinel = server
        if self._given is None:
            sentinel = located("redis", self.wanted_version, program=SENTINEL)
        return Launch(
            (
                Process((str(server.path), "redis.conf"), server.environment),
                Process(
                    (str(sentinel.path), "sentinel.conf", "--sentinel"), sentinel.environment, "sentinel"
                ),
            ),
            (
                WrittenFile("redis.conf", self._server_file(place), once=True),
                WrittenFile("sentinel.conf", _sentinel_file(place), once=True),
            ),
        )

    def _server_file(self, place: Place) -> str:
        lines = [
            f"bind {place.host}",
            f"port {place.ports[CLIENT]}",
            "protected-mode no",
            f"dir {place.data}",
            f"appendonly {'yes' if self.appendonly else 'no'}",
            f"appendfsync {self.fsync}",
            "repl-diskless-sync-delay 0",
            "repl-ping-replica-period 1",
            "repl-timeout 3",
            "shutdown-timeout 1",
            f"min-replicas-to-write {self.min_replicas}",
            "min-replicas-max-lag 1",
        ]
        first = _first(place)
        if first != place.members[place.name]:
            host, _, port = first[CLIENT].rpartition(":")
            lines.append(f"replicaof {host} {port}")
        return "\n".join(lines) + "\n"

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """What the server says of its replication, and what its Sentinel says of the master."""
        info = await _asked(net, place.at(), "INFO", "replication")
        known = await _asked(net, place.at(SENTINEL_PORT), "SENTINEL", "MASTER", MASTER_NAME)
        return read_status(info, known, place.members)

    def leader(self, view: ClusterView) -> str | None:
        """The master that most Sentinels name, once all other nodes have its data and Sentinels know all."""
        leader = view.agreed_leader()
        others = [node.role for name, node in view.nodes.items() if name != leader]
        return leader if all(role == REPLICA for role in others) else None


def read_status(
    info: str, sentinel: Sequence[str], members: Mapping[str, Mapping[str, str]]
) -> NodeStatus | None:
    """The status in the replies to INFO and SENTINEL MASTER; None if they are not complete.

    The term is the epoch of the failover that made the master, plus one.
    """
    facts = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    known = dict(zip(sentinel[::2], sentinel[1::2], strict=False))
    if "role" not in facts or "config-epoch" not in known:
        return None
    address = f"{known['ip']}:{known['port']}"
    joined = int(known["num-other-sentinels"]) >= len(members) - 1 <= int(known["num-slaves"])
    in_sync = facts.get("master_link_status") == "up" and facts.get("master_sync_in_progress") == "0"
    offset = int(facts.get("slave_repl_offset", facts.get("master_repl_offset", "0")))
    role = REPLICA if in_sync and joined else JOINING
    return NodeStatus(
        role=LEADER if facts["role"] == "master" else role,
        term=int(known["config-epoch"]) + 1,
        leader=next((name for name, ports in members.items() if ports[CLIENT] == address), None),
        commit=offset,
        last=offset,
    )


async def _asked(net: Net, address: str, *words: str) -> Any:
    """The reply to one command; an empty one if it was refused.

    Raises:
        OSError, EOFError: no reply.
    """
    connection = Connection(*await net.connect(address))
    try:
        return await connection.do(*words)
    except (Refused, ValueError):
        return ""
    finally:
        connection.close()


def _sentinel_file(place: Place) -> str:
    host, _, port = _first(place)[CLIENT].rpartition(":")
    quorum = len(place.members) // 2 + 1
    lines = (
        f"bind {place.host}",
        f"port {place.ports[SENTINEL_PORT]}",
        "protected-mode no",
        f"dir {place.data}",
        f"sentinel monitor {MASTER_NAME} {host} {port} {quorum}",
        f"sentinel down-after-milliseconds {MASTER_NAME} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {MASTER_NAME} {FAILOVER_MS}",
        f"sentinel parallel-syncs {MASTER_NAME} {len(place.members)}",
    )
    return "\n".join(lines) + "\n"


def _first(place: Place) -> Mapping[str, str]:
    """The member that is the master at the first start."""
    return next(iter(place.members.values()))
