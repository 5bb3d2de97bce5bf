"""One HTTP/1.1 connection: bytes to `HttpMessage`, `NodeReply` to bytes. Knows no path and no parameter.

The parser is llhttp (httptools), called straight from the event loop's protocol: no task, no stream and no
future a request, which together cost more than all that the node itself does for a write.

Requests on one connection are served one at a time, in order (RFC 9112, section 9.3.2). What a client sends
meanwhile is parsed and waits; what it does not read stops the next request from being served. `limits.py`
bounds what all clients take together, and how long each may take for it.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, Protocol, cast

import httptools

from node_impl.core.api.replies import NodeReply, refuse
from node_impl.io.http.limits import DEFAULT_LIMITS, SMALL_BYTES, Limits, Used

MAX_LINE_BYTES: Final = 256 * 1024
"""Nacos's clients put parameters, metadata included, into the request line."""
MAX_HEADERS_BYTES: Final = 64 * 1024

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
    """One request. Where it has a `refusal`, its body was not kept, and that is its reply."""

    __slots__ = ("body", "bytes", "headers", "keep_alive", "method", "path", "query", "refusal", "version")

    def __init__(self) -> None:
        self.method = ""
        self.path = ""
        self.query = ""
        self.version = "1.1"
        self.headers = Headers()
        self.body = b""
        self.bytes = 0
        """How much of the node's room it takes until it has a reply."""
        self.refusal: NodeReply | None = None
        self.keep_alive = True


class Serve(Protocol):
    """A function that serves a request, and calls `respond` once, now or later."""

    def __call__(self, message: HttpMessage, respond: Callable[[NodeReply], None], /) -> None: ...


