from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from harness.client.codecs.base import HttpReply, HttpRequest
from harness.client.net import Net
from harness.hosts.links.framing import FrameCounter
from harness.systems.base import Launch, NodeStatus, Place
from harness.systems.reference_node import ReferenceNode
from node_impl.core.events import Status
from node_impl.io.http.metrics import METRICS, RequestMetrics
from node_impl.io.options import parse_options
from node_impl.io.transport import Hello, Introduction, Secret, encode_frame
from node_impl.io.transport.frames import CHECKSUM

PLACE = Place(
    name="n1",
    host="127.0.0.1",
    ports={"client": 10001, "peer": 10002},
    members={},
    peers={"n2": "127.0.0.1:10003", "n3": "10.0.0.3:10004"},
    data=Path("/run/n1/data"),
    trace=Path("/run/n1/trace"),
    log=Path("/run/n1/log.txt"),
    seed=7,
)
STATUS = Status(
    "n1", "leader", 4, "n1", "n1", 9, 9, 9, ("n1",), services=1, instances=2, configs=0, watches=0
)


def argv_of(launch: Launch) -> tuple[str, ...]:
    (process,) = launch.processes
    return process.argv


def test_the_node_understands_its_command_line() -> None:
    python, m, module, *arguments = argv_of(ReferenceNode(heartbeat_ms=50).launch(PLACE))
    assert (python, m, module) == (sys.executable, "-m", "node_impl")
    options = parse_options(arguments)
    assert options.name == "n1"
    assert str(options.listen) == PLACE.at() == "127.0.0.1:10001"
    assert options.peer_listen.port == 10002
    assert {name: str(address) for name, address in options.peers.items()} == PLACE.peers
    assert (options.data, options.trace) == (PLACE.data, PLACE.trace)
    assert (options.heartbeat_ms, options.election_ms, options.seed) == (50, 500, 7)


def test_a_mutant_is_started_by_name_with_the_same_arguments() -> None:
    argv = argv_of(ReferenceNode().launch(PLACE))
    mutant = argv_of(ReferenceNode(mutant="forgetful").launch(PLACE))
    assert mutant[1:4] == ("-m", "harness.mutants", "forgetful")
    assert mutant[4:] == argv[3:]


class Replying(Net):
    """A network in which every request gets the same reply."""

    def __init__(self, reply: HttpReply) -> None:
        super().__init__(1.0)
        self._reply = reply

    async def reply(self, address: str, request: HttpRequest) -> HttpReply | None:
        assert (address, request.path) == ("127.0.0.1:10001", "/v1/admin/status")
        return self._reply


def status_in(reply: HttpReply) -> NodeStatus | None:
    return asyncio.run(ReferenceNode().status(PLACE, Replying(reply)))


def test_a_status_is_read_and_anything_else_is_none() -> None:
    body = b'{"name":"n1","role":"leader","term":4,"vote":"n1","leader":"n1","commit":9,"applied":9,"last":9}'
    assert status_in(HttpReply(200, {}, body)) == NodeStatus("leader", 4, "n1", 9, last=9)
    assert status_in(HttpReply(503, {}, body)) is None
    assert status_in(HttpReply(200, {}, b"<html>")) is None


def test_the_links_count_the_nodes_messages_as_the_node_frames_them() -> None:
    counter = FrameCounter(ReferenceNode().framing)
    hello = Introduction(Hello("ackproof", "n1", "n2"), Secret()).begin()
    proof = encode_frame(bytes(32), CHECKSUM)
    assert counter.feed(hello + proof) == 0
    messages = [encode_frame(message, CHECKSUM) for message in (b"one", b"", b"three" * 1000)]
    assert counter.feed(b"".join(messages)) == 3


def test_the_secret_of_a_run_is_in_the_environment_alone() -> None:
    place = msgspec.structs.replace(PLACE, secret="a" * 64)
    (process,) = ReferenceNode().launch(place).processes
    given = dict(process.environment)
    assert given.pop("ACKPROOF_PEER_SECRET") == place.secret
    role, _, token = given.pop("ACKPROOF_TOKENS").partition(" ")
    assert (role, given) == ("admin", {})
    assert not any(secret in word for secret in (place.secret, token) for word in process.argv)
    request = ReferenceNode().membership_request("remove", "n2", place.secret)
    assert request.headers == (("Authorization", f"Bearer {token}"),)
    assert ReferenceNode().launch(PLACE).processes[0].environment == {}


def test_the_monotonic_clock_is_read_from_what_the_node_tells() -> None:
    message = RequestMetrics().render(STATUS, {"fsyncs_total": 3}, 1_795_645_267.123456)
    reply = HttpReply(message.status, {}, message.body)
    assert ReferenceNode().read_monotonic(reply) == 1_795_645_267.123456
    assert ReferenceNode().monotonic_request().path == METRICS
    assert ReferenceNode().read_monotonic(HttpReply(503, {}, message.body)) is None
    assert ReferenceNode().read_monotonic(HttpReply(200, {}, b"ackproof_term 3\n")) is None
