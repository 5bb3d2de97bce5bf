"""RabbitMQ: how a node is started, and what its answers mean; and a real cluster, where it is installed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checkers.verdict import Validity
from harness.client.clients import Site, completion_by
from harness.client.codecs.base import Codec, HttpReply
from harness.errors import CouldNotRun
from harness.nemesis.view import ClusterView, NodeView
from harness.run.test import Test
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place
from harness.systems.rabbitmq import RabbitMQ, unanswered
from harness.systems.rabbitmq import system as rabbitmq_system
from harness.systems.rabbitmq.system import password_hash, read_nodes, read_queues
from harness.systems.rabbitmq.unanswered import PAUSE_S
from history import Operation
from tests.deciding import judged
from tests.harness.hosts.namespaces import needs_namespaces

MEMBERS = {
    name: {port: f"10.77.0.{number}:{usual}" for port, usual in RabbitMQ.ports.items()}
    for number, name in enumerate(("n1", "n2", "n3"), start=1)
}
NAMES = {f"rabbit@10.77.0.{number}": f"n{number}" for number in (1, 2, 3)}
PLACE = Place(
    name="n2",
    host="10.77.0.2",
    ports=RabbitMQ.ports,
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)


@pytest.fixture
def binary(tmp_path: Path) -> str:
    folder = tmp_path / "usr" / "bin"
    folder.mkdir(parents=True)
    for name in ("epmd", "rabbitmq-server"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder / "rabbitmq-server")


def files_of(binary: str, monkeypatch: pytest.MonkeyPatch, **options: str) -> tuple[Any, dict[str, str]]:
    located = SimpleNamespace(path=Path(binary), environment={"PATH": "/usr/bin"}, version="3.10.8")
    monkeypatch.setattr(rabbitmq_system, "located", lambda *_, **__: located)
    launch = system_of("rabbitmq", {"system_options": options}).launch(PLACE)
    return launch, {file.path: file.content for file in launch.files}


def test_a_node_is_a_server_and_the_port_mapper_of_the_same_tree(
    binary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch, _ = files_of(binary, monkeypatch)
    server, mapper = launch.processes
    epmd = str(Path(binary).with_name("epmd"))
    assert mapper.argv == (epmd,)
    assert server.argv[-2:] == (epmd, binary)
    assert server.environment["RABBITMQ_NODENAME"] == "rabbit@10.77.0.2"
    assert server.environment["ERL_EPMD_ADDRESS"] == "10.77.0.2"


def test_a_node_knows_all_members_and_what_to_do_when_it_is_cut_off(
    binary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, files = files_of(binary, monkeypatch, partitions="ignore", **{"tick-s": "8"})
    lines = files["rabbitmq.conf"].splitlines()
    assert "cluster_formation.classic_config.nodes.3 = rabbit@10.77.0.3" in lines
    assert {"cluster_partition_handling = ignore", "net_ticktime = 8"} <= set(lines)


@pytest.mark.parametrize(("queue", "policies"), [("quorum", 0), ("classic", 0), ("mirrored", 1)])
def test_only_mirrored_queues_have_a_policy(
    queue: str, policies: int, binary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, files = files_of(binary, monkeypatch, queue=queue)
    assert len(json.loads(files["definitions.json"])["policies"]) == policies


def test_the_password_is_stored_as_rabbitmq_documents_it() -> None:
    stored = base64.b64decode(password_hash("guest"))
    assert stored[4:] == hashlib.sha256(stored[:4] + b"guest").digest()


def test_the_leader_is_that_of_the_first_queue() -> None:
    # What 3.10.8 answers to /api/queues with these columns, shortened; a classic queue has only a node.
    quorum = [
        {"leader": "rabbit@10.77.0.1", "name": "queue-10", "node": "rabbit@10.77.0.1", "online": []},
        {"leader": "rabbit@10.77.0.3", "name": "queue-2", "node": "rabbit@10.77.0.3", "online": []},
    ]
    classic = [{"name": "queue-0", "node": "rabbit@10.77.0.2"}]
    assert read_queues(json.dumps(quorum).encode(), "n2", NAMES) == NodeStatus("follower", 0, "n3")
    assert read_queues(json.dumps(classic).encode(), "n2", NAMES) == NodeStatus("leader", 0, "n2")
    assert read_queues(b"[]", "n2", NAMES) is None
    assert read_queues(b"Not Found", "n2", NAMES) is None


def test_before_there_is_a_queue_all_nodes_must_have_joined() -> None:
    def status(running: int) -> NodeStatus | None:
        nodes = [{"name": name, "running": number < running} for number, name in enumerate(sorted(NAMES))]
        return read_nodes(HttpReply(200, {}, json.dumps(nodes).encode()), "n2", NAMES)

    assert status(3) == NodeStatus("follower", 0, "n1")
    joining = status(2)
    assert joining == NodeStatus("joining", 0)
    assert read_nodes(None, "n2", NAMES) is None
    nodes = {
        name: NodeView(running=True, role=role, leader="n1", term=0)
        for name, role in (("n1", "leader"), ("n2", "follower"))
    }
    late = NodeView(running=True, role="joining", term=0)
    assert RabbitMQ().leader(ClusterView({**nodes, "n3": late})) is None
    assert RabbitMQ().leader(ClusterView({**nodes, "n3": nodes["n2"]})) == "n1"


def test_a_run_without_the_clients_library_is_refused_before_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rabbitmq_system, "find_spec", lambda _: None)
    with pytest.raises(CouldNotRun, match=r"need aiormq: pip install 'ackproof\[rabbitmq\]'"):
        RabbitMQ().version()


class FakeLink:
    """A connection to a node in memory; what is in `broken` raises, and each get gives the next message."""

    def __init__(self, broken: str = "", confirmed: Any = None, messages: Sequence[str | None] = ()) -> None:
        self.broken, self.confirmed = broken, confirmed
        self.messages = list(messages)
        self.channel, self.is_closed = self, False

    async def open(self) -> None:
        await self._did("open")

    async def close(self) -> None:
        self.is_closed = True

    async def _did(self, what: str, result: Any = None) -> Any:
        if self.broken == what:
            raise ConnectionError("the connection was lost")
        return result

    async def queue_declare(self, *_: Any, **__: Any) -> Any:
        return await self._did("declare")

    async def basic_publish(self, *_: Any, **__: Any) -> Any:
        return await self._did("publish", self.confirmed)

    async def basic_get(self, *_: Any) -> Any:
        text = await self._did("get") or self.messages.pop(0)
        spec = pytest.importorskip("aiormq").spec.Basic
        delivery = spec.GetEmpty() if text is None else spec.GetOk(delivery_tag=1)
        return SimpleNamespace(delivery=delivery, body=(text or "").encode())

    async def basic_ack(self, *_: Any) -> Any:
        return await self._did("ack")


class Clients:
    """Clients of one run, by their nodes; the next connection to a node is the next one that is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **links: list[FakeLink]) -> None:
        pytest.importorskip("aiormq")
        from harness.systems.rabbitmq import clients

        by_address = {MEMBERS[node]["client"]: of_node for node, of_node in links.items()}
        monkeypatch.setattr(clients, "Link", lambda address: by_address[address].pop(0))
        make = RabbitMQ().clients["queue"]
        assert not isinstance(make, Codec)
        self._clients = {node: make(Site(node, MEMBERS, 1, timeout_s=2.0)) for node in MEMBERS}

    def perform(self, f: str, node: str = "n1") -> tuple[str, Any]:
        asked = Operation(3, 0, 1, "invoke", f, "k", "e1" if f == "enqueue" else None, node=node)
        done = asyncio.run(completion_by(self._clients[node], asked))
        return done.type, done.value


