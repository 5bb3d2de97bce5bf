"""One HTTP/1.1 connection: bytes to `HttpMessage`, `NodeReply` to bytes. Knows no path and no parameter.

The parser is llhttp (httptools), called straight from the event loop's protocol: no task, no stream and no
future a request, which together cost more than all that the node itself does for a write.

Requests on one connection are served one at a time, in order (RFC 9112, section 9.3.2). What a client sends
meanwhile is parsed and waits; what it does not read stops the next request from being served.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, Protocol, cast

import httptools

from node_impl.core.api.replies import NodeReply, refuse

MAX_LINE_BYTES: Final = 256 * 1024
"""Nacos's clients put parameters, metadata included, into the request line."""
MAX_HEADERS_BYTES: Final = 64 * 1024
MAX_WAITING: Final = 16
"""Requests that a client sent ahead; with more, nothing is read from it until they are served."""

_STATUS_LINES = {int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n" for status in HTTPStatus}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Headers(Mapping[str, str]):
    """A request's headers; names ignore case. Of a name that is repeated the first counts."""

    __slots__ = ("_by_name",)

    def __init__(self) -> None:
        self._by_name: dict[str, str] = {}

    def add(self, name: bytes, value: bytes) -> None:
        """Add one header as it was sent."""
        self._by_name.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def __getitem__(self, name: str) -> str:
        return self._by_name[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


class HttpMessage:
    """One request. The body is None if it was longer than `max_body_bytes`; then it was not kept."""

    __slots__ = ("body", "headers", "keep_alive", "method", "path", "query", "version")

    def __init__(self) -> None:
        self.method = ""
        self.path = ""
        self.query = ""
        self.version = "1.1"
        self.headers = Headers()
        self.body: bytes | None = b""
        self.keep_alive = True


class Serve(Protocol):
    """A function that serves a request, and calls `respond` once, now or later."""

    def __call__(self, message: HttpMessage, respond: Callable[[NodeReply], None], /) -> None: ...


class Connections:
    """All connections of one listener, and what they share."""

    def __init__(self, serve: Serve, max_body_bytes: int, report: Callable[[str], None]) -> None:
        self.serve = serve
        self.max_body_bytes = max_body_bytes
        self.report = report
        """A function that takes one line for the node's log."""
        self.open: set[Connection] = set()
        self._date = (0, "")

    def __call__(self) -> Connection:
        """Make a connection, as `create_server` asks for it."""
        return Connection(self)

    def date(self) -> str:
        """The value of the `Date` header, made once a second."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True))
        return self._date[1]

    async def close(self, timeout_s: float) -> None:
        """Let what was written leave, then close; a client that does not read is cut off after
        `timeout_s`."""
        for connection in self.open:
            connection.transport.close()
        deadline = time.monotonic() + timeout_s
        while self.open and time.monotonic() < deadline:  # noqa: ASYNC110 - once in a life, for a moment
            await asyncio.sleep(0.01)
        for connection in tuple(self.open):
            connection.transport.abort()


class Connection(asyncio.Protocol):
    """The connection of one client."""

    transport: asyncio.Transport

    def __init__(self, shared: Connections) -> None:
        self._shared = shared
        self._parser = httptools.HttpRequestParser(self)
        self._message = HttpMessage()
        self._url = b""
        self._head_bytes = 0
        self._is_in_head = False
        self._unfinished_bytes = 0
        """The bytes of a head that has not ended yet, which the parser keeps."""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._waiting: deque[HttpMessage] = deque()
        self._serving: HttpMessage | None = None
        self._is_in_turn = False
        self._may_write = True
        self._is_reading = True
        self._is_over = False
        """Nothing more is read or served: the last reply was written, or what came is not HTTP."""

    # ---- asyncio's side --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._shared.open.add(self)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its replies go nowhere
        self._is_over = True
        self._shared.open.discard(self)

    def data_received(self, data: bytes) -> None:
        while data and not self._is_over:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]  # another protocol was offered: this one goes on
                continue
            except httptools.HttpParserError as error:
                self._refuse_bytes(_reason(error))
                return
            self._unfinished_bytes = self._unfinished_bytes + len(data) if self._is_in_head else 0
            if self._unfinished_bytes > MAX_LINE_BYTES + MAX_HEADERS_BYTES:  # a header that never ends
                self._refuse_bytes(f"headers of more than {MAX_HEADERS_BYTES} bytes")
            break
        if len(self._waiting) > MAX_WAITING and self._is_reading:
            self._is_reading = False
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self._may_write = False

    def resume_writing(self) -> None:
        self._may_write = True
        self._serve_next()

    # ---- the parser's side -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._message = HttpMessage()
        self._is_in_head = True
        self._url = b""
        self._head_bytes = self._body_bytes = 0
        self._body = []

    def on_url(self, url: bytes) -> None:
        self._url += url
        if len(self._url) > MAX_LINE_BYTES:
            raise ValueError(f"a request line of more than {MAX_LINE_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MAX_HEADERS_BYTES:
            raise ValueError(f"headers of more than {MAX_HEADERS_BYTES} bytes")
        self._message.headers.add(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        message, parser = self._message, self._parser
        message.method = parser.get_method().decode("latin-1")
        message.path, _, message.query = self._url.decode("latin-1").partition("?")
        message.version = parser.get_http_version()
        if self._serving is None and message.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes <= self._shared.max_body_bytes:
            self._body.append(body)

    def on_message_complete(self) -> None:
        message = self._message
        if self._body_bytes:
            is_kept = self._body_bytes <= self._shared.max_body_bytes
            message.body = b"".join(self._body) if is_kept else None
        message.keep_alive = self._parser.should_keep_alive()
        self._waiting.append(message)
        self._serve_next()

    # ---- requests and replies --------------------------------------------------------------------------

    def _serve_next(self) -> None:
        if self._is_in_turn:
            return  # called by a reply that was given at once: the loop below goes on by itself
        self._is_in_turn = True
        while self._waiting and self._serving is None and self._may_write and not self._is_over:
            self._serving = message = self._waiting.popleft()
            self._shared.serve(message, self._respond)
        self._is_in_turn = False
        if not self._is_reading and len(self._waiting) <= MAX_WAITING and not self._is_over:
            self._is_reading = True
            self.transport.resume_reading()

    def _respond(self, reply: NodeReply) -> None:
        message, self._serving = self._serving, None
        if message is None or self._is_over:
            return  # the client is gone
        self.transport.write(self._bytes_of(reply, message))
        if not message.keep_alive:
            self._end()
        elif self._waiting:
            self._serve_next()

    def _bytes_of(self, reply: NodeReply, message: HttpMessage) -> bytes:
        head = [
            _STATUS_LINES[reply.status],
            f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n",
            f"Date: {self._shared.date()}\r\n",
        ]
        for name, value in reply.headers.items():
            head.append(f"{name}: {value}\r\n")
        if not message.keep_alive:
            head.append("Connection: close\r\n")
        elif message.version == "1.0":
            head.append("Connection: keep-alive\r\n")
        head.append("\r\n")
        start = "".join(head).encode("ascii")
        return start if message.method == "HEAD" else start + reply.body

    def _refuse_bytes(self, reason: str) -> None:
        """The client sent something that is not HTTP, or too much: answer so, and close."""
        self._shared.report(f"disconnected a client whose request cannot be read: {reason}")
        if self._serving is None:
            last = HttpMessage()
            last.keep_alive = False
            self.transport.write(self._bytes_of(refuse(400, "bad-request", f"not HTTP: {reason}"), last))
        self._end()

    def _end(self) -> None:
        self._is_over = True
        self._waiting.clear()
        self.transport.close()


def _reason(error: httptools.HttpParserError) -> str:
    """The reason why the parser gave up, in one line.

    Raises:
        Exception: a callback failed, and not for what the client sent.
    """
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
    if cause is not None and not isinstance(cause, ValueError):
        raise cause
    return " ".join(str(cause or error).split())
