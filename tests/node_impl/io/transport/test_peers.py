from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest

from node_impl.io.transport import (
    Address,
    Hello,
    Introduction,
    PeerListener,
    PeerSenders,
    Reception,
    Seal,
    Secret,
    WireError,
    encode_frame,
)
from node_impl.io.transport import peers as peers_module
from node_impl.io.transport.frames import CHECKSUM
from tests.node_impl.dialling import introduced

SECRET = Secret(b"what only the cluster knows, in 32")


def bound() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


async def until(condition: Callable[[], bool], what: str, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.005)


class Receiver:
    """A listener that keeps what it got."""

    def __init__(self, me: str = "n2", cluster: str = "c1", secret: Secret = SECRET) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.lines: list[str] = []
        self.lost: list[str] = []
        self.listener = PeerListener(
            cluster, me, frozenset({"n1"}), self.receive, self.lines.append, self.lost.append, secret
        )

    def receive(self, sender: str, payload: bytes) -> None:
        if payload == b"nonsense":
            raise WireError("not a message")
        self.got.append((sender, payload))


@contextlib.asynccontextmanager
async def sending(port: int, secret: Secret = SECRET) -> AsyncIterator[tuple[PeerSenders, list[str]]]:
    lines: list[str] = []
    senders = PeerSenders("c1", "n1", {"n2": Address("127.0.0.1", port)}, lines.append, secret)
    task = asyncio.create_task(senders.run())
    try:
        yield senders, lines
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def send(senders: PeerSenders, *payloads: bytes) -> None:
    for payload in payloads:
        senders.send("n2", payload)
    senders.flush()


def test_messages_arrive_in_order_with_their_sender() -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        async with sending(listening.getsockname()[1]) as (senders, _):
            expected = [b"%d" % n for n in range(1000)]
            send(senders, *expected)
            await until(lambda: len(receiver.got) == 1000, "all messages")
            assert receiver.got == [("n1", payload) for payload in expected]
            assert receiver.lines == []
        receiver.listener.close()

    asyncio.run(main())


def test_a_link_that_comes_back_works_within_half_a_second() -> None:
    async def main() -> None:
        listening = bound()
        port = listening.getsockname()[1]
        receiver = Receiver()
        async with sending(port) as (senders, lines):
            await until(lambda: len(lines) == 1, "the refusal is reported")
            assert "link to n2" in lines[0]
            assert "is down" in lines[0]
            await asyncio.sleep(1.0)  # long enough for the back-off to grow to its bound
            begun = time.monotonic()
            await receiver.listener.listen(listening)
            while not receiver.got:
                assert time.monotonic() - begun < 0.5
                send(senders, b"again")
                await asyncio.sleep(0.01)
            await until(lambda: "is up" in lines[-1], "the recovery is reported")
            assert len(lines) == 2, "an outage is two lines, however often it was dialled"
        receiver.listener.close()

    asyncio.run(main())


def test_a_reset_connection_is_dialled_again() -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        async with sending(listening.getsockname()[1]) as (senders, _):
            send(senders, b"one")
            await until(lambda: len(receiver.got) == 1, "the first")
            for connection in tuple(receiver.listener._connections):
                connection.abort()
            while len(receiver.got) < 2:
                send(senders, b"two")
                await asyncio.sleep(0.01)
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 5))


def test_a_stalled_link_costs_a_bounded_queue_of_the_newest_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "MAX_QUEUED_MESSAGES", 10)

    async def main() -> None:
        listening = bound()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listening.listen()
        listening.setblocking(False)
        accepted: list[socket.socket] = []
        async with sending(listening.getsockname()[1]) as (senders, _):
            sender = senders._senders["n2"]
            accepted.append(await greeted(listening))  # and never read from
            await until(lambda: sender._connection is not None and sender._connection.may_write, "introduced")
            for n in range(200):
                send(senders, b"%03d" % n + bytes(100_000))
            assert len(sender._queue) == 10
            assert sender._queue[-1][:3] == b"199"
            assert sender._queued_bytes == sum(map(len, sender._queue))
            await until(lambda: sender._connection is None, "what is never acknowledged is given up", 8)
        for connection in accepted:
            connection.close()
        listening.close()

    asyncio.run(main())


async def greeted(listening: socket.socket) -> socket.socket:
    """A connection to a listener that knows the secret, and reads nothing after the hello."""
    loop = asyncio.get_running_loop()
    connection, _ = await loop.sock_accept(listening)
    challenge, _ = Reception(SECRET, lambda _: None).feed(await loop.sock_recv(connection, 4096))
    await loop.sock_sendall(connection, challenge)
    return connection


def hello(cluster: str = "c1", sender: str = "n1", to: str = "n2") -> bytes:
    return Introduction(Hello(cluster, sender, to), SECRET).begin()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "not a peer of this protocol"),
        (hello(cluster="c2"), "belongs to cluster 'c2', this node to 'c1'"),
        (hello(to="n3"), "wants to reach 'n3', but this is 'n2'"),
        (hello(sender="n9"), "calls itself 'n9', which is no peer here"),
    ],
    # Nonces are drawn, and the name of a test must not be.
    ids=lambda part: "bytes" if isinstance(part, bytes) else part,
)
def test_a_bad_peer_is_one_line_and_a_disconnect_and_others_are_served(data: bytes, message: str) -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(data)
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert len(receiver.lines) == 1
        assert message in receiver.lines[0]
        assert receiver.listener.refused_connections == 1
        async with sending(listening.getsockname()[1]) as (senders, _):
            send(senders, b"well")
            await until(lambda: receiver.got == [("n1", b"well")], "a good peer")
        receiver.listener.close()

    asyncio.run(main())


