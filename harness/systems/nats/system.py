"""NATS with JetStream as a system under test.

What its makers promise, and what is tested of it (docs.nats.io; tried with 2.9.10, 2.12.1 and 2.15.2):

- "the formal consistency model of NATS JetStream is Linearizable" ("JetStream"), and an acknowledged message
  "has also been successfully persisted" ("JetStream Developer Guide"). So acknowledged writes are kept, and
  conditional writes (`Nats-Expected-Last-Subject-Sequence`) compare with what there is. Here a read is
  confirmed by such a write, which changes nothing; so registers, compare-and-set and sets are linearizable.
- With the retention `workqueue`, "messages are kept until they are consumed: meaning delivered [...] and
  explicitly acknowledged by that application" ("JetStream Model Deep Dive"). So nothing is lost that was put
  into such a queue, and a text may come out twice.
- What they do not promise: "We don't guarantee read your writes at this time, as reads through direct get
  requests may be served by followers or mirrors. More consistent results can be achieved by sending get
  requests to the underlying stream leader" ("Key/Value Store"). So with the options `reads=direct` and
  `reads=leader`, reads may be old: a *documented weakness*.
- Messages are acknowledged before they are synced to the disk, by default within two minutes
  (`sync_interval`). So a power failure of several nodes loses acknowledged writes: documented, and published
  by Jepsen (NATS 2.12.1, 2025-12-08). The option `sync-interval=always` syncs each one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from harness.client.clients import MakeClient
from harness.client.codecs.base import HttpRequest
from harness.client.data_types import CAS_REGISTER, QUEUE, REGISTER, SET
from harness.client.net import Net
from harness.errors import CouldNotRun
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, WrittenFile
from harness.systems.installing import located
from harness.systems.nats.clients import QueueClient, RegisterClient, SetClient
from harness.systems.nats.jetstream import Reads
from harness.systems.options import made_of

CLUSTER, MONITOR = "cluster", "monitor"
CONFIGURATION = "nats.conf"


class Nats(msgspec.Struct, frozen=True):
    """Servers of NATS with JetStream, and one stream; the fields are the options of the system."""

    wanted_version: str | None = None
    binary: str | None = None
    """An own `nats-server`."""
    sync_interval: str | None = None
    """How often messages are synced to the disk: a time such as `10s`, or `always`. None is the default: two
    minutes, which 2.9 cannot change."""
    reads: Reads = "confirmed"

    name: ClassVar[str] = "NATS JetStream"
    ports: ClassVar[Mapping[str, int]] = {CLIENT: 4222, CLUSTER: 6222, MONITOR: 8222}
    links: ClassVar[Links] = "addresses"
    stop_statuses: ClassVar[tuple[int, ...]] = (0, 1)
    """2.9 exits with 1 on SIGTERM."""
    damageable: ClassVar[tuple[str, ...]] = ("jetstream/**/*.blk", "jetstream/**/*.idx", "jetstream/**/*.db")
    bounds: ClassVar[Bounds] = Bounds(
        leader_s=60.0, stop_s=10.0, request_s=5.0, fault_s=(10.0, 14.0), calm_s=(8.0, 12.0), recovery_s=30.0
    )
    """A follower stands for election after 4 to 9 s; a leader without a majority steps down after 10 s."""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Nats:
        """The system for a test with these options."""
        return made_of(cls, options, "nats")

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """Registers in a bucket, sets in a stream, and queues in a stream of work."""
        registers = partial(RegisterClient, reads=self.reads)
        sets = partial(SetClient, reads=self.reads)
        return {REGISTER: registers, CAS_REGISTER: registers, SET: sets, QUEUE: QueueClient}

    def version(self) -> str:
        """The version that the program states.

        Raises:
            CouldNotRun: the program, or the library of its clients, is not here.
        """
        if find_spec("nats") is None:
            raise CouldNotRun("NATS's clients need nats-py: pip install 'ackproof[nats]'")
        return located("nats", self.wanted_version, given=self._given).version

    @property
    def _given(self) -> Path | None:
        return None if self.binary is None else Path(self.binary)

    def launch(self, place: Place) -> Launch:
        """The server, with its configuration as JSON, which it reads as well as its own format."""
        server = located("nats", self.wanted_version, given=self._given)
        jetstream = {"store_dir": str(place.data)}
        if self.sync_interval is not None:
            jetstream["sync_interval"] = self.sync_interval
        settings = {
            "server_name": place.name,
            "listen": place.at(),
            "http": place.at(MONITOR),
            "cluster": {
                "name": "ackproof",
                "listen": place.at(CLUSTER),
                "routes": [f"nats://{ports[CLUSTER]}" for ports in place.members.values()],
            },
            "jetstream": jetstream,
        }
        file = WrittenFile(CONFIGURATION, json.dumps(settings, indent=1))
        return Launch.of(str(server.path), "-c", CONFIGURATION, files=(file,), **server.environment)

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """Whom the server takes for the leader of the stream; of the cluster, before there is a stream."""
        query = (("accounts", "true"), ("streams", "true"))
        reply = await net.reply(place.at(MONITOR), HttpRequest("GET", "/jsz", query))
        return None if reply is None or reply.status != 200 else read_status(reply.body, place.name)


class _Leading(msgspec.Struct):
    leader: str = ""


class _Messages(msgspec.Struct):
    last_seq: int = 0


class _Stream(msgspec.Struct):
    cluster: _Leading = msgspec.field(default_factory=_Leading)
    state: _Messages = msgspec.field(default_factory=_Messages)


class _Account(msgspec.Struct):
    stream_detail: list[_Stream] = []


class _JetStreamState(msgspec.Struct):
    meta_cluster: _Leading
    account_details: list[_Account] = []


def read_status(body: bytes, node: str) -> NodeStatus | None:
    """The status in the reply to /jsz, which shows no terms; None if it is none."""
    try:
        state = msgspec.json.decode(body, type=_JetStreamState)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    streams = [stream for account in state.account_details for stream in account.stream_detail]
    leader = streams[0].cluster.leader if streams else state.meta_cluster.leader
    last = streams[0].state.last_seq if streams else 0
    role = "leader" if leader == node else "follower"
    return NodeStatus(role, term=0, leader=leader or None, commit=last, last=last)
