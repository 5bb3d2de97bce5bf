"""Connections between nodes on asyncio. Each node dials each peer, and only the dialler sends.

So an ordered pair of nodes has its own connection, and a link cut one way is cut one way. Delivery
is never promised: a peer that cannot keep up costs a bounded queue, of which the oldest is dropped.

A link that swallows everything must not hold a connection for long, or it would stay dead after
it healed, for as long as TCP's own back-off has grown: what is not acknowledged within a second
aborts the connection (TCP_USER_TIMEOUT, RFC 5482), and it is dialled again every 200 ms at least.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from node_impl.io.transport.frames import (
    MAX_PAYLOAD_BYTES,
    FrameDecoder,
    Hello,
    WireError,
    encode_frame,
    encode_hello,
)

MAX_QUEUED_MESSAGES = 4096
MAX_QUEUED_BYTES = 2 * MAX_PAYLOAD_BYTES
MAX_UNSENT_BYTES = 1024 * 1024
UNACKNOWLEDGED_TIMEOUT_MS = 1000
CONNECT_TIMEOUT_S = 0.5
HELLO_TIMEOUT_S = 5.0
STEADY_AFTER_S = 1.0
FIRST_BACK_OFF_S = 0.01
LONGEST_BACK_OFF_S = 0.2

Report = Callable[[str], None]
"""A function that takes one line for the node's log."""


class Address(NamedTuple):
    """The address at which a peer is dialled."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class PeerSenders:
    """The outgoing half: `send` queues, `flush` writes all that is queued, one write for each peer."""

    def __init__(self, cluster: str, me: str, peers: Mapping[str, Address], report: Report) -> None:
        self._senders = {
            peer: _PeerSender(Hello(cluster, me, peer), address, report) for peer, address in peers.items()
        }
        self._to_flush: set[_PeerSender] = set()
        """The peers to which something was sent since the last flush."""

    async def run(self) -> None:
        """Keep every peer connected until cancelled; also without any peer it does not end by itself."""
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="until cancelled")
            for peer, sender in self._senders.items():
                group.create_task(sender.run(), name=f"dial {peer}")

    def send(self, peer: str, payload: bytes) -> None:
        """Queue one message.

        Raises:
            KeyError: the peer is not known.
            ValueError: the message is larger than any peer would take.
        """
        sender = self._senders[peer]
        sender.queue(payload)
        self._to_flush.add(sender)

    def flush(self) -> None:
        """Write what is queued wherever the connection takes it; elsewhere it leaves once one does."""
        for sender in self._to_flush:
            sender.flush()
        self._to_flush.clear()


class _PeerSender:
    """One peer's queue and the connection it goes out on, if there is one now."""

    def __init__(self, hello: Hello, address: Address, report: Report) -> None:
        self._hello = hello
        self._address = address
        self._report = report
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._connection: _Outgoing | None = None

    def queue(self, payload: bytes) -> None:
        frame = encode_frame(payload)
        self._queue.append(frame)
        self._queued_bytes += len(frame)
        while len(self._queue) > MAX_QUEUED_MESSAGES or self._queued_bytes > MAX_QUEUED_BYTES:
            self._queued_bytes -= len(self._queue.popleft())

    def flush(self) -> None:
        connection = self._connection
        if self._queue and connection is not None and connection.is_writable:
            data = b"".join(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            connection.transport.write(data)

    async def run(self) -> None:
        back_off_s = FIRST_BACK_OFF_S
        is_reported_down = False
        while True:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    connection = await self._dial()
                if not (await asyncio.wait({connection.lost}, timeout=STEADY_AFTER_S))[0]:
                    back_off_s = FIRST_BACK_OFF_S
                    if is_reported_down:
                        self._report(f"link to {self._hello.to} at {self._address} is up")
                        is_reported_down = False
                reason = await connection.lost
            except OSError as error:  # TimeoutError is one
                reason = str(error) or f"no answer within {CONNECT_TIMEOUT_S} s"
            finally:
                if self._connection is not None:
                    self._connection.transport.abort()
                    self._connection = None
            if not is_reported_down:
                self._report(f"link to {self._hello.to} at {self._address} is down, dialling again: {reason}")
                is_reported_down = True
            await asyncio.sleep(back_off_s)
            back_off_s = min(2 * back_off_s, LONGEST_BACK_OFF_S)

    async def _dial(self) -> _Outgoing:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Outgoing(self.flush), *self._address)
        connection.transport.write(encode_hello(self._hello))
        self._connection = connection
        self.flush()
        return connection