def test_an_enqueue_is_ok_only_if_it_was_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = pytest.importorskip("aiormq").spec
    for link, expected in (
        (FakeLink(confirmed=spec.Basic.Ack(1)), "ok"),
        (FakeLink(confirmed=SimpleNamespace()), "fail"),
        (FakeLink("open"), "fail"),
        (FakeLink("declare"), "fail"),
        (FakeLink("publish"), "info"),
    ):
        assert Clients(monkeypatch, n1=[link]).perform("enqueue")[0] == expected


def test_a_dequeue_that_got_nothing_took_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for broken in ("", "ack"):
        link = FakeLink(broken, messages=["e7"])
        assert Clients(monkeypatch, n1=[link]).perform("dequeue") == ("ok", "e7")
        assert link.is_closed == bool(broken)
    assert Clients(monkeypatch, n1=[FakeLink(messages=[None])]).perform("dequeue") == ("ok", None)
    link = FakeLink("get")
    assert Clients(monkeypatch, n1=[link]).perform("dequeue")[0] == "fail"
    assert link.is_closed


def test_a_text_came_out_even_if_there_is_no_time_to_acknowledge_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = FakeLink(messages=["e7"])
    monkeypatch.setattr(link, "basic_ack", lambda _: asyncio.sleep(30))
    assert Clients(monkeypatch, n1=[link]).perform("dequeue") == ("ok", "e7")
    assert link.is_closed


