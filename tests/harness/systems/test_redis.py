from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.client.clients import Site
from harness.nemesis.view import ClusterView, NodeView
from harness.systems import system_of
from harness.systems.base import NodeStatus, Place
from harness.systems.redis import Redis
from harness.systems.redis.clients import HowToUse, RedisClient
from harness.systems.redis.resp import Refused, encode, read_reply
from harness.systems.redis.system import read_status
from history import Operation

MEMBERS = {
    name: {"client": f"10.77.0.{number}:6379", "sentinel": f"10.77.0.{number}:26379"}
    for number, name in enumerate(("n1", "n2", "n3"), start=1)
}
PLACE = Place(
    name="n2",
    host="10.77.0.2",
    ports={"client": 6379, "sentinel": 26379},
    members=MEMBERS,
    peers={},
    data=Path("/run/n2/data"),
    trace=Path("/run/n2/trace"),
    log=Path("/run/n2/log.txt"),
    seed=7,
)

# What 7.0.15 answered.
OF_A_REPLICA = (
    "# Replication\r\nrole:slave\r\nmaster_host:10.77.0.1\r\nmaster_port:6379\r\nmaster_link_status:up\r\n"
    "master_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\nslave_read_repl_offset:4170\r\n"
    "slave_repl_offset:4170\r\nslave_priority:100\r\n"
)
OF_A_SENTINEL = (
    *("name", "ackproof", "ip", "10.77.0.1", "port", "6379", "flags", "master"),
    *("config-epoch", "0", "num-slaves", "2", "num-other-sentinels", "2", "quorum", "2"),
)


@pytest.fixture
def binary(tmp_path: Path) -> str:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0'\n")
    program.chmod(0o755)
    return str(program)


def of(binary: str, **options: str) -> Redis:
    system = system_of("redis", {"system_options": {"binary": binary, **options}})
    assert isinstance(system, Redis)
    return system


def test_a_node_is_a_server_and_a_sentinel(binary: str) -> None:
    server, sentinel = of(binary).launch(PLACE).processes
    assert server.argv == (binary, "redis.conf")
    assert (sentinel.name, sentinel.argv) == ("sentinel", (binary, "sentinel.conf", "--sentinel"))


def test_only_the_first_member_begins_as_the_master(binary: str) -> None:
    assert "replicaof 10.77.0.1 6379" in of(binary).launch(PLACE).files[0].content
    first = Place(
        name="n1", host="10.77.0.1", ports=PLACE.ports, members=MEMBERS, peers={}, data=PLACE.data,
        trace=PLACE.trace, log=PLACE.log, seed=7,
    )  # fmt: skip
    assert "replicaof" not in of(binary).launch(first).files[0].content


def test_what_redis_rewrites_itself_is_written_once(binary: str) -> None:
    assert all(file.once for file in of(binary).launch(PLACE).files)


def test_options_stand_in_the_configuration(binary: str) -> None:
    content = of(binary, **{"min-replicas": "1", "fsync": "everysec"}).launch(PLACE).files[0].content
    assert "min-replicas-to-write 1" in content
    assert "appendfsync everysec" in content


def test_the_program_states_its_version(binary: str) -> None:
    assert of(binary).version() == "7.0.15"


def test_the_sentinel_names_the_master_and_its_epoch() -> None:
    status = read_status(OF_A_REPLICA, OF_A_SENTINEL, MEMBERS)
    assert status == NodeStatus("replica", 1, "n1", 4170, 4170)
    of_the_master = "role:master\r\nmaster_repl_offset:4170\r\n"
    leading = read_status(of_the_master, OF_A_SENTINEL, MEMBERS)
    assert leading is not None
    assert (leading.role, leading.leader) == ("leader", "n1")


@pytest.mark.parametrize(
    ("info", "others"),
    [
        (OF_A_REPLICA.replace("link_status:up", "link_status:down"), "2"),
        (OF_A_REPLICA.replace("in_progress:0", "in_progress:1"), "2"),
        (OF_A_REPLICA, "1"),
    ],
)
def test_a_replica_joins_until_it_is_in_sync_and_the_sentinels_know_each_other(
    info: str, others: str
) -> None:
    said = list(OF_A_SENTINEL)
    said[said.index("num-other-sentinels") + 1] = others
    status = read_status(info, said, MEMBERS)
    assert status is not None
    assert status.role == "joining"


def test_an_answer_that_is_not_complete_is_no_status() -> None:
    assert read_status("", OF_A_SENTINEL, MEMBERS) is None
    assert read_status(OF_A_REPLICA, (), MEMBERS) is None


def test_a_cluster_is_ready_once_all_replicas_are_in_sync(binary: str) -> None:
    def view(role: str) -> ClusterView:
        master = NodeView(running=True, role="leader", term=1, leader="n1")
        replica = NodeView(running=True, role="replica", term=1, leader="n1")
        return ClusterView(
            {"n1": master, "n2": replica, "n3": NodeView(True, role=role, term=1, leader="n1")}
        )

    assert of(binary).leader(view("replica")) == "n1"
    assert of(binary).leader(view("joining")) is None