class _Outgoing(asyncio.Protocol):
    """One connection that this node dialled."""

    transport: asyncio.Transport

    def __init__(self, on_writable: Callable[[], None]) -> None:
        self.is_writable = False
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """The reason why the connection ended, once it has."""
        self._on_writable = on_writable

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_TIMEOUT_MS)
        self.is_writable = True

    def data_received(self, data: bytes) -> None:
        self._end(f"it sent {data[:16]!r}, although only the node that opened the connection may send")
        self.transport.abort()

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        self._on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "closed by the peer")

    def _end(self, reason: str) -> None:
        self.is_writable = False
        if not self.lost.done():
            self.lost.set_result(reason)


Receive = Callable[[str, bytes], None]
"""A function that takes (sender, payload); it may raise `WireError` if the payload is no message."""


class PeerListener:
    """The incoming half: checks who dials, and hands over each message. A bad peer is disconnected.

    lost: is called with the name of a peer whose last connection was closed.
    """

    def __init__(
        self,
        cluster: str,
        me: str,
        peers: frozenset[str],
        receive: Receive,
        report: Report,
        lost: Callable[[str], None],
    ) -> None:
        self._cluster = cluster
        self._me = me
        self._peers = peers
        self.receive = receive
        self.report = report
        self._lost = lost
        self._connections: set[_Incoming] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, listening: socket.socket) -> None:
        """Take connections on a socket that is bound already."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Incoming(self, self._connections), sock=listening)

    def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()

    def closed(self, sender: str) -> None:
        """A connection of that peer is gone; it may have another already."""
        if not any(connection.sender == sender for connection in self._connections):
            self._lost(sender)

    def check(self, hello: Hello) -> None:
        """Refuse a connection that is not from an expected peer.

        Raises:
            WireError: another cluster, another node meant, or an unknown sender.
        """
        if hello.cluster != self._cluster:
            raise WireError(f"it belongs to cluster {hello.cluster!r}, this node to {self._cluster!r}")
        if hello.to != self._me:
            raise WireError(f"it wants to reach {hello.to!r}, but this is {self._me!r}; check its --peer")
        if hello.sender not in self._peers:
            raise WireError(f"it calls itself {hello.sender!r}, which is no peer here; check --peer")


class _Incoming(asyncio.Protocol):
    """One connection that a peer dialled."""

    def __init__(self, listener: PeerListener, connections: set[_Incoming]) -> None:
        self._listener = listener
        self._connections = connections
        self._decoder = FrameDecoder()
        self.sender: str | None = None
        self._transport: asyncio.Transport | None = None
        self._hello_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        loop = asyncio.get_running_loop()
        self._hello_due = loop.call_later(
            HELLO_TIMEOUT_S, self._refuse, f"no handshake within {HELLO_TIMEOUT_S} s"
        )

    def data_received(self, data: bytes) -> None:
        try:
            payloads = self._decoder.feed(data)
            if self.sender is None:
                hello = self._decoder.hello
                if hello is None:
                    return
                self._listener.check(hello)
                self.sender = hello.sender
                self._forget_hello_due()
            for payload in payloads:
                self._listener.receive(self.sender, payload)
        except WireError as error:
            self._refuse(str(error))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - nothing was sent, so nothing is lost
        self._connections.discard(self)
        self._forget_hello_due()
        if self.sender is not None:
            self._listener.closed(self.sender)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _refuse(self, reason: str) -> None:
        address = self._transport.get_extra_info("peername") if self._transport is not None else None
        who = self.sender or (f"{address[0]}:{address[1]}" if address else "somebody")
        self._listener.report(f"disconnected {who} from the peer port: {reason}")
        self.abort()

    def _forget_hello_due(self) -> None:
        if self._hello_due is not None:
            self._hello_due.cancel()
            self._hello_due = None
