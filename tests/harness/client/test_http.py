"""The transport against bare sockets that count what really arrives."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply
from harness.client.http import HttpTransport
from harness.hosts.host import eventually

Method = Literal["GET", "POST", "PUT", "DELETE"]
METHODS: tuple[Method, ...] = ("GET", "POST", "PUT", "DELETE")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[int, int], bytes | None]
"""(connection, request on it), from 0, to the reply's bytes; None closes without one; b"" keeps silent."""


class Server:
    """Reads whole requests and does what its script says."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = ""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection, number = self.connections, 0
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line[15:])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                self.requests.append(head + await reader.readexactly(length))
                reply = self._script(connection, number)
                if reply is None:
                    break
                writer.write(reply)
                number += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[Server]:
    made = Server(script)
    server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
    made.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield made


def against(
    script: Script, body: Callable[[Server, HttpTransport], Awaitable[None]], timeout_s: float = 5
) -> None:
    async def run() -> None:
        async with serving(script) as server, HttpTransport(timeout_s) as transport:
            await body(server, transport)

    asyncio.run(run())


@pytest.mark.parametrize("method", METHODS)
def test_a_request_is_sent_once_also_if_its_reused_connection_is_closed_on_it(method: Method) -> None:
    """aiohttp by itself would send GET, PUT and DELETE a second time here."""

    async def body(server: Server, transport: HttpTransport) -> None:
        request = HttpRequest(method, "/x", body=b"" if method == "GET" else b"payload")
        assert await transport.send(server.address, request) == HttpReply(200, {"content-length": "2"}, b"ok")
        reply = await transport.send(server.address, request)
        assert server.connections == 1, "the connection was reused"
        assert reply == NoReply("connection closed before the reply", sent=True)
        await asyncio.sleep(0.05)
        assert len(server.requests) == 2, "one for each send"

    against(lambda _, number: OK if number == 0 else None, body)


@pytest.mark.parametrize("method", METHODS)
def test_a_request_is_sent_once_also_if_its_reused_connection_is_reset(method: Method) -> None:
    async def run() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        arrived: list[bytes] = []

        async def serve() -> None:
            while True:
                connection, _ = await loop.sock_accept(listening)
                arrived.append(await loop.sock_recv(connection, 4096))
                await loop.sock_sendall(connection, OK)
                arrived.append(await loop.sock_recv(connection, 4096))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()

        async with HttpTransport(5) as transport:
            server = asyncio.create_task(serve())
            address = f"127.0.0.1:{listening.getsockname()[1]}"
            assert isinstance(await transport.send(address, HttpRequest(method, "/x")), HttpReply)
            reply = await transport.send(address, HttpRequest(method, "/x"))
            assert isinstance(reply, NoReply)
            assert reply.sent
            await asyncio.sleep(0.05)
            assert len(arrived) == 2
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)
        listening.close()

    asyncio.run(run())


def test_nothing_was_sent_where_nobody_listens() -> None:
    async def run() -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{unused.getsockname()[1]}"
            async with HttpTransport(5) as transport:
                for method in METHODS:
                    reply = await transport.send(address, HttpRequest(method, "/x"))
                    assert reply == NoReply("connection refused", sent=False)

    asyncio.run(run())


def test_a_silent_node_is_a_timeout_of_which_nobody_knows_what_it_did() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(server.address, HttpRequest("PUT", "/x"))
        assert reply == NoReply("timed out after 0.1 s", sent=True)

    against(lambda *_: b"", body, timeout_s=0.1)


def test_a_reply_that_may_be_kept_back_is_waited_for_longer() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        begun = time.monotonic()
        reply = await transport.send(server.address, HttpRequest("GET", "/x"), longer_s=0.2)
        assert reply == NoReply("timed out after 0.3 s", sent=True)
        assert time.monotonic() - begun > 0.25

    against(lambda *_: b"", body, timeout_s=0.1)


def test_a_connection_that_is_never_taken_is_a_timeout_with_nothing_sent() -> None:
    async def run() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            fillers = []
            for _ in range(3):  # the kernel takes one or two, and leaves the rest unanswered
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(address)
                fillers.append(filler)
            async with HttpTransport(0.3) as transport:
                reply = await transport.send(f"127.0.0.1:{address[1]}", HttpRequest("PUT", "/x"))
            assert reply == NoReply("timed out after 0.3 s", sent=False)
            for filler in fillers:
                filler.close()

    asyncio.run(run())


def test_half_a_reply_is_none() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(server.address, HttpRequest("GET", "/x"))
        assert reply == NoReply("connection closed in the middle of the reply", sent=True)

    async def run() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK[:-1])
            writer.close()

        server = Server(lambda *_: None)
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        server.address = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        async with listening, HttpTransport(5) as transport:
            await body(server, transport)

    asyncio.run(run())


def test_rubbish_instead_of_http_is_no_reply() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(server.address, HttpRequest("GET", "/x"))
        assert isinstance(reply, NoReply)
        assert reply.sent
        assert "\n" not in reply.reason

    against(lambda *_: b"rubbish\r\n\r\n", body)


def test_query_headers_and_body_arrive_as_given() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        request = HttpRequest("POST", "/a/b", (("k", "a b&c=d"), ("k", "é%")), (("X-Op", "7"),), b"\x00body")
        await transport.send(server.address, request)
        (raw,) = server.requests
        head, _, sent_body = raw.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        assert first == b"POST /a/b?k=a+b%26c%3Dd&k=%C3%A9%25 HTTP/1.1"
        assert b"X-Op: 7" in lines
        assert sent_body == b"\x00body"
        names = {line.partition(b":")[0].lower() for line in lines}
        assert names <= {b"host", b"x-op", b"accept", b"content-length", b"content-type"}

    against(lambda *_: OK, body)


def test_a_redirect_and_a_cookie_are_only_handed_over() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        for _ in range(2):
            reply = await transport.send(server.address, HttpRequest("GET", "/x"))
            assert isinstance(reply, HttpReply)
            assert reply.status == 307
        assert len(server.requests) == 2
        assert not any(b"cookie" in request.lower() for request in server.requests)

    against(
        lambda *_: b"HTTP/1.1 307 No\r\nLocation: /y\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", body
    )


def test_an_encoded_body_is_handed_over_as_it_came() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        reply = await transport.send(server.address, HttpRequest("GET", "/x"))
        assert isinstance(reply, HttpReply)
        assert reply.body == b"raw"

    against(lambda *_: b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nraw", body)


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    async def body(server: Server, transport: HttpTransport) -> None:
        assert isinstance(await transport.send(server.address, HttpRequest("GET", "/x")), HttpReply)

    against(lambda *_: OK, body)


def test_many_requests_to_one_node_do_not_wait_for_each_other() -> None:
    async def body(server: Server, transport: HttpTransport) -> None:
        waiting = [
            asyncio.create_task(transport.send(server.address, HttpRequest("GET", "/x"))) for _ in range(300)
        ]
        assert await eventually(lambda: len(server.requests) == 300, 15)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    against(lambda *_: b"", body, timeout_s=20)