def test_a_peer_that_dials_and_sends_nothing_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "HELLO_TIMEOUT_S", 0.05)

    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(hello()[:-1])
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        assert "no handshake within 0.05 s" in receiver.lines[0]
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 5))


def test_a_peer_is_lost_when_its_last_connection_is_closed_and_a_stranger_never() -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        port = listening.getsockname()[1]
        stranger = socket.create_connection(("127.0.0.1", port))
        async with sending(port) as (first, _):
            async with sending(port) as (second, _):
                send(first, b"first")
                send(second, b"second")
                await until(lambda: len(receiver.got) == 2, "both")
            stranger.close()
            send(first, b"third")
            await until(lambda: len(receiver.got) == 3, "the third")
            assert receiver.lost == []
        await until(lambda: receiver.lost == ["n1"], "the loss")
        receiver.listener.close()

    asyncio.run(main())


def dial(port: int, secret: Secret = SECRET) -> tuple[socket.socket, Seal]:
    return introduced(port, Hello("c1", "n1", "n2"), secret)


async def closed(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection, once it has."""

    def read() -> bool:
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass
        return True

    return await asyncio.to_thread(read)


@pytest.mark.parametrize("of_another_session", [False, True])
def test_a_forged_frame_is_dropped_and_counted_and_the_peer_is_served_again(of_another_session: bool) -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        port = listening.getsockname()[1]
        (first, old), (second, seal) = [await asyncio.to_thread(dial, port) for _ in range(2)]
        second.sendall(encode_frame(b"well", seal))
        await until(lambda: receiver.got == [("n1", b"well")], "the genuine one")
        second.sendall(encode_frame(b"forged", old if of_another_session else CHECKSUM))
        assert await closed(second)
        assert receiver.got == [("n1", b"well")]
        assert receiver.listener.counters() == {
            "refused_peer_connections_total": 0,
            "refused_peer_frames_total": 1,
        }
        assert "not genuine" in receiver.lines[0]
        first.close()
        async with sending(port) as (senders, _):
            send(senders, b"again")
            await until(lambda: receiver.got[1:] == [("n1", b"again")], "a new session")
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_what_is_no_message_is_dropped_and_counted_too() -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        connection, seal = await asyncio.to_thread(dial, listening.getsockname()[1])
        connection.sendall(encode_frame(b"nonsense", seal))
        assert await closed(connection)
        assert receiver.lines == ["disconnected n1 from the peer port: not a message"]
        assert receiver.listener.refused_frames == 1
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_a_frame_that_a_link_repeats_or_lets_overtake_reaches_the_node() -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        connection, seal = await asyncio.to_thread(dial, listening.getsockname()[1])
        one, two = encode_frame(b"one", seal), encode_frame(b"two", seal)
        connection.sendall(two + one + one)
        await until(lambda: len(receiver.got) == 3, "all")
        assert [payload for _, payload in receiver.got] == [b"two", b"one", b"one"]
        connection.close()
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_nodes_with_different_secrets_never_exchange_a_message() -> None:
    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        async with sending(listening.getsockname()[1], Secret(b"another")) as (senders, lines):
            send(senders, b"a message")
            await until(lambda: bool(lines), "a line that says so")
            assert "n2 has another secret" in lines[0]
        assert receiver.got == []
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_strangers_and_old_connections_make_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "MAX_STRANGERS", 3)

    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        port = listening.getsockname()[1]
        strangers = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
        assert all([await closed(stranger) for stranger in strangers[:2]])
        peers = [await asyncio.to_thread(dial, port) for _ in range(3)]
        assert await closed(peers[0][0]), "only the two newest of a peer stay"
        for connection, seal in peers[1:]:
            connection.sendall(encode_frame(b"well", seal))
        await until(lambda: len(receiver.got) == 2, "both of the newest are served")
        assert receiver.lost == []
        for connection in (*strangers, *[connection for connection, _ in peers]):
            connection.close()
        receiver.listener.close()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_of_frames_that_never_end_the_largest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "MAX_UNFINISHED_BYTES", 100_000)

    async def main() -> None:
        receiver, listening = Receiver(), bound()
        await receiver.listener.listen(listening)
        port = listening.getsockname()[1]
        (small, seal), (large, other) = [await asyncio.to_thread(dial, port) for _ in range(2)]
        large.sendall(encode_frame(bytes(90_000), other)[:-1])
        small.sendall(encode_frame(bytes(30_000), seal)[:-1])
        assert await closed(large)
        assert receiver.listener.refused_frames == 1
        assert "have not ended, most of them here" in receiver.lines[0]
        small.sendall(b"\0")
        await until(lambda: receiver.got == [("n1", bytes(30_000))], "the other frame")
        for _ in range(5):  # what was closed, or has ended, does not count
            (again, seal) = await asyncio.to_thread(dial, port)
            again.sendall(encode_frame(bytes(90_000), seal)[:-1])
            await until(lambda: receiver.listener.unfinished_bytes > 80_000, "half a frame")
            again.close()
            await until(lambda: receiver.listener.unfinished_bytes == 0, "that it is forgotten")
        assert receiver.listener.refused_frames == 1
        third: list[socket.socket] = []
        for _ in range(4):  # of which the peer's newest two stay
            (again, seal) = await asyncio.to_thread(dial, port)
            again.sendall(encode_frame(bytes(45_000), seal)[:-1])
            third.append(again)
        await until(lambda: receiver.listener.unfinished_bytes > 80_000, "halves of the two that stay")
        assert receiver.listener.refused_frames == 1
        receiver.listener.close()
        for connection in third:
            connection.close()

    asyncio.run(asyncio.wait_for(main(), 20))
