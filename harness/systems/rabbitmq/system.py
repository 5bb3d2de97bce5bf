"""RabbitMQ as a system under test."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from harness.client.clients import Client, MakeClient, Site
from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.data_types import QUEUE
from harness.client.net import Net
from harness.errors import CouldNotRun
from harness.nemesis.view import ClusterView
from harness.systems.base import CLIENT, Bounds, Launch, Links, NodeStatus, Place, Process, WrittenFile
from harness.systems.installing import Located, located
from harness.systems.options import made_of
from harness.systems.rabbitmq.unanswered import Unanswered

QueueType = Literal["quorum", "classic", "mirrored"]
_DISTRIBUTION, _PORT_MAPPER, _MANAGEMENT = "distribution", "port-mapper", "management"
_USER = "guest"
_AUTHORIZATION = ("Authorization", "Basic " + base64.b64encode(f"{_USER}:{_USER}".encode()).decode())
_QUEUES = HttpRequest(
    "GET",
    "/api/queues",
    (("columns", "name,leader,node,online"), ("disable_stats", "true")),
    (_AUTHORIZATION,),
)
_NODES = HttpRequest("GET", "/api/nodes", (("columns", "name,running"),), (_AUTHORIZATION,))
_WAIT_FOR_PORT_MAPPER = 'until "$0" -names >/dev/null 2>&1; do sleep 0.1; done; exec "$1"'
LEADER, FOLLOWER, JOINING = "leader", "follower", "joining"


class RabbitMQ(msgspec.Struct, frozen=True):
    """Nodes of RabbitMQ in one cluster, and durable queues; the fields are the options of the system.

    What its makers promise, and what is tested of it (rabbitmq.com, documentation of 3.10):

    - *Quorum queues* ("Quorum Queues", "Data Safety"): "Publisher confirms will only be issued once a
      published message has been successfully replicated to a quorum of nodes and is considered 'safe' within
      the context of the system." So what was confirmed comes out, at least once: a message that was given
      out and not acknowledged is given out again.
    - *Classic queues*, on one node each ("Consumer Acknowledgements and Publisher Confirms"): "For routable
      messages, the basic.ack is sent when a message has been accepted by all the queues. For persistent
      messages routed to durable queues, this means persisting to disk." So they lose nothing when nodes are
      killed; they cannot be used while their node is down.
    - *Mirrored classic queues* promise less. "Clustering and Network Partitions" advises `autoheal`, which
      starts the nodes of the losing partition again, for those who are "more concerned with continuity of
      service than with data integrity". So lost messages are a *documented weakness* of `queue=mirrored`.
    """

    wanted_version: str | None = None
    binary: str | None = None
    """An own `rabbitmq-server`, with Erlang on the machine."""
    queue: QueueType = "quorum"
    """Which queues clients declare; `mirrored` are classic queues with a mirror on each node."""
    partitions: Literal["pause_minority", "ignore", "autoheal"] = "pause_minority"
    """What nodes do once they see that they are cut off (`cluster_partition_handling`). RabbitMQ's default is
    `ignore`, after which the nodes' own data stay divided until they are started again."""
    tick_s: int = 60
    """A node that was not heard of for so long, give or take a quarter, is down for Erlang (`net_ticktime`).
    The replicas of a quorum queue elect a leader much earlier, by a failure detector of their own."""

    name: ClassVar[str] = "RabbitMQ"
    ports: ClassVar[Mapping[str, int]] = {
        CLIENT: 5672,
        _DISTRIBUTION: 25672,
        _PORT_MAPPER: 4369,
        _MANAGEMENT: 15672,
    }
    links: ClassVar[Links] = "addresses"
    damageable: ClassVar[tuple[str, ...]] = ("mnesia/*/quorum/**/*", "mnesia/*/msg_stores/**/*")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> RabbitMQ:
        """The system for a test with these options."""
        return made_of(cls, options, "rabbitmq")

    @property
    def bounds(self) -> Bounds:
        """A fault lasts longer than the failure detector of quorum queues needs, but not `tick_s`."""
        return Bounds(
            start_s=90.0,
            leader_s=60.0,
            stop_s=20.0,
            request_s=5.0,
            fault_s=(10.0, 14.0),
            calm_s=(10.0, 12.0),
            recovery_s=45.0,
        )

    @property
    def clients(self) -> Mapping[str, MakeClient]:
        """A queue, by AMQP 0-9-1."""
        kind = "quorum" if self.queue == "quorum" else "classic"
        return {QUEUE: _maker({"x-queue-type": kind})}

    def version(self) -> str:
        """The version that the program states.

        Raises:
            CouldNotRun: the program, or the library of its clients, is not here.
        """
        if find_spec("aiormq") is None:
            raise CouldNotRun("RabbitMQ's clients need aiormq: pip install 'ackproof[rabbitmq]'")
        return self._program().version

    def _program(self) -> Located:
        given = None if self.binary is None else Path(self.binary)
        return located("rabbitmq", self.wanted_version, given=given)

    def launch(self, place: Place) -> Launch:
        """Erlang's port mapper, and the server, which waits for it: it starts none by itself from here."""
        program = self._program()
        folder, data = place.folder, place.data
        environment = {
            **program.environment,
            "HOME": str(folder),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(data / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": node_name(place.at()),
            "RABBITMQ_DIST_PORT": str(place.ports[_DISTRIBUTION]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-setcookie ackproof",
            "RUNNING_UNDER_SYSTEMD": "true",  # so that the script becomes the server, and gets its signals
            "ERL_EPMD_PORT": str(place.ports[_PORT_MAPPER]),
            "ERL_EPMD_ADDRESS": place.host,
        }
        mapper = _port_mapper(program.path)
        server = Process(("sh", "-c", _WAIT_FOR_PORT_MAPPER, mapper, str(program.path)), environment)
        files = (
            WrittenFile("rabbitmq.conf", self._settings(place)),
            WrittenFile("advanced.config", "[].\n"),
            WrittenFile("enabled_plugins", "[rabbitmq_management].\n"),
            WrittenFile("definitions.json", self._definitions()),
        )
        return Launch((server, Process((mapper,), environment, "port-mapper")), files)

    def _settings(self, place: Place) -> str:
        settings = {
            "listeners.tcp.1": place.at(),
            "management.tcp.ip": place.host,
            "management.tcp.port": place.ports[_MANAGEMENT],
            "loopback_users": "none",
            "load_definitions": place.folder / "definitions.json",
            "cluster_partition_handling": self.partitions,
            "net_ticktime": self.tick_s,
            "disk_free_limit.absolute": "10MB",
            "vm_memory_high_watermark.absolute": "1GB",
            "cluster_formation.peer_discovery_backend": "classic_config",
            **{
                f"cluster_formation.classic_config.nodes.{number}": node_name(ports[CLIENT])
                for number, ports in enumerate(place.members.values(), 1)
            },
        }
        return "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _definitions(self) -> str:
        """What each node loads at its start: the user, and the policy that mirrors queues."""
        mirrored = {
            "vhost": "/",
            "name": "mirrored",
            "pattern": ".*",
            "apply-to": "queues",
            "priority": 0,
            "definition": {"ha-mode": "all", "ha-sync-mode": "automatic"},
        }
        everything = {"user": _USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        user = {
            "name": _USER,
            "password_hash": password_hash(_USER),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": ["administrator"],
        }
        return json.dumps(
            {
                "vhosts": [{"name": "/"}],
                "users": [user],
                "permissions": [everything],
                "policies": [mirrored] if self.queue == "mirrored" else [],
            }
        )

    async def status(self, place: Place, net: Net) -> NodeStatus | None:
        """What the node says of the first queue; before there is one, whether all nodes have joined."""
        names = {node_name(ports[CLIENT]): name for name, ports in place.members.items()}
        address = place.at(_MANAGEMENT)
        queues = await net.reply(address, _QUEUES)
        if queues is None or queues.status != 200:
            return None
        found = read_queues(queues.body, place.name, names)
        if found is not None:
            return found
        nodes = await net.reply(address, _NODES)
        return read_nodes(nodes, place.name, names)

    def leader(self, view: ClusterView) -> str | None:
        """The node that a majority names; before there is a queue, only once all nodes have joined."""
        if any(node.role == JOINING for node in view.nodes.values()):
            return None
        return view.agreed_leader()


class _Queue(msgspec.Struct):
    name: str
    leader: str | None = None
    """The node of the replica that leads a quorum queue."""
    node: str | None = None
    """The node of a classic queue, or of its leading mirror."""


class _Node(msgspec.Struct):
    name: str
    running: bool = False


def read_queues(body: bytes, own: str, names: Mapping[str, str]) -> NodeStatus | None:
    """The status in the reply to /api/queues, which shows no terms; None if there is no queue.

    Args:
        own: the node's name.
        names: by Erlang's name of each node, its name here.
    """
    try:
        queues = msgspec.json.decode(body, type=list[_Queue])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not queues:
        return None
    first = min(queues, key=lambda queue: (len(queue.name), queue.name))
    leader = names.get(first.leader or first.node or "")
    return NodeStatus(LEADER if leader == own else FOLLOWER, term=0, leader=leader)


def read_nodes(reply: HttpReply | None, own: str, names: Mapping[str, str]) -> NodeStatus | None:
    """The status in the reply to /api/nodes: the first node counts as the leader while there is no queue."""
    if reply is None or reply.status != 200:
        return None
    try:
        nodes = msgspec.json.decode(reply.body, type=list[_Node])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    running = [names[node.name] for node in nodes if node.running and node.name in names]
    if len(running) < len(names):
        return NodeStatus(JOINING, term=0)
    first = next(iter(names.values()))
    return NodeStatus(LEADER if first == own else FOLLOWER, term=0, leader=first)


def node_name(address: str) -> str:
    """The name by which Erlang knows the node at `host:port`."""
    return f"rabbit@{address.rpartition(':')[0]}"


def password_hash(password: str) -> str:
    """A password as RabbitMQ stores it: a salt of four bytes, then SHA-256 of the salt and the password."""
    salt = b"salt"
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _port_mapper(server: Path) -> str:
    """The `epmd` of the Erlang that lies in the same tree as the server, else the machine's."""
    for folder in server.resolve().parents:
        if (folder / "bin" / "epmd").exists():
            return str(folder / "bin" / "epmd")
    return "epmd"


def _maker(arguments: Mapping[str, Any]) -> MakeClient:
    """A maker of clients that share what they know of lost connections."""
    unanswered = Unanswered()

    def made(site: Site) -> Client:
        from harness.systems.rabbitmq.clients import QueueClient  # aiormq is imported with the first client

        return QueueClient(site, arguments, unanswered)

    return made
