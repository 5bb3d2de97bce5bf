"""ZooKeeper, 3.5 and later, as a system under test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import Client, MakeClient, Site
from harness.client.data_types import (
    CAS_REGISTER,
    EVENTUAL_COUNTER,
    EXPIRING_INSTANCE,
    INSTANCE,
    LOCK,
    QUEUE,
    REGISTER,
    SET,
    STALE_INSTANCE,
)
from harness.client.net import Net
from harness.errors import CouldNotRun
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, Trouble, WrittenFile
from harness.systems.installing import Located, located, located_java
from harness.systems.options import made_of

Connect = Literal["own-node", "all"]
Reads = Literal["write", "sync", "plain"]
HoldProof = Literal["connection", "recipe"]
"""What a client takes for the proof that it still holds a lock.

- `connection`: that its connection was not lost since it got the lock. kazoo's documentation asks for this:
  a client should watch for a lost or suspended connection, since the lock may not be held any more.
- `recipe`: that the recipe's `release` returns that it released it.
"""
_QUORUM, _ELECTION = "quorum", "election"
_CONFIGURATION = "zoo.cfg"
_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
_OLDEST_JAVA = 8


class ZooKeeper(msgspec.Struct, frozen=True):
    """`QuorumPeerMain`; the fields are the options of the system.

    What its makers promise (3.8.0, Programmer's Guide, "Consistency Guarantees"):

    - "Sequential Consistency: Updates from a client will be applied in the order that they were sent",
      "Atomicity: Updates either succeed or fail", "Reliability: Once an update has been applied, it will
      persist from that time forward until a client overwrites the update". Updates have one order, by zxid,
      so a read after an acknowledged update of the same client shows all that was acknowledged before:
      `reads=write`.
    - Not that all clients see the same at once: "ZooKeeper can serve older data" (`reads=plain`). For that
      they name `sync`, which goes through the leader and not through a majority: `reads=sync`.
    - Of ephemeral nodes: "These znodes exists as long as the session that created the znode is active. When
      the session ends the znode is deleted"; it ends once no server has heard from it for its time-out.
    - kazoo of its `Lock` (2.11, recipe/lock.py): "It's highly recommended to add a state listener", since a
      lock may be lost with the connection: `lock=connection` does so, `lock=recipe` does not.
    - kazoo of its `Queue`: it "does not offer reliable consumption"; of its `LockingQueue`: an entry is
      locked, and removed when it was consumed (`queue=simple`, `queue=locking`).
    - kazoo of its `Counter` (recipe/counter.py): "Changes to the counter are done atomically"
      (`counter=recipe`). A number that is replaced at its version, and not again without an answer, relies on
      ZooKeeper alone (`counter=versions`).
    """

    wanted_version: str | None = None
    jars: str | None = None
    """The folder with the jars; None for one of `ackproof systems install`, or of the machine."""
    reads: Reads = "write"
    """What comes before a read, so that it is not old: a write, a sync, or nothing."""
    connect: Connect = "own-node"
    """To which nodes a client may connect: to its own one, or to all, its own one first."""
    queue: Literal["locking", "simple"] = "locking"
    """kazoo's `LockingQueue`, or its `Queue`."""
    counter: Literal["versions", "recipe"] = "versions"
    """Clients' own replacement of a number at its version, or kazoo's `Counter`."""
    lock: HoldProof = "connection"
    """What a client takes for the proof that it still holds a lock."""
    tick_ms: int = 400
    session_s: float = 4.0
    sync_ticks: int = 5
    """A follower that the leader has not heard for so long is dropped (`syncLimit`)."""
    snapshot_count: int = 100_000
    heap_mib: int = 128

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 2181, _QUORUM: 2888, _ELECTION: 3888}
    links: ClassVar[Links] = "addresses"
    one_leader_a_term: ClassVar[bool] = True
    """The term is the epoch; a leader states it from the moment when a majority follows it."""
    stop_statuses: ClassVar[tuple[int, ...]] = (143,)
    damageable: ClassVar[tuple[str, ...]] = ("version-2/log.*", "version-2/snapshot.*")
    log_records: ClassVar[None] = None
    """It takes 64 MiB for each log, begins another one when it starts, and leaves a torn end where it is: so
    nothing would show that it has read it."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> ZooKeeper:
        """The system for a test with these options."""
        return made_of(cls, options, "zookeeper")

    @property
    def name(self) -> str:
        """The name in messages and reports."""
        usual = {
            "reads": "write",
            "connect": "own-node",
            "queue": "locking",
            "counter": "versions",
            "lock": "connection",
        }
        chosen = {name: getattr(self, name) for name in usual}
        unusual = (f"{name}={text}" for name, text in chosen.items() if text != usual[name])
        return ", ".join(["ZooKeeper", *unusual])

    @property
    def bounds(self) -> Bounds:
        """A follower notices that it has lost its leader after `sync_ticks`; then comes an election."""
        notice_s = self.sync_ticks * self.tick_ms / 1000
        return Bounds(
            start_s=30.0,
            leader_s=60.0,
            stop_s=8.0,
            request_s=3.0,
            fault_s=(notice_s + 1.0, notice_s + 1.5),
            calm_s=(2.0, 2.5),
            recovery_s=20.0,
        )

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """All by kazoo."""
        session = {"connect": self.connect, "session_s": self.session_s}
        data = {"reads": self.reads, **session}
        return {
            REGISTER: partial(_register, data),
            CAS_REGISTER: partial(_register, data),
            SET: partial(_set, data),
            INSTANCE: partial(_instance, data),
            STALE_INSTANCE: partial(_instance, {**data, "reads": "plain"}),
            EXPIRING_INSTANCE: _ephemeral({**data, "reads": "plain"}),
            QUEUE: partial(_locking_queue if self.queue == "locking" else _simple_queue, session),
            EVENTUAL_COUNTER: partial(_counter if self.counter == "versions" else _recipe_counter, session),
            LOCK: partial(_lock, {"proof": self.lock, **session}),
        }

    def statuses_after(self, trouble: Trouble) -> tuple[int, ...]:
        """Of `org.apache.zookeeper.server.ExitCode`: an unexpected error (1), no access to the data (3), an
        error of the log while a snapshot was taken (10)."""
        return (1, 3, 10) if trouble in ("disk", "corrupt") else ()

    # kazoo is imported with the first client, so that the system can be listed without it.

    def version(self) -> str:
        """The version that the program states."""
        return _located(self.wanted_version, self.jars).version

    def launch(self, place: Place) -> Launch:
        """The command line, the configuration, and the node's number, which is written once."""
        if find_spec("kazoo") is None:
            raise CouldNotRun("ZooKeeper's clients need kazoo: pip install 'ackproof[zookeeper]'")
        program = _located(self.wanted_version, self.jars)
        argv = [
            str(located_java(_OLDEST_JAVA).path),
            *(f"-Xmx{self.heap_mib}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            "-Dzookeeper.admin.enableServer=false",
            "-Dzookeeper.cnxTimeout=1000",
            f"-Dzookeeper.snapCount={self.snapshot_count}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            *("-cp", ":".join(map(str, program.jars))),
            *(_MAIN, str(place.folder / _CONFIGURATION)),
        ]
        return Launch.of(
            *argv,
            files=(
                WrittenFile(_CONFIGURATION, configuration(self, place)),
                WrittenFile(f"{place.data.name}/myid", f"{place.number}\n", once=True),
            ),
            **program.environment,
        )

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """What the node answers to `srvr`. It names no leader; a node that looks for one does not serve."""
        return read_status(await net.ask(place.at(), b"srvr"), place.name)

    def leader(self, view: ClusterView) -> str | None:
        """The only node that leads, if a majority leads or follows."""
        leading = [name for name, node in view.nodes.items() if node.role == "leader"]
        serving = [node for node in view.nodes.values() if node.role in ("leader", "follower")]
        return leading[0] if len(leading) == 1 and len(serving) >= view.majority() else None


def configuration(system: ZooKeeper, place: Place) -> str:
    """The text of `zoo.cfg`: the members by their addresses, numbered in their order."""
    lines = [
        f"tickTime={system.tick_ms}",
        f"initLimit={max(10, 2 * system.sync_ticks)}",
        f"syncLimit={system.sync_ticks}",
        f"dataDir={place.data}",
        f"clientPort={place.ports[CLIENT]}",
        f"clientPortAddress={place.host}",
        "4lw.commands.whitelist=srvr",
        "standaloneEnabled=false",
        "maxClientCnxns=0",
    ]
    for number, ports in enumerate(place.members.values(), 1):
        election = ports[_ELECTION].rpartition(":")[2]
        lines.append(f"server.{number}={ports[_QUORUM]}:{election}")
    return "\n".join(lines) + "\n"


def _register(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.data import RegisterClient

    return RegisterClient(site, **options)


def _set(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.data import SetClient

    return SetClient(site, **options)


def _instance(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.data import InstanceClient

    return InstanceClient(site, **options)


def _ephemeral(options: Mapping[str, Any]) -> MakeClient:
    """A maker of clients that share the sessions by which instances live."""
    shared: list[Any] = []

    def made(site: Site) -> Client:
        from harness.systems.zookeeper.ephemeral import EphemeralClient, Holders

        if not shared:
            shared.append(Holders())
        return EphemeralClient(site, holders=shared[0], **options)

    return made


def _locking_queue(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.recipes import LockingQueueClient

    return LockingQueueClient(site, **options)


def _simple_queue(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.recipes import SimpleQueueClient

    return SimpleQueueClient(site, **options)


def _counter(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.data import CounterClient

    return CounterClient(site, **options)


def _recipe_counter(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.recipes import RecipeCounterClient

    return RecipeCounterClient(site, **options)


def _lock(options: Mapping[str, Any], site: Site) -> Client:
    from harness.systems.zookeeper.recipes import LockClient

    return LockClient(site, **options)


_ZXID = re.compile(rb"^Zxid: 0x([0-9a-f]+)$", re.MULTILINE)
_MODE = re.compile(rb"^Mode: (\w+)$", re.MULTILINE)
_NOT_SERVING = b"not currently serving requests"
_EPOCH_BITS = 32


def read_status(answer: bytes, node: str) -> NodeStatus | None:
    """The status in a reply to `srvr`; None if it is none.

    The term is the epoch in the node's last zxid. A follower learns it with the first update of its leader.
    """
    if _NOT_SERVING in answer:
        return NodeStatus(role="looking", term=0)
    mode, zxid = _MODE.search(answer), _ZXID.search(answer)
    if mode is None or zxid is None:
        return None
    number = int(zxid[1], 16)
    role = mode[1].decode()
    return NodeStatus(
        role=role,
        term=number >> _EPOCH_BITS,
        leader=node if role == "leader" else None,
        commit=number,
        last=number,
    )


@cache
def _located(version: str | None, jars: str | None) -> Located:
    """The jars, which are asked for their version only once."""
    return located("zookeeper", version, given=None if jars is None else Path(jars))
