"""HTTP/1.1 as bytes on one connection: what arrives in any pieces, what is answered, what ends it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.api.replies import NodeReply
from node_impl.io.http.connection import (
    MAX_HEADERS_BYTES,
    MAX_LINE_BYTES,
    Connection,
    Connections,
    HttpMessage,
)
from node_impl.io.http.limits import Limits

GET = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
Respond = Callable[[NodeReply], None]


class Wire:
    """A transport that keeps what is written; only what a connection uses of one."""

    def __init__(self, address: str = "10.0.0.9") -> None:
        self._address = address
        self.written = b""
        self.is_closed = False
        self.is_reading = True
        self.unread_bytes = 0

    def get_extra_info(self, name: str) -> Any:
        return (self._address, 1234) if name == "peername" else socket.socket()

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def abort(self) -> None:
        self.is_closed = True

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.written += data

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True


class Client:
    """One connection, whose requests are answered by `answer`, or kept in `asked` until somebody does."""

    def __init__(self, answer: bool = True, max_body_bytes: int = 100) -> None:
        self.asked: list[tuple[HttpMessage, Respond]] = []
        self.reports: list[str] = []
        self._answers = answer
        self.wire = Wire()
        self.connection = Connection(Connections(self._serve, max_body_bytes, self.reports.append))
        self.connection.connection_made(cast(asyncio.Transport, self.wire))

    def _serve(self, message: HttpMessage, respond: Respond, /) -> None:
        self.asked.append((message, respond))
        if self._answers:
            respond(echo(message))

    def send(self, *pieces: bytes) -> Client:
        for piece in pieces:
            self.connection.data_received(piece)
        return self

    @property
    def seen(self) -> list[tuple[str, str, str, bytes | None]]:
        return [(m.method, m.path, m.query, m.body) for m, _ in self.asked]

    @property
    def replies(self) -> list[tuple[int, dict[str, str], bytes]]:
        """Each reply's status, headers and body, by their lengths."""
        found, rest = [], self.wire.written
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            length = int(headers.get("Content-Length", 0))
            found.append((int(first.split()[1]), headers, rest[:length]))
            rest = rest[length:]
        return found


def echo(message: HttpMessage) -> NodeReply:
    return NodeReply(200, "text/plain", message.query.encode(), {"X-Raft-Index": "7"})


def test_a_request_is_read_and_its_reply_has_its_length_and_headers() -> None:
    client = Client().send(GET)
    assert client.seen == [("GET", "/a", "b=c", b"")]
    [(status, headers, body)] = client.replies
    assert (status, body, headers["X-Raft-Index"]) == (200, b"b=c", "7")
    assert headers["Date"].endswith("GMT")
    assert "Connection" not in headers
    assert not client.wire.is_closed


@given(st.data())
def test_how_the_bytes_are_cut_makes_no_difference(data: st.DataObject) -> None:
    post = b"POST /p HTTP/1.1\r\nX-Operation-Id: 9\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"PUT /q HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    whole = GET + post + chunked
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1))))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    client = Client().send(*pieces)
    assert client.seen == [
        ("GET", "/a", "b=c", b""),
        ("POST", "/p", "", b"hello"),
        ("PUT", "/q", "", b"abcde"),
    ]
    assert client.asked[1][0].headers.get("x-operation-ID") == "9"


def test_requests_sent_ahead_are_served_one_at_a_time_and_in_order() -> None:
    client = Client(answer=False).send(GET.replace(b"b=c", b"1") + GET.replace(b"b=c", b"2"))
    assert [query for _, _, query, _ in client.seen] == ["1"]
    message, respond = client.asked[0]
    respond(echo(message))
    assert [query for _, _, query, _ in client.seen] == ["1", "2"]
    client.asked[1][1](echo(client.asked[1][0]))
    assert [body for _, _, body in client.replies] == [b"1", b"2"]


