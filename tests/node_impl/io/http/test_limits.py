"""What clients may take of a node: memory, connections, time. Beyond that they are refused, and others
served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import cast

import pytest

from node_impl.core.api.replies import NodeReply
from node_impl.io.http.connection import Connection, Connections, HttpMessage
from node_impl.io.http.limits import Limits
from tests.node_impl.io.http.test_connection import GET, Wire

LIMITS = Limits(
    connections=4,
    connections_of_an_address=3,
    request_bytes=20_000,
    unread_bytes=1000,
    request_s=20,
    idle_s=300,
    unread_s=20,
)
HEAD = b"POST /p HTTP/1.1\r\nContent-Length: %d\r\n\r\n"


class Clients:
    """Several clients of one listener, whose requests are answered by `answer`, or never."""

    def __init__(self) -> None:
        self.answers = True
        self.asked: list[tuple[HttpMessage, Callable[[NodeReply], None]]] = []
        self.lines: list[str] = []
        self.shared = Connections(self._serve, 100_000, self.lines.append, LIMITS)

    def _serve(self, message: HttpMessage, respond: Callable[[NodeReply], None], /) -> None:
        self.asked.append((message, respond))
        if self.answers:
            respond(NodeReply(200, "text/plain", b"ok"))

    def connect(self, address: str = "10.0.0.1") -> tuple[Connection, Wire]:
        connection, wire = self.shared(), Wire(address)
        connection.connection_made(cast(asyncio.Transport, wire))
        return connection, wire

    def pass_s(self, seconds: int) -> None:
        self.shared.second += seconds
        for connection in tuple(self.shared.open):
            connection.look(self.shared.second)


def refusal(wire: Wire) -> tuple[int, str, bool]:
    """Status, code, and whether anything was proposed, of the last reply."""
    head, _, body = wire.written.rpartition(b"\r\n\r\n")
    refused = json.loads(body)
    return int(head.rpartition(b"HTTP/1.1 ")[2][:3]), refused["error"], refused["proposed"]


def test_a_large_request_is_refused_while_others_take_the_room_and_a_small_one_is_served() -> None:
    clients = Clients()
    holders = [clients.connect(address) for address in ("10.0.0.1", "10.0.0.2")]
    for connection, _ in holders:
        connection.data_received(HEAD % 90_000 + b"x" * 15_000)
    late, wire = clients.connect("10.0.0.3")
    late.data_received(HEAD % 9_000 + b"x" * 9_000)
    assert refusal(wire) == (503, "overloaded", False)
    assert not wire.is_closed
    late.data_received(GET + HEAD % 3_000 + b"x" * 3_000)
    assert [len(message.body) for message, _ in clients.asked] == [0, 3_000]
    for connection, _ in holders:
        connection.connection_lost(None)
    late.data_received(HEAD % 9_000 + b"x" * 9_000)
    assert len(clients.asked[-1][0].body) == 9_000
    assert clients.shared.used.request_bytes == 0
    assert clients.shared.used.refused_requests == 1


def test_a_head_that_grows_while_others_take_the_room_is_refused() -> None:
    clients = Clients()
    clients.connect()[0].data_received(HEAD % 90_000 + b"x" * 30_000)
    connection, wire = clients.connect()
    connection.data_received(b"GET /" + b"a" * 5_000)
    assert refusal(wire) == (503, "overloaded", False)
    assert wire.is_closed


def test_nothing_more_is_read_from_a_client_whose_requests_wait() -> None:
    clients = Clients()
    clients.answers = False
    connection, wire = clients.connect()
    connection.data_received(HEAD % 70_000 + b"x" * 70_000)
    assert not wire.is_reading
    clients.asked[0][1](NodeReply(200, "text/plain", b"ok"))
    assert wire.is_reading
    assert clients.shared.used.request_bytes == 0


def test_a_request_that_does_not_arrive_in_time_is_refused_and_its_connection_closed() -> None:
    clients = Clients()
    connection, wire = clients.connect()
    connection.data_received(b"GET / HTTP/1.1\r\nHo")
    clients.pass_s(20)
    connection.data_received(b"s")
    assert not wire.is_closed
    clients.pass_s(1)
    assert refusal(wire) == (408, "slow-request", False)
    assert wire.is_closed
    assert clients.shared.used.slow_clients == 1


def test_a_client_that_waits_for_the_node_is_never_slow() -> None:
    clients = Clients()
    clients.answers = False
    connection, wire = clients.connect()
    connection.data_received(GET + b"GET / HTTP/1.1\r\nHo")
    clients.pass_s(60)
    assert not wire.is_closed
    clients.asked[0][1](NodeReply(200, "text/plain", b"ok"))
    clients.pass_s(20)
    assert not wire.is_closed
    clients.pass_s(1)
    assert wire.is_closed


def test_a_connection_without_a_request_is_closed_sooner_if_it_never_had_one() -> None:
    clients = Clients()
    (_, silent), (used, idle) = clients.connect(), clients.connect()
    used.data_received(GET)
    clients.pass_s(21)
    assert (silent.is_closed, idle.is_closed) == (True, False)
    clients.pass_s(279)
    assert not idle.is_closed
    clients.pass_s(1)
    assert idle.is_closed


def test_a_client_that_does_not_read_its_reply_is_cut_off() -> None:
    clients = Clients()
    connection, wire = clients.connect()
    connection.data_received(GET)
    connection.pause_writing()
    clients.pass_s(20)
    assert not wire.is_closed
    clients.pass_s(1)
    assert wire.is_closed
    assert clients.shared.open == {}
    assert "a reply was not read within 20 s" in clients.lines[0]


def test_who_has_not_read_for_longest_is_cut_off_when_replies_take_too_much() -> None:
    clients = Clients()
    wires = []
    for _ in range(3):
        connection, wire = clients.connect()
        wire.unread_bytes = 600
        connection.pause_writing()
        wires.append(wire)
    assert [wire.is_closed for wire in wires] == [True, True, False]


def test_one_address_has_its_share_of_the_connections() -> None:
    clients = Clients()
    for _ in range(3):
        clients.connect()
    _, wire = clients.connect()
    assert refusal(wire) == (429, "too-many-connections", False)
    assert wire.is_closed
    assert clients.shared.used.refused_connections == 1


@pytest.mark.parametrize("is_idle", [True, False])
def test_an_idle_connection_makes_room_for_another_and_without_one_it_is_refused(is_idle: bool) -> None:
    clients = Clients()
    wires = []
    for number in range(4):
        connection, wire = clients.connect(f"10.0.0.{number}")
        connection.data_received(GET if is_idle and number == 2 else GET[:20])
        wires.append(wire)
    late, its_wire = clients.connect("10.0.0.9")
    assert [wire.is_closed for wire in wires] == [False, False, is_idle, False]
    if is_idle:
        late.data_received(GET)
        assert its_wire.written.startswith(b"HTTP/1.1 200 ")
    else:
        assert refusal(its_wire) == (503, "overloaded", False)
        assert its_wire.is_closed
