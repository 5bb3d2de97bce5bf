"""Connections to nodes, from where the harness's clients are: this machine, or a network namespace of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING

from harness.client.codecs.base import HttpReply, HttpRequest, NoReply

if TYPE_CHECKING:
    from harness.client.http import SocketFactory

Entering = Callable[[], AbstractContextManager[None]]
"""Makes a context in which this thread, and those that it starts, are in the network of the nodes."""


class Net:
    """The network of the nodes, for short questions to them. Use as `async with`.

    Args:
        bound_s: how long one request, or one connection attempt, may take.
        sockets: makes the sockets that reach the nodes; None for ordinary ones.
        entering: puts a thread into the network of the nodes.
    """

    def __init__(
        self, bound_s: float, sockets: SocketFactory | None = None, entering: Entering = nullcontext
    ) -> None:
        from harness.client.http import HttpTransport  # here, since not all that name a Net send anything

        self._bound_s = bound_s
        self._http = HttpTransport(bound_s, sockets)
        self._entering = entering
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Net:
        await self._stack.enter_async_context(self._http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def send(self, address: str, request: HttpRequest) -> HttpReply | NoReply:
        """Send an HTTP request once to `host:port`; the reply, or why there is none."""
        return await self._http.send(address, request)

    async def reply(self, address: str, request: HttpRequest) -> HttpReply | None:
        """Send an HTTP request once to `host:port`; the reply, None without one."""
        reply = await self._http.send(address, request)
        return reply if isinstance(reply, HttpReply) else None

    async def get(self, address: str, path: str) -> HttpReply | None:
        """Send a GET request once to `host:port`; the reply, None without one."""
        return await self.reply(address, HttpRequest("GET", path))

    async def connect(self, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a TCP connection to `host:port`. The caller closes it.

        Raises:
            OSError: it cannot be made, or not in time (TimeoutError).
        """
        host, _, port = address.rpartition(":")
        async with asyncio.timeout(self._bound_s):
            # The socket is made before the first await of this call, so the thread is back by then.
            with self._entering():
                connecting = _socket_to(host, int(port))
            try:
                await asyncio.get_running_loop().sock_connect(connecting, (host, int(port)))
                return await asyncio.open_connection(sock=connecting)
            except BaseException:
                connecting.close()
                raise

    async def ask(self, address: str, text: bytes, *, end: bytes | None = None) -> bytes:
        """Send bytes over a connection of their own, and read up to `end`, or until the node closes.

        Raises:
            OSError: no connection, or no answer in time.
            EOFError: the node closed before `end`.
        """
        reader, writer = await self.connect(address)
        try:
            async with asyncio.timeout(self._bound_s):
                writer.write(text)
                await writer.drain()
                return await (reader.read() if end is None else reader.readuntil(end))
        finally:
            writer.close()


def _socket_to(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, _ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made
