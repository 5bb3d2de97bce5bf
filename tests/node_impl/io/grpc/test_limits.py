"""What clients that speak gRPC may take of a node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed: pip install 'ackproof[grpc]'")

import grpc.aio

from node_impl.core.api.parameters import DEFAULT_BEATS
from node_impl.core.api.payloads.wire import Payload, encode
from node_impl.core.requests import Done, Listing, Reply, Request
from node_impl.io.grpc.listener import GrpcListener
from node_impl.io.http.access import EVERYTHING
from node_impl.io.http.limits import DEFAULT_LIMITS, Limits
from node_impl.io.transport import Address
from tests.node_impl.io.grpc.speaking import Speaker
from tests.node_impl.node_processes import free_port

Answer = Callable[[Reply], None]


class Node:
    """A node that answers only when it is asked to."""

    def __init__(self) -> None:
        self.waiting: list[Answer] = []
        self.defects: list[Exception] = []

    def ask(self, _: Request, answer: Answer) -> None:
        self.waiting.append(answer)

    def answer_all(self) -> None:
        waiting, self.waiting = self.waiting, []
        for answer in waiting:
            answer(Done(1, Listing(())))

    def listener(self, limits: Limits) -> tuple[GrpcListener, int]:
        made = GrpcListener(
            self.ask, self.defects.append, lambda line: None, DEFAULT_BEATS, EVERYTHING, limits
        )
        port = free_port()
        made.bind(Address("127.0.0.1", port))
        return made, port


def test_connections_beyond_the_limit_are_refused_and_counted() -> None:
    async def talk() -> None:
        node = Node()
        listener, port = node.listener(replace(DEFAULT_LIMITS, connections_of_an_address=2))
        await listener.listen()
        speakers = [Speaker(port) for _ in range(3)]
        await speakers[0].set_up()
        await speakers[1].set_up()
        with pytest.raises(grpc.aio.AioRpcError, match="2 connections from"):
            await speakers[2].refused()
        assert listener.counters()["refused_grpc_connections_total"] == 1
        assert listener.counters()["grpc_connections"] == 2
        await speakers[0].close()
        async with asyncio.timeout(10):
            while listener.counters()["grpc_connections"] > 1:  # noqa: ASYNC110 - a socket closes
                await asyncio.sleep(0.01)
        again = Speaker(port)
        await again.set_up()
        for one in (*speakers[1:], again):
            await one.close()
        await listener.close()
        assert not node.defects

    asyncio.run(talk())


def test_large_requests_are_refused_while_too_much_waits() -> None:
    async def talk() -> None:
        node = Node()
        listener, port = node.listener(replace(DEFAULT_LIMITS, request_bytes=10_000))
        await listener.listen()
        one = Speaker(port)
        await one.set_up()
        query: dict[str, Any] = {"serviceName": "web", "groupName": "DEFAULT_GROUP"}
        large = encode(Payload("ServiceQueryRequest", json.dumps({**query, "app": 20_000 * "x"}).encode()))
        waits = asyncio.create_task(one.send(large))
        async with asyncio.timeout(10):
            while not node.waiting:  # noqa: ASYNC110 - the request travels
                await asyncio.sleep(0.01)
        refused = await one.send(large)
        assert refused.body["errorCode"] == 503
        assert "nothing was proposed" in refused.body["message"]
        small = asyncio.create_task(one.ask("ServiceQueryRequest", **query))
        async with asyncio.timeout(10):
            while len(node.waiting) < 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        node.answer_all()
        assert (await waits).body["success"]
        assert (await small).body["success"]
        await one.close()
        await listener.close()
        assert not node.defects

    asyncio.run(talk())
