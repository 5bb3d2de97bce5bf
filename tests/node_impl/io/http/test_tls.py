"""TLS under HTTP connections: nothing is lost however the bytes are cut, and handshakes are bounded."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Any, cast

import pytest

from node_impl.io.http.tls import PIECE_BYTES, Encrypted, Tls
from tests.node_impl.certificates import make_certificate, needs_openssl

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*make_certificate(tmp_path_factory.mktemp("certificate")))
    return made


class Socket:
    """What an encrypted connection uses of the socket's transport."""

    def __init__(self) -> None:
        self.sent = b""
        self.is_closed = self.is_aborted = False
        self.is_reading = True

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.sent += data

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True


class Echo(asyncio.Protocol):
    """Keeps what a client sends, and answers with what it is to answer."""

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.received = b""
        self.answer = b""
        self.pauses_at = 1 << 30

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.greeting:
            self.transport.write(self.greeting)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if len(self.received) >= self.pauses_at:
            self.pauses_at = 1 << 30
            self.transport.pause_reading()
        if self.answer:
            self.transport.write(self.answer)
            self.answer = b""


class Client:
    """A client of one connection, without sockets."""

    def __init__(self, shared: Tls, above: Echo) -> None:
        self.socket = Socket()
        self.node = Encrypted(shared, above)
        self.node.connection_made(cast(asyncio.Transport, self.socket))
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trusting.wrap_bio(self._in, self._out)
        self.received = b""

    def exchange(self, piece_bytes: int = 1 << 20) -> None:
        """Carry bytes both ways until nothing is under way."""
        while True:
            sent, self.socket.sent = self.socket.sent, b""
            self._in.write(sent)
            self._read()
            data = self._out.read()
            if not sent and not data:
                return
            for begin in range(0, len(data), piece_bytes):
                self.node.data_received(data[begin : begin + piece_bytes])

    def _read(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            if self.tls.version() is None:
                self.tls.do_handshake()
            while data := self.tls.read(100_000):
                self.received += data


def shared(context: ssl.SSLContext, max_handshakes: int = 9) -> tuple[Tls, list[str]]:
    lines: list[str] = []
    return Tls(context, lines.append, max_handshakes), lines


@pytest.mark.parametrize("piece_bytes", [1, 7, PIECE_BYTES, 1 << 20])
def test_what_either_side_sends_arrives_whole_however_the_bytes_are_cut(
    context: ssl.SSLContext, piece_bytes: int
) -> None:
    above = Echo()
    above.answer = bytes(range(256)) * 1000
    client = Client(shared(context)[0], above)
    client.exchange(piece_bytes)
    request = b"request" * (10_000 if piece_bytes > 100 else 100)
    client.tls.write(request)
    client.exchange(piece_bytes)
    assert above.received == request
    assert client.received == bytes(range(256)) * 1000


def test_what_was_to_be_sent_before_the_handshake_is_sent_after_it_and_then_it_closes(
    context: ssl.SSLContext,
) -> None:
    client = Client(shared(context)[0], Echo(b"too many connections"))
    assert not client.socket.is_closed
    client.exchange()
    assert client.received == b"too many connections"
    assert client.socket.is_closed


def test_of_those_that_shake_hands_the_oldest_makes_room(context: ssl.SSLContext) -> None:
    tls, _ = shared(context, 2)
    done = Client(tls, Echo())
    done.exchange()
    half = [Client(tls, Echo()) for _ in range(3)]
    for one in half:
        one.node.data_received(b"\x16")
    assert [one.socket.is_aborted for one in (done, *half)] == [False, True, False, False]
    assert tls.counters() == {"refused_tls_handshakes_total": 1}
    one_more = Client(tls, Echo())
    one_more.exchange()
    assert one_more.tls.version() is not None
    assert [one.socket.is_aborted for one in half] == [True, True, False]


def test_a_connection_that_is_lost_amid_its_handshake_takes_no_room(context: ssl.SSLContext) -> None:
    tls, _ = shared(context, 1)
    lost = Client(tls, Echo())
    lost.node.data_received(b"\x16")
    lost.node.connection_lost(None)
    Client(tls, Echo()).node.data_received(b"\x16")
    assert tls.refused_handshakes == 0


def test_what_is_not_tls_is_counted_reported_and_disconnected(context: ssl.SSLContext) -> None:
    tls, lines = shared(context)
    client = Client(tls, Echo())
    client.node.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.socket.is_closed
    assert tls.refused_handshakes == 1
    assert lines == ["disconnected a client that does not speak TLS as this node does: HTTP_REQUEST"]
    client.node.data_received(b"more")


def test_nothing_is_handed_on_while_reading_pauses_and_all_of_it_later(context: ssl.SSLContext) -> None:
    async def main() -> None:
        above = Echo()
        above.pauses_at = 20_000
        client = Client(shared(context)[0], above)
        client.exchange()
        sent = bytes(range(256)) * 400
        client.tls.write(sent)
        client.exchange()
        held = len(above.received)
        assert 20_000 <= held <= 20_000 + PIECE_BYTES
        assert not client.socket.is_reading
        above.transport.resume_reading()
        assert len(above.received) == held, "never within the call"
        await asyncio.sleep(0)
        assert above.received == sent
        assert client.socket.is_reading

    asyncio.run(main())


def test_a_clients_word_that_nothing_follows_closes_the_connection(context: ssl.SSLContext) -> None:
    client = Client(shared(context)[0], Echo())
    client.exchange()
    with contextlib.suppress(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.exchange()
    assert client.socket.is_closed


def test_a_frame_that_was_changed_on_the_way_is_not_handed_on(context: ssl.SSLContext) -> None:
    above = Echo()
    client = Client(shared(context)[0], above)
    client.exchange()
    client.tls.write(b"register")
    data: Any = bytearray(client._out.read())
    data[-1] ^= 1
    client.node.data_received(bytes(data))
    assert above.received == b""
    assert client.socket.is_closed
