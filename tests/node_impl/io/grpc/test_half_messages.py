"""Messages over gRPC that never end take a bounded room, for a bounded time, and nothing of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")

from node_impl.io.grpc.arriving import Arriving, TooSlow
from node_impl.io.http.limits import DEFAULT_LIMITS
from tests.node_impl.io.grpc.half_messages import HalfMessages
from tests.node_impl.io.grpc.speaking import Speaker
from tests.node_impl.io.grpc.test_limits import Node
from tests.node_impl.io.test_flood import peak_mb
from tests.node_impl.node_processes import free_port, nodes, wait_for_leader

MOST_GRPC_MB = 128
"""The library's own buffers grow while the node waits for a processor: 86 to 108 MB were seen."""


async def never() -> AsyncIterator[bytes]:
    await asyncio.get_running_loop().create_future()
    yield b""


async def at_once() -> AsyncIterator[bytes]:
    yield b"message"


def test_a_message_that_does_not_end_in_time_ends_its_call() -> None:
    async def talk() -> None:
        arriving = Arriving(0.01)
        with pytest.raises(TooSlow, match="not complete within"):
            await arriving.message(never())
        assert arriving.ended == 1
        messages = at_once()
        assert await arriving.message(messages) == b"message"
        assert await arriving.message(messages) is None
        assert arriving.ended == 1

    asyncio.run(talk())


def test_one_more_than_may_arrive_at_once_ends_the_oldest() -> None:
    async def talk() -> None:
        arriving = Arriving(60.0, most=2)
        calls = [asyncio.create_task(arriving.message(never())) for _ in range(4)]
        await asyncio.wait(calls[:2], timeout=10)
        assert [isinstance(call.exception(), TooSlow) for call in calls[:2]] == [True, True]
        assert [call.done() for call in calls[2:]] == [False, False]
        assert await arriving.message(at_once()) == b"message"
        await asyncio.wait(calls[2:3], timeout=10)
        assert arriving.ended == 3
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    asyncio.run(talk())


def test_a_call_whose_message_never_ends_is_ended_and_another_client_is_served() -> None:
    async def talk() -> None:
        node = Node()
        listener, port = node.listener(replace(DEFAULT_LIMITS, request_s=1))
        await listener.listen()
        half = await asyncio.to_thread(HalfMessages, port, 3, 100_000, 50_000)
        await asyncio.to_thread(half.send, 0.5)
        assert half.sent_bytes == 3 * 50_005
        speaker = Speaker(port)
        await speaker.set_up()
        async with asyncio.timeout(10):
            while listener.counters()["refused_grpc_slow_messages_total"] < 3:  # noqa: ASYNC110 - it takes a second
                await asyncio.sleep(0.02)
        assert (await speaker.ask("HealthCheckRequest")).type == "HealthCheckResponse"
        assert not node.waiting
        await speaker.close()
        await listener.close()
        half.close()
        assert not node.defects

    asyncio.run(talk())


@pytest.mark.campaign
@pytest.mark.timeout(300)
def test_a_flood_of_half_messages_costs_a_node_a_bounded_room(tmp_path: Path) -> None:
    with nodes(tmp_path, 1) as [node]:
        port = free_port()
        node.arguments += ["--grpc", f"127.0.0.1:{port}"]
        node.start()
        wait_for_leader([node])
        last = node.status()["last"]

        def one(_: int) -> HalfMessages:
            half = HalfMessages(port, 17, 250_000, 240_000)
            half.send(10)
            return half

        with ThreadPoolExecutor(20) as threads:
            clients = list(threads.map(one, range(100)))
        assert sum(client.sent_bytes for client in clients) > 100_000_000
        assert node.status()["last"] == last
        assert node.status()["refused"]["grpc_slow_messages"] > 1_000
        assert node.register("10.0.0.1").status == 200
        assert peak_mb(node) < MOST_GRPC_MB
        for client in clients:
            client.close()
        assert node.end() == 0
        assert "Traceback" not in node.log.read_text()
