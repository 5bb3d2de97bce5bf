"""Connections between nodes on asyncio. Each node dials each peer, and only the dialler sends.

So an ordered pair of nodes has its own connection, and a link cut one way is cut one way. Delivery
is never promised: a peer that cannot keep up costs a bounded queue, of which the oldest is dropped.

A link that swallows everything must not hold a connection for long, or it would stay dead after
it healed, for as long as TCP's own back-off has grown: what is not acknowledged within a second
aborts the connection (TCP_USER_TIMEOUT, RFC 5482), and it is dialled again every 200 ms at least.

Strangers cost little: a connection that has not introduced itself holds a few kilobytes, for seconds, and
only the newest of these are kept; of a peer that has, only the newest connections.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from node_impl.io.transport.frames import MAX_PAYLOAD_BYTES, Seal, WireError, check_size, encode_frame
from node_impl.io.transport.handshake import NO_SECRET, Hello, Introduction, Reception, Secret

MAX_QUEUED_MESSAGES = 4096
MAX_QUEUED_BYTES = 2 * MAX_PAYLOAD_BYTES
MAX_UNSENT_BYTES = 1024 * 1024
UNACKNOWLEDGED_TIMEOUT_MS = 1000
CONNECT_TIMEOUT_S = 0.5
HELLO_TIMEOUT_S = 5.0
MAX_STRANGERS = 64
"""Connections that have not introduced themselves; another one takes the place of the oldest."""
MAX_OF_A_PEER = 2
"""Connections of one peer: the one it has, and one that it has given up, which this node has not seen yet."""
MAX_UNFINISHED_BYTES = 2 * MAX_PAYLOAD_BYTES
"""What frames that have not ended may take together; beyond that the connection with the most is closed."""
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

    def __init__(
        self,
        cluster: str,
        me: str,
        peers: Mapping[str, Address],
        report: Report,
        secret: Secret = NO_SECRET,
    ) -> None:
        self._senders = {
            peer: _PeerSender(Hello(cluster, me, peer), secret, address, report)
            for peer, address in peers.items()
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

    def __init__(self, hello: Hello, secret: Secret, address: Address, report: Report) -> None:
        self._hello = hello
        self._secret = secret
        self._address = address
        self._report = report
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._connection: _Outgoing | None = None

    def queue(self, payload: bytes) -> None:
        check_size(payload)
        self._queue.append(payload)
        self._queued_bytes += len(payload)
        while len(self._queue) > MAX_QUEUED_MESSAGES or self._queued_bytes > MAX_QUEUED_BYTES:
            self._queued_bytes -= len(self._queue.popleft())

    def flush(self) -> None:
        connection = self._connection
        if self._queue and connection is not None and connection.may_write:
            seal = connection.seal
            data = b"".join([encode_frame(payload, seal) for payload in self._queue])
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
                if await self._is_steady(connection):
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
        introduction = Introduction(self._hello, self._secret)
        _, self._connection = await asyncio.get_running_loop().create_connection(
            lambda: _Outgoing(introduction, self.flush), *self._address
        )
        return self._connection

    async def _is_steady(self, connection: _Outgoing) -> bool:
        """Whether the connection was introduced, and lasted for a moment after that."""
        first: set[asyncio.Future[Any]] = {connection.introduced, connection.lost}
        await asyncio.wait(first, timeout=HELLO_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if not connection.introduced.done():
            connection.give_up(f"no answer to the handshake within {HELLO_TIMEOUT_S} s")
            return False
        return not (await asyncio.wait({connection.lost}, timeout=STEADY_AFTER_S))[0]


class _Outgoing(asyncio.Protocol):
    """One connection that this node dialled."""

    transport: asyncio.Transport
    seal: Seal
    """The seal of its frames, once it was introduced."""

    def __init__(self, introduction: Introduction, on_writable: Callable[[], None]) -> None:
        self.may_write = False
        """Whether it was introduced, and takes more bytes."""
        loop = asyncio.get_running_loop()
        self.introduced: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[str] = loop.create_future()
        """The reason why the connection ended, once it has."""
        self._introduction = introduction
        self._on_writable = on_writable

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=MAX_UNSENT_BYTES)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_TIMEOUT_MS)
        self.transport.write(self._introduction.begin())

    def data_received(self, data: bytes) -> None:
        try:
            proof = self._introduction.feed(data)
        except WireError as error:
            self.give_up(str(error))
            return
        if self._introduction.seal is not None:
            self.seal = self._introduction.seal
            self.transport.write(proof)
            self.may_write = True
            self.introduced.set_result(None)
            self._on_writable()

    def pause_writing(self) -> None:
        self.may_write = False

    def resume_writing(self) -> None:
        if self._introduction.seal is not None:
            self.may_write = True
            self._on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "closed by the peer")

    def give_up(self, reason: str) -> None:
        """End the connection, for this reason unless it has ended."""
        self._end(reason)
        self.transport.abort()

    def _end(self, reason: str) -> None:
        self.may_write = False
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
        secret: Secret = NO_SECRET,
    ) -> None:
        self._cluster = cluster
        self._me = me
        self._peers = peers
        self.receive = receive
        self.report = report
        self._lost = lost
        self.secret = secret
        self._connections: dict[_Incoming, None] = {}
        """All connections, the oldest first."""
        self.unfinished_bytes = 0
        """The bytes of all frames that have not ended."""
        self._server: asyncio.Server | None = None
        self.refused_connections = 0
        """How many connections were closed since they could not introduce themselves."""
        self.refused_frames = 0
        """How many frames were not genuine or no message: dropped, and the connection with them."""

    def counters(self) -> dict[str, float]:
        """What was refused since the node began, for `/metrics` and the status."""
        return {
            "refused_peer_connections_total": self.refused_connections,
            "refused_peer_frames_total": self.refused_frames,
        }

    async def listen(self, listening: socket.socket) -> None:
        """Take connections on a socket that is bound already."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Incoming(self), sock=listening)

    def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()

    def opened(self, connection: _Incoming) -> None:
        """A connection was taken; the oldest one that has not introduced itself may have to make room."""
        self._connections[connection] = None
        self._make_room(None, MAX_STRANGERS)

    def introduced(self, connection: _Incoming) -> None:
        """A connection has proved whose it is; the peer's oldest one may have to make room."""
        if connection.sender is not None:
            self._make_room(connection.sender, MAX_OF_A_PEER)

    def holds(self, before: int, now: int) -> None:
        """A connection holds that many bytes of a frame that has not ended; those with the most make room."""
        self.unfinished_bytes += now - before
        while self.unfinished_bytes > MAX_UNFINISHED_BYTES:
            most = max(self._connections, key=lambda connection: connection.unfinished_bytes)
            most.refuse(f"frames of {self.unfinished_bytes} bytes have not ended, most of them here")

    def closed(self, connection: _Incoming) -> None:
        """A connection is gone; the peer may have another already."""
        self._connections.pop(connection, None)
        sender = connection.sender
        if sender is not None and not any(other.sender == sender for other in self._connections):
            self._lost(sender)

    def _make_room(self, sender: str | None, most: int) -> None:
        """Close the oldest connections of that peer, or of none, until there are at most this number."""
        same = [connection for connection in self._connections if connection.sender == sender]
        for connection in same[: max(0, len(same) - most)]:
            if sender is None:
                self.refused_connections += 1
            connection.abort()
            del self._connections[connection]

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

    def __init__(self, listener: PeerListener) -> None:
        self._listener = listener
        self._reception = Reception(listener.secret, listener.check)
        self._transport: asyncio.Transport | None = None
        self._hello_due: asyncio.TimerHandle | None = None
        self.unfinished_bytes = 0
        """The bytes of a frame that has not ended, as they were counted last."""

    @property
    def sender(self) -> str | None:
        """The peer that dialled, once it has proved that."""
        return self._reception.sender

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._listener.opened(self)
        loop = asyncio.get_running_loop()
        self._hello_due = loop.call_later(
            HELLO_TIMEOUT_S, self.refuse, f"no handshake within {HELLO_TIMEOUT_S} s"
        )

    def data_received(self, data: bytes) -> None:
        try:
            answer, payloads = self._reception.feed(data)
            if self._reception.unfinished_bytes != self.unfinished_bytes:
                self._count_unfinished(self._reception.unfinished_bytes)
            if answer and self._transport is not None:
                self._transport.write(answer)
            sender = self._reception.sender
            if sender is None:
                return
            if self._hello_due is not None:
                self._forget_hello_due()
                self._listener.introduced(self)
            for payload in payloads:
                self._listener.receive(sender, payload)
        except WireError as error:
            self.refuse(str(error))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - nothing was sent, so nothing is lost
        self._forget_hello_due()
        self._count_unfinished(0)
        self._listener.closed(self)

    def abort(self) -> None:
        self._forget_hello_due()
        self._count_unfinished(0)
        if self._transport is not None:
            self._transport.abort()

    def _count_unfinished(self, now: int) -> None:
        before, self.unfinished_bytes = self.unfinished_bytes, now
        self._listener.holds(before, now)

    def refuse(self, reason: str) -> None:
        """Close the connection, and count it."""
        address = self._transport.get_extra_info("peername") if self._transport is not None else None
        who = self.sender or (f"{address[0]}:{address[1]}" if address else "a stranger")
        if self.sender is None:
            self._listener.refused_connections += 1
        else:
            self._listener.refused_frames += 1
        self._listener.report(f"disconnected {who} from the peer port: {reason}")
        self.abort()

    def _forget_hello_due(self) -> None:
        if self._hello_due is not None:
            self._hello_due.cancel()
            self._hello_due = None