def test_thousands_sent_ahead_wait_unread_and_are_answered_without_a_deep_stack() -> None:
    client = Client(answer=False).send(GET * 5_000)
    assert len(client.asked) == 1
    assert not client.wire.is_reading
    client._answers = True
    client.asked[0][1](echo(client.asked[0][0]))
    assert len(client.replies) == 5_000
    assert client.wire.is_reading
    assert Limits().waiting_requests < 5_000


def test_a_client_that_does_not_read_its_replies_is_not_served_further() -> None:
    client = Client()
    client.connection.pause_writing()
    client.send(GET)
    assert client.asked == []
    client.connection.resume_writing()
    assert len(client.replies) == 1


@pytest.mark.parametrize(
    ("request_", "connection"),
    [
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "close"),
        (b"GET / HTTP/1.0\r\n\r\n", "close"),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"),
    ],
)
def test_a_connection_ends_when_the_client_says_so(request_: bytes, connection: str) -> None:
    client = Client().send(request_)
    assert client.replies[0][1]["Connection"] == connection
    assert client.wire.is_closed == (connection == "close")


def test_a_reply_to_head_has_no_body() -> None:
    client = Client().send(b"HEAD /?b=c HTTP/1.1\r\n\r\n")
    assert b"Content-Length: 3" in client.wire.written
    assert client.wire.written.endswith(b"\r\n\r\n")


def test_a_client_that_asks_before_it_sends_a_body_gets_100_continue() -> None:
    client = Client().send(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert client.wire.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"ok")
    assert client.seen == [("POST", "/", "", b"ok")]


def test_an_offer_of_another_protocol_is_passed_over() -> None:
    """Java's HTTP client offers h2c with its first request."""
    offer = b"GET /?b=c HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    client = Client().send(offer + GET).send(GET)
    assert [status for status, _, _ in client.replies] == [200, 200, 200]


def test_a_body_that_is_too_long_is_not_kept_and_the_connection_goes_on() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 101\r\n\r\n"
    client = Client().send(head + b"x" * 50, b"x" * 51, GET)
    assert client.seen == [("GET", "/a", "b=c", b"")], "the first is answered without asking the node"
    (refused, _, body), (status, _, _) = client.replies
    assert (refused, status) == (413, 200)
    assert b"more than 100 bytes" in body


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"\x16\x03\x01\x02\x00", "Invalid method"),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", "Invalid"),
        (b"GET / HTTP/9.9\r\n\r\n", "version"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Content-Length"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunk size"),
        (b"GET /" + b"a" * MAX_LINE_BYTES, "a request line of more than"),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * MAX_HEADERS_BYTES + b"\r\nB: c\r\n", "headers of more than"),
    ],
)
def test_what_is_not_http_is_refused_in_one_line_and_disconnected(sent: bytes, reason: str) -> None:
    client = Client().send(sent, GET)
    [(status, headers, body)] = client.replies
    assert (status, headers["Connection"]) == (400, "close")
    assert reason in body.decode()
    assert client.wire.is_closed
    assert client.asked == []
    [report] = client.reports
    assert reason in report
    assert "\n" not in report


def test_a_header_that_never_ends_is_refused() -> None:
    client = Client().send(b"GET / HTTP/1.1\r\nA: ", *[b"a" * 60_000] * 6)
    assert [status for status, _, _ in client.replies] == [400]
    assert client.wire.is_closed


@given(st.binary(max_size=300))
def test_no_bytes_at_all_raise(garbage: bytes) -> None:
    Client().send(GET, garbage, GET)


def test_a_reply_to_a_client_that_is_gone_goes_nowhere() -> None:
    client = Client(answer=False).send(GET)
    client.connection.connection_lost(None)
    client.asked[0][1](echo(client.asked[0][0]))
    assert client.wire.written == b""


def test_a_defect_in_serving_is_not_taken_for_a_bad_request() -> None:
    def serve(message: HttpMessage, respond: Any, /) -> None:
        raise ZeroDivisionError("a defect")

    connection = Connection(Connections(serve, 100, lambda _: None))
    connection.connection_made(cast(asyncio.Transport, Wire()))
    with pytest.raises(ZeroDivisionError):
        connection.data_received(GET)
