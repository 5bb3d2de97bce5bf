"""Nacos as a system under test.

What its makers promise of *persistent* instances:

- 2.3.2 and 3.1.0: "Because the persistence instance relies on the Raft algorithm, any node can process the
  request" (`PersistentIpPortClientManager`). The documentation of 3.2 says that the state of a persistent
  service is kept by the path that leans to CP, that its instances are recovered from the servers' snapshots,
  and that deregistering "removes the instance" (*Service Discovery Overview*, *Instance Lifecycle*; our
  translation).
- 0.8.0: "only majority servers return success can we consider this update success" (`RaftCore`).

Of configurations without an external database: "between servers, Raft keeps the data consistent" (the makers'
book, *Configuration consistency model*; our translation).

None of them promises that a lookup shows the latest state: a node answers from its own memory. So lookups are
measured, and what is acknowledged must be on every node in the end. Instances that send beats (*ephemeral*
ones) are kept by another protocol, Distro: a request about one goes on to the server that is responsible for
it (`CanDistro`: "Annotation to determine if method should be redirected"), which tells the others. It expires
after 30 s without a beat, or after the time that its metadata state (`preserved.ip.delete.timeout`).
Distro is "an AP protocol", whose nodes "merge" what they hold after a partition (the same book, *Distro*): no
promise says which of two registrations of an instance stays.

0.8.0 has one kind of instance, and a switch, `healthCheckMode`: with `client`, the default, the leader
acknowledges a registration before any other node has it; with `server`, which is used here, only afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import MakeClient
from harness.client.codecs.base import Codec, HttpReply, HttpRequest
from harness.client.data_types import EXPIRING_INSTANCE, STALE_INSTANCE
from harness.client.net import Net
from harness.errors import CouldNotRun
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, Process, WrittenFile
from harness.systems.installing import Located, located, located_java
from harness.systems.nacos.beats import BeatingClient, Beats
from harness.systems.nacos.configs import ConfigCodec
from harness.systems.nacos.instances import InstanceCodec
from harness.systems.nacos.status import OLD_RAFT_STOPPED, OWN_RAFT_LEADER, read_jraft, read_own_raft
from harness.systems.nacos.versions import APIS, Version, version_of
from harness.systems.options import made_of

_RAFT = "raft"
_CONFIG_GROUP = "nacos_config"
"""The group of JRaft for the database that keeps configurations."""
_OPENED = ("java.lang", "java.lang.reflect", "java.util", "java.util.concurrent", "java.net", "java.io")
"""Packages of the Java machine that Nacos's libraries reach into."""
_DERBY_PATIENCE_MS = 60_000
"""A node ends at its start if its database, Derby, is not ready by then; Nacos's own bound is 3 s."""
_COMPARED_S = 40.0
"""A node compares its copies of configurations with its database every 10 to 30 s, by version, and then
changes those that differ."""
_JAVA_STOPPED = 143
"""The exit status of a Java machine that SIGTERM ended."""