def test_a_queue_is_not_empty_while_a_node_may_keep_a_text_for_a_lost_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    again = [FakeLink("open"), FakeLink(messages=[None]), FakeLink(messages=["e1"])]
    of_n2 = FakeLink(messages=[None] * 3)
    clients = Clients(monkeypatch, n1=[FakeLink("get"), *again], n2=[of_n2])
    assert clients.perform("dequeue", "n1")[0] == "fail"
    # n1 cannot be reached; then it has not put the text back yet; and then it gives it out.
    assert clients.perform("dequeue", "n2")[0] == "fail"
    assert clients.perform("dequeue", "n2")[0] == "fail"
    assert clients.perform("dequeue", "n2") == ("ok", "e1")
    assert again[-1].is_closed


def test_a_queue_is_empty_once_that_node_gave_nothing_twice_with_a_pause_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("aiormq")
    from harness.systems.rabbitmq import clients as clients_module

    now = [100.0]
    for module in (clients_module, unanswered):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    again = [FakeLink(messages=[None]) for _ in range(3)]
    of_n2 = FakeLink(messages=[None] * 4)
    clients = Clients(monkeypatch, n1=[FakeLink("get"), *again], n2=[of_n2])
    clients.perform("dequeue", "n1")
    seen = []
    for wait_s in (0.0, PAUSE_S / 2, PAUSE_S, 0.0):
        now[0] += wait_s
        seen.append(clients.perform("dequeue", "n2")[0])
    assert seen == ["fail", "fail", "ok", "ok"]


def test_a_connection_is_over_for_the_node_although_the_library_does_not_end_it() -> None:
    pytest.importorskip("aiormq")
    from yarl import URL

    from harness.systems.rabbitmq.link import CLOSE_BOUND_S, Link

    async def run() -> None:
        over = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            over.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        link = Link(f"127.0.0.1:{port}")
        await link._wire.create(URL(f"amqp://127.0.0.1:{port}"))
        link._connection = SimpleNamespace(close=lambda: asyncio.sleep(60))
        await link.close()
        async with asyncio.timeout(CLOSE_BOUND_S + 5):
            await over.wait()
        server.close()

    asyncio.run(run())


@needs_namespaces
@pytest.mark.campaign
@pytest.mark.timeout(180)
def test_quorum_queues_lose_nothing_when_their_leader_is_killed(tmp_path: Path) -> None:
    try:
        RabbitMQ().version()
    except CouldNotRun as missing:
        pytest.skip(str(missing))
    test = Test(
        nodes=("n1", "n2", "n3"),
        world="netns",
        system="rabbitmq",
        workload="queue",
        nemesis=("kill:leader",),
        time_limit_s=16.0,
        rate=60.0,
    )
    checkers = ("total-queue", "recovery", "node-health", "vacuity", "unhandled-errors")
    found = judged(test, tmp_path / "store", checkers).found
    for checker in checkers:
        assert found[checker].validity is Validity.VALID, found[checker]