def test_a_command_is_a_list_of_texts_with_their_lengths() -> None:
    assert encode("SET", "k", 12) == b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n12\r\n"


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"+OK\r\n", "OK"),
        (b":-3\r\n", -3),
        (b"$3\r\na\r\n\r\n", "a\r\n"),
        (b"$0\r\n\r\n", ""),
        (b"$-1\r\n", None),
        (b"*2\r\n:1\r\n*1\r\n$1\r\na\r\n", [1, ["a"]]),
        (b"*-1\r\n", None),
    ],
)
def test_a_reply_is_read(sent: bytes, reply: object) -> None:
    assert asyncio.run(reply_to(sent)) == reply


@pytest.mark.parametrize("sent", [b"?\r\n", b":x\r\n", b"$99999999\r\n"])
def test_what_is_no_reply_is_refused(sent: bytes) -> None:
    with pytest.raises(ValueError, match=r"no reply|invalid literal|a reply of"):
        asyncio.run(reply_to(sent))


def test_a_refusal_is_raised_with_its_code() -> None:
    with pytest.raises(Refused, match="READONLY") as raised:
        asyncio.run(reply_to(b"-READONLY You can't write against a read only replica.\r\n"))
    assert raised.value.code == "READONLY"


async def reply_to(sent: bytes) -> Any:
    reader = asyncio.StreamReader()
    reader.feed_data(sent)
    reader.feed_eof()
    return await read_reply(reader)


def operation(f: str, value: object = None) -> Operation:
    return Operation(3, 0, 1, "invoke", f, "k", value, node="n1")


def performed(
    asked: Operation, answer: Callable[[list[str]], bytes], how: HowToUse | None = None
) -> Operation:
    """Perform an operation on one server, which is Redis and Sentinel at once."""
    port = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                words = await read_reply(reader)
                writer.write(answers(words, answer))
                await writer.drain()
        except EOFError:
            writer.close()

    def answers(words: list[str], answer: Callable[[list[str]], bytes]) -> bytes:
        if words[0] == "SENTINEL":
            return encode("127.0.0.1", port)
        return b"*1\r\n$6\r\nmaster\r\n" if words[0] == "ROLE" else answer(words)

    async def perform() -> Operation:
        nonlocal port
        server = await asyncio.start_server(serve, "127.0.0.1")
        port = server.sockets[0].getsockname()[1]
        address = f"127.0.0.1:{port}"
        site = Site("n1", {"n1": {"client": address, "sentinel": address}}, 1, timeout_s=2.0)
        client = RedisClient(site, how or HowToUse())
        try:
            return await client.perform(asked)
        finally:
            client.close()
            server.close()

    return asyncio.run(perform())


@pytest.mark.parametrize(
    ("f", "value", "reply", "type_", "expected"),
    [
        ("read", None, b"$2\r\nv1\r\n", "ok", "v1"),
        ("read", None, b"$-1\r\n", "ok", None),
        ("write", "v1", b"+OK\r\n", "ok", "v1"),
        ("cas", ["v1", "v2"], b":1\r\n", "ok", ["v1", "v2"]),
        ("cas", ["v1", "v2"], b":0\r\n", "ok", False),
        ("dequeue", None, b"$-1\r\n", "ok", None),
        ("acquire", None, b"+OK\r\n", "ok", None),
        ("acquire", None, b"$-1\r\n", "fail", None),
        ("release", None, b":1\r\n", "ok", None),
        ("release", None, b":0\r\n", "fail", None),
        ("write", "v1", b"-READONLY no\r\n", "fail", "v1"),
        ("write", "v1", b"-NOREPLICAS no\r\n", "fail", "v1"),
        ("write", "v1", b"-UNBLOCKED by a change of role\r\n", "info", "v1"),
    ],
)
def test_a_reply_becomes_a_completion(
    f: str, value: object, reply: bytes, type_: str, expected: object
) -> None:
    done = performed(operation(f, value), lambda _: reply)
    assert (done.type, done.value) == (type_, expected)


def test_a_write_that_reached_too_few_replicas_may_have_happened() -> None:
    def answer(words: list[str]) -> bytes:
        return b":1\r\n" if words[0] == "WAIT" else b"+OK\r\n"

    assert performed(operation("write", "v"), answer, HowToUse(wait=2)).type == "info"
    assert performed(operation("write", "v"), answer, HowToUse(wait=1)).type == "ok"


@pytest.mark.parametrize("f", ["write", "dequeue"])
def test_what_a_server_did_before_it_ceased_to_be_the_master_may_have_happened(f: str) -> None:
    def answer(words: list[str]) -> bytes:
        if words[0] == "WAIT":  # what 7.0.15 answers once it is a replica
            return b"-ERR WAIT cannot be used with replica instances.\r\n"
        return b"$2\r\ne1\r\n" if words[0] == "LPOP" else b"+OK\r\n"

    assert performed(operation(f, "v"), answer, HowToUse(wait=1)).type == "info"
