"""How clients' operations reach nodes in a run of real processes: over HTTP by a codec, or by clients."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Protocol

import msgspec

from harness.client.clients import ClientPool, MakeClient
from harness.client.codecs.base import Codec
from harness.client.codecs.exchange import Exchange
from harness.client.codecs.retries import Retries
from harness.client.codecs.sessions import InSessions
from harness.client.http import HttpTransport, SocketFactory
from harness.client.net import Entering
from harness.concealing import concealed
from history import Operation
from history.units import SECOND_NS


class Reachable(Protocol):
    """What is needed of a world of nodes to reach them."""

    @property
    def members(self) -> Mapping[str, Mapping[str, str]]:
        """By name of each node and of each port, the `host:port`."""
        ...

    @property
    def sockets(self) -> SocketFactory | None:
        """A maker of the sockets that reach the nodes; None for ordinary ones."""
        ...

    @property
    def entering(self) -> Entering:
        """Makes a context in which a thread is in the network of the nodes."""
        ...


class Carrier:
    """Carries out the operations of all clients of a run. Use as `async with`.

    Args:
        client: a codec over HTTP, or a maker of clients of any protocol.
        retries: how the workload repeats writes, by a codec alone; None if it never does.
        timeout_s: how long one request, or one operation of a client, may take.
        threads, plain: how many clients there are, and how many of them write without a session, by a codec
            alone.
    """

    def __init__(
        self,
        client: Codec | MakeClient,
        retries: Retries | None,
        world: Reachable,
        timeout_s: float,
        seed: int = 0,
        threads: int = 1,
        plain: int = 0,
    ) -> None:
        self._client = InSessions(client, threads, plain) if isinstance(client, Codec) else client
        self._retries = retries
        self._members = world.members
        self._stack = AsyncExitStack()
        self._http = HttpTransport(timeout_s, world.sockets)
        self._pool: ClientPool | None = None
        if not isinstance(client, Codec):
            self._pool = ClientPool(client, world.members, timeout_s, world.entering, seed)

    async def __aenter__(self) -> Carrier:
        await self._stack.enter_async_context(self._http if self._pool is None else self._pool)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation; its completion, whose error shows no secret option."""
        return _concealed(await self._completion(operation))

    async def _completion(self, operation: Operation) -> Operation:
        if self._pool is not None:
            return await self._pool.perform(operation)
        assert isinstance(self._client, Codec)
        exchange = Exchange.begin(self._client, self._retries, operation)
        while True:
            reply = await self._http.send(
                self._members[exchange.node]["client"],
                exchange.request(),
                longer_s=exchange.kept_back_ns / SECOND_NS,
            )
            following = exchange.after(reply)
            if isinstance(following, Operation):
                return following
            exchange = following
            await asyncio.sleep(exchange.pause_ns / SECOND_NS)


def _concealed(completion: Operation) -> Operation:
    """Only of the error: a value is data that the workload wrote, and judges compare it."""
    if completion.error is None:
        return completion
    return msgspec.structs.replace(completion, error=concealed(completion.error))