class Nacos(msgspec.Struct, frozen=True):
    """A version of Nacos, whose members know each other by their addresses."""

    wanted_version: str | None = None
    """Which version, such as 2.3.2; None for the newest that is here."""
    jars: str | None = None
    """The folder of the user's own jars; None for the installed ones."""
    heap_mib: int | None = None
    function: Literal["naming", "all"] = "naming"
    """What a node offers: configurations take longer to start."""
    data: Literal["instances", "configs"] = "instances"
    """Whether workloads of instances work on instances, or on configurations (from 1.4 on): one is published
    for each registration, and removed for each deregistration."""
    api: Literal["v1", "v2", "v3"] | None = None
    """By which API clients register and look up; None for the newest that the version has."""
    instances: Literal["persisted", "memory"] = "persisted"
    """Only 0.8.0: whether it writes instances to disk (`nacos.instanceListPersisted`)."""
    health_check: Literal["server", "client"] = "server"
    """Only 0.8.0: its switch `healthCheckMode`. With `client`, its default, each instance must send beats."""
    snapshot_s: int | None = None
    """How often JRaft makes a snapshot, in seconds; None for its default of half an hour."""

    ports: ClassVar[Mapping[str, int]] = {CLIENT: 8848, "grpc": 9848, "grpc-cluster": 9849, _RAFT: 7848}
    links: ClassVar[Links] = "addresses"
    one_leader_a_term: ClassVar[bool] = True
    stop_statuses: ClassVar[tuple[int, ...]] = (0, _JAVA_STOPPED)
    damageable: ClassVar[tuple[str, ...]] = ("data/protocol/raft/**/*", "data/naming/**/*")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Nacos:
        """The system for a test with these options.

        Raises:
            ValueError: an option or the version is unknown, or a value does not fit.
        """
        made = made_of(cls, options, "nacos")
        if made.release.naming_group is None and made.data == "configs":
            raise ValueError(f"Nacos {made.release.number} keeps configurations in MySQL alone")
        return made

    @property
    def release(self) -> Version:
        """All that is known of the version."""
        return version_of(self.wanted_version or _newest_here(self.jars))

    @property
    def name(self) -> str:
        """The name in messages and reports; it says who built what is tested."""
        built = "" if self.release.publisher is None else f", republished by {self.release.publisher}"
        return f"nacos {self.release.number}{built}"

    @property
    def bounds(self) -> Bounds:
        """A Java machine starts slowly, and leaders are elected late: after 5 s by JRaft, 15 s by 0.8.0."""
        own_raft = self.release.naming_group is None
        return Bounds(
            start_s=240.0,
            leader_s=180.0,
            stop_s=30.0,
            request_s=6.0,
            fault_s=(24.0, 28.0) if own_raft else (12.0, 16.0),
            calm_s=(20.0, 24.0) if own_raft else (12.0, 16.0),
            recovery_s=45.0,
            settle_s=_COMPARED_S if self.data == "configs" else 0.0,
        )

    @property
    def clients(self) -> Mapping[str, Codec | MakeClient]:
        """All over HTTP; of 0.8.0, no instances that send beats."""
        api = self.release.api if self.api is None else APIS[self.api]
        if self.data == "configs":
            return {STALE_INSTANCE: ConfigCodec(api)}
        persistent = {STALE_INSTANCE: InstanceCodec(api)}
        if self._group is None:
            return persistent
        ephemeral = InstanceCodec(api, ephemeral=True)
        return {
            **persistent,
            EXPIRING_INSTANCE: partial(BeatingClient, beats=Beats(ephemeral), codec=ephemeral),
        }

    @property
    def _group(self) -> str | None:
        """The group of JRaft that keeps what is tested; None where there is no JRaft."""
        group = self.release.naming_group
        return _CONFIG_GROUP if group is not None and self.data == "configs" else group

    def version(self) -> str:
        """The version that the names of the jars state."""
        return self._program().version

    def _program(self) -> Located:
        return _located(self.wanted_version, self.jars)

    def launch(self, place: Place) -> Launch:
        """The command line, and the files that list the members and the settings."""
        home, temporary = place.data, place.folder / "tmp"
        defined = {
            "nacos.home": str(home),
            "nacos.server.ip": place.host,
            "java.io.tmpdir": str(temporary),
            "user.home": str(place.folder / "home"),  # where Nacos and its libraries write their logs
            "spring.config.additional-location": f"file:{home}/conf/",
            "embeddedStorage": "true",
            "derby.system.durability": "test",
        }
        if self.release.naming_group is None:
            defined["nacos.instanceListPersisted"] = str(self.instances == "persisted").lower()
            defined["ackproof.healthCheckMode"] = self.health_check
        if self.function == "naming" and self.data == "instances":
            defined["nacos.functionMode"] = "naming"
        argv = (
            str(located_java(self.release.java).path),
            *(f"-Xmx{self.heap_mib or self.release.heap_mib}m", "-Xms64m", "-XX:+UseSerialGC"),
            *("-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
            *(part for package in _OPENED for part in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")),
            *(f"-D{name}={value}" for name, value in defined.items()),
            *("-cp", os.pathsep.join(map(str, self._program().jars)), self.release.main),
        )
        members = "".join(f"{at[CLIENT]}\n" for at in place.members.values())
        files = (
            WrittenFile("data/conf/cluster.conf", members),
            WrittenFile("data/conf/application.properties", self._settings(place)),
            WrittenFile("tmp/README", "Native libraries are unpacked here.\n"),
        )
        return Launch((Process(argv, {"ROCKSDB_SHAREDLIB_DIR": str(temporary)}),), files)

    def _settings(self, place: Place) -> str:
        settings = [
            *self.release.settings,
            ("server.port", str(place.ports[CLIENT])),
            ("nacos.server.main.port", str(place.ports[CLIENT])),
            ("server.tomcat.basedir", f"{place.data}/tomcat"),
            ("db.pool.config.connectionTimeout", str(_DERBY_PATIENCE_MS)),
        ]
        if self.snapshot_s is not None:
            settings.append(("nacos.core.protocol.raft.data.snapshot_interval_secs", str(self.snapshot_s)))
        return "".join(f"{name}={value}\n" for name, value in settings)

    def leader(self, view: ClusterView) -> str | None:
        """The leader that a majority follows, of 0.8.0 in whatever terms.

        0.8.0 adds 100 to a node's term with each publication that the node takes part in. So a follower that
        missed one stays a step behind its leader until the next election, and follows it all the same.
        """
        if self.release.naming_group is not None:
            return view.agreed_leader()
        leader = view.leader()
        followers = [
            name for name, node in view.nodes.items() if leader is not None and node.leader == leader
        ]
        return leader if len(followers) >= view.majority() else None

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """The state of the Raft that keeps persistent instances, or configurations."""
        release = self.release
        reply = await net.reply(place.at(), HttpRequest("GET", release.status))
        if reply is None or reply.status != 200 or not await self._has_changed_over(place, net):
            return None
        if release.naming_group is None:
            names = {at[CLIENT]: name for name, at in place.members.items()}
            followed = await net.reply(place.at(), HttpRequest("GET", OWN_RAFT_LEADER))
            answer = followed.body if followed is not None and followed.status == 200 else b""
            return read_own_raft(reply.body, place.name, names, answer)
        names = {at[_RAFT]: name for name, at in place.members.items()}
        return read_jraft(reply.body, self._group or "", place.name, names)

    async def _has_changed_over(self, place: Place, net: Net) -> bool:
        """Whether a node of 1.4, which starts with the old Raft, uses JRaft by now."""
        if self.release.upgrade is None:
            return True
        reply = await net.reply(place.at(), HttpRequest("GET", self.release.upgrade))
        return isinstance(reply, HttpReply) and OLD_RAFT_STOPPED in reply.body


@cache
def _newest_here(jars: str | None) -> str | None:
    """The version that is used where none is asked for; None if there is none."""
    try:
        return _located(None, jars).version
    except CouldNotRun:
        return None


@cache
def _located(number: str | None, jars: str | None) -> Located:
    return located("nacos", number, given=None if jars is None else Path(jars))
