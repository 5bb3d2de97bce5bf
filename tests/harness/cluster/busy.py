"""Keeps nodes at work while a test breaks them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence

from harness.client.codecs.registry import RegistryCodec
from harness.client.http import HttpTransport
from harness.cluster.world import HostedWorld
from history import Operation

BOUND_S = 20.0
POLL_S = 0.02


@contextlib.asynccontextmanager
async def busy(world: HostedWorld, nodes: Sequence[str] = ("n1", "n2", "n3")) -> AsyncIterator[None]:
    """Meanwhile each node is asked to register, again and again, so that all have something to write."""

    async def register(node: str, first: int) -> None:
        codec = RegistryCodec()
        async with HttpTransport(2.5, world.sockets) as transport:
            for index in itertools.count(first, len(nodes)):
                key, value = f"svc/10.0.0.1:{index % 60_000 + 1}", f"r{index}"
                operation = Operation(index, 0, first, "invoke", "register", key, value, None, node)
                await transport.send(world.address(node), codec.encode(operation))
                await asyncio.sleep(0.002)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(register(node, first)) for first, node in enumerate(nodes)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def until_written(world: HostedWorld, entries: int = 30) -> None:
    """Wait until every running node's log has come so far."""
    async with asyncio.timeout(BOUND_S):
        while True:
            nodes = (await world.observe()).nodes.values()
            if all(node.last >= entries for node in nodes if node.running):
                return
            await asyncio.sleep(POLL_S)