class Connections:
    """All connections of one listener, and what they share."""

    def __init__(
        self,
        serve: Serve,
        max_body_bytes: int,
        report: Callable[[str], None],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.serve = serve
        self.max_body_bytes = max_body_bytes
        self.report = report
        """A function that takes one line for the node's log."""
        self.limits = limits
        self.used = Used()
        self.second = 0
        """Seconds since this began to look after slow clients."""
        self.open: dict[Connection, None] = {}
        """All open connections, the oldest first."""
        self.unread: dict[Connection, None] = {}
        """Those whose client does not read its reply, the longest first."""
        self._date = (0, "")
        self._next_look: asyncio.TimerHandle | None = None

    def __call__(self) -> Connection:
        """Make a connection, as `create_server` asks for it."""
        return Connection(self)

    def look_after(self) -> None:
        """Close connections of clients that are too slow, once a second until `close`."""
        for connection in tuple(self.open):
            connection.look(self.second)
        self.second += 1
        self._next_look = asyncio.get_running_loop().call_later(1.0, self.look_after)

    def reason_against(self, address: str) -> NodeReply | None:
        """The refusal of one more connection; None if there is room, or now is since an idle one was
        closed."""
        limits = self.limits
        if self.used.of_address.get(address, 0) >= limits.connections_of_an_address:
            most = f"{limits.connections_of_an_address} connections from {address} are open"
            return refuse(429, "too-many-connections", f"{most}; close some, or use them for more requests")
        if len(self.open) >= limits.connections and not self._close_idle():
            return refuse(503, "overloaded", f"{limits.connections} connections are open; try again later")
        return None

    def _close_idle(self) -> bool:
        """Close the first idle one among the oldest connections, if there is one."""
        for connection in itertools.islice(self.open, 256):
            if connection.is_idle:
                connection.transport.abort()
                connection.forget()
                return True
        return False

    def bound_unread(self) -> None:
        """Cut off those that have not read their replies for longest, while all unread ones take too much."""
        sizes = {one: one.transport.get_write_buffer_size() for one in self.unread}
        total = sum(sizes.values())
        for connection in tuple(self.unread)[:-1]:  # the last one has only just been given its reply
            if total <= self.limits.unread_bytes:
                break
            total -= sizes[connection]
            connection.cut_off("its replies were not read, and others need the room")

    def date(self) -> str:
        """The value of the `Date` header, made once a second."""
        now = int(time.time())
        if self._date[0] != now:
            self._date = (now, formatdate(now, usegmt=True))
        return self._date[1]

    async def close(self, timeout_s: float) -> None:
        """Let what was written leave, then close; a client that does not read is cut off after
        `timeout_s`."""
        if self._next_look is not None:
            self._next_look.cancel()
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
        self._address = ""
        self._parser = httptools.HttpRequestParser(self)
        self._message = HttpMessage()
        self._url = b""
        self._head_bytes = 0
        self._has_begun = self._is_in_head = False
        """Whether a request has begun to arrive and has not ended, and its head."""
        self._unfinished_bytes = 0
        """The bytes of a head that has not ended yet, which the parser keeps."""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._waiting: deque[HttpMessage] = deque()
        self._serving: HttpMessage | None = None
        self._queued_bytes = 0
        """The bytes of the requests that have arrived and have no reply."""
        self._used_bytes = 0
        """How much of this connection is counted in what all clients use."""
        self._since = shared.second
        """When what the client is waited for began: a request, or that it reads its reply."""
        self._has_served = False
        self._is_in_turn = False
        self._may_write = True
        self._is_reading = True
        self._is_over = False
        """Nothing more is read or served: the last reply was written, or what came is not HTTP."""

    # ---- asyncio's side --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        shared = self._shared
        address = str((transport.get_extra_info("peername") or ("",))[0])
        refusal = shared.reason_against(address)
        self._address = address
        shared.used.opened(address)
        shared.open[self] = None
        if refusal is not None:
            shared.used.refused_connections += 1
            self._answer_and_end(refusal)
            return
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its replies go nowhere
        self.forget()

    def forget(self) -> None:
        """Let go of all that this connection holds: it is over."""
        self._is_over = True
        self._waiting.clear()
        self._body = []
        self._shared.used.request_bytes -= self._used_bytes
        self._used_bytes = 0
        self._shared.unread.pop(self, None)
        if self in self._shared.open:
            del self._shared.open[self]
            self._shared.used.closed(self._address)

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
        if self._has_begun or self._queued_bytes or self._used_bytes:  # else all was served at once
            self._bound_bytes()

    def _bound_bytes(self) -> None:
        """Count what this client uses of the node's room, and stop reading from it if that is enough."""
        self._count_bytes()
        if self._is_over:
            return
        if self._is_in_head and self._unfinished_bytes > SMALL_BYTES and self._is_room_used_up:
            self._answer_and_end(self._no_room())
        elif self._has_enough and self._is_reading:
            self._is_reading = False
            self.transport.pause_reading()

    def pause_writing(self) -> None:
        self._may_write = False
        self._since = self._shared.second
        self._shared.unread[self] = None
        self._shared.bound_unread()

    def resume_writing(self) -> None:
        self._may_write = True
        self._since = self._shared.second
        self._shared.unread.pop(self, None)
        self._serve_next()

    # ---- what a client may take ------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way, nor a reply."""
        return not (self._has_begun or self._waiting or self._serving) and self._may_write

    def look(self, second: int) -> None:
        """Close the connection if its client has taken too long."""
        limits, since_s = self._shared.limits, second - self._since
        if self._is_over or not self._may_write:
            if since_s > limits.unread_s:
                self.cut_off(f"a reply was not read within {limits.unread_s} s")
        elif self._serving is not None or self._waiting:
            pass  # the node's turn
        elif self._has_begun:
            if since_s > limits.request_s:
                self._shared.used.slow_clients += 1
                self._shared.report(f"disconnected {self._address}: its request was too slow")
                reason = f"the request was not complete within {limits.request_s} s"
                self._answer_and_end(refuse(408, "slow-request", reason))
        elif since_s > (limits.idle_s if self._has_served else limits.request_s):
            self._is_over = True
            self.transport.close()

    def cut_off(self, reason: str) -> None:
        """End the connection without a word to the client, which does not read."""
        self._shared.used.slow_clients += 1
        self._shared.report(f"disconnected {self._address}: {reason}")
        self.transport.abort()
        self.forget()

    @property
    def _has_enough(self) -> bool:
        """Whether what waits for replies is above the limit, so that nothing is read until it is sent."""
        limits = self._shared.limits
        return len(self._waiting) > limits.waiting_requests or self._queued_bytes > limits.waiting_bytes

    @property
    def _is_room_used_up(self) -> bool:
        return self._shared.used.request_bytes > self._shared.limits.request_bytes

    def _count_bytes(self) -> None:
        """Bring what all clients use up to date with what this one does."""
        now = 0
        if not self._is_over:
            current = self._unfinished_bytes if self._is_in_head else self._message.bytes
            now = self._queued_bytes + (current if self._has_begun else 0)
        self._shared.used.request_bytes += now - self._used_bytes
        self._used_bytes = now

    def _no_room(self) -> NodeReply:
        self._shared.used.refused_requests += 1
        most = self._shared.limits.request_bytes
        return refuse(503, "overloaded", f"requests of {most} bytes wait at this node; ask again in a moment")

    # ---- the parser's side -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._message = HttpMessage()
        self._has_begun = self._is_in_head = True
        self._since = self._shared.second
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
        message.bytes = len(self._url) + self._head_bytes
        if self._serving is None and message.headers.get("expect", "").lower() == "100-continue":
            self.transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        message = self._message
        self._body_bytes += len(body)
        if message.refusal is None:
            if self._body_bytes > self._shared.max_body_bytes:
                reason = f"the body has more than {self._shared.max_body_bytes} bytes"
                self._refuse_body(refuse(413, "too-large", reason))
            elif message.bytes + len(body) > SMALL_BYTES and self._is_room_used_up:
                self._refuse_body(self._no_room())
            else:
                self._body.append(body)
                message.bytes += len(body)
                self._count_bytes()

    def _refuse_body(self, refusal: NodeReply) -> None:
        """Keep nothing of a body; the request is answered so once it has ended."""
        self._message.refusal = refusal
        self._message.bytes = 0
        self._body = []

    def on_message_complete(self) -> None:
        message = self._message
        if self._body:
            message.body = b"".join(self._body)
            self._body = []
        message.keep_alive = self._parser.should_keep_alive()
        self._has_begun = False
        self._queued_bytes += message.bytes
        self._waiting.append(message)
        self._serve_next()

    # ---- requests and replies --------------------------------------------------------------------------

    def _serve_next(self) -> None:
        if self._is_in_turn:
            return  # called by a reply that was given at once: the loop below goes on by itself
        self._is_in_turn = True
        while self._waiting and self._serving is None and self._may_write and not self._is_over:
            self._serving = message = self._waiting.popleft()
            if message.refusal is None:
                self._shared.serve(message, self._respond)
            else:
                self._respond(message.refusal)
        self._is_in_turn = False
        if not self._is_reading and not self._has_enough and not self._is_over:
            self._is_reading = True
            self.transport.resume_reading()

    def _respond(self, reply: NodeReply) -> None:
        message, self._serving = self._serving, None
        if message is None or self._is_over:
            return  # the client is gone
        self._queued_bytes -= message.bytes
        if self._used_bytes:
            self._count_bytes()
        self._since = self._shared.second
        self._has_served = True
        self.transport.write(self._bytes_of(reply, message))
        if not message.keep_alive:
            self._end()
        elif self._waiting or not self._is_reading:
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
            self._answer_and_end(refuse(400, "bad-request", f"not HTTP: {reason}"))
        self._end()

    def _answer_and_end(self, refusal: NodeReply) -> None:
        """The last that the client is sent."""
        last = HttpMessage()
        last.keep_alive = False
        self.transport.write(self._bytes_of(refusal, last))
        self._end()

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._since = self._shared.second
            self._waiting.clear()
            self._body = []
            self._count_bytes()
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
