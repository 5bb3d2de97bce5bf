"""One connection to a node of RabbitMQ, with one channel, which confirms what is published."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import aiormq
from aiormq.connection import TCPTransportFactory

HEARTBEAT_S = 4
"""A node that hears nothing from a client for twice this time gives its unconfirmed messages to others."""
CLOSE_BOUND_S = 0.5
USER = PASSWORD = "guest"  # noqa: S105 - the makers' own default, of a server that only a test reaches

logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # the history has each error in its own words


class Link:
    """A connection to `host:port`. It is over for the node, too, once it is closed here."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._wire = _Wire()
        self._connection: Any = None
        self.channel: Any = None
        self.is_closed = False

    async def open(self) -> None:
        """Connect, and let the node confirm what is published.

        Raises:
            Exception: it cannot; the libraries raise many kinds.
        """
        url = f"amqp://{USER}:{PASSWORD}@{self._address}/?heartbeat={HEARTBEAT_S}"
        self._connection = await aiormq.connect(url, transport_factory=self._wire)
        self.channel = await self._connection.channel(publisher_confirms=True)

    async def close(self) -> None:
        """Close the connection in good order if that takes no longer than its bound, and else at once.

        A connection that the library leaves open would be kept alive by its heartbeats, and the node would
        never give to others what it gave to this client.
        """
        self.is_closed = True
        if self._connection is not None:
            with contextlib.suppress(Exception):  # it may be broken in any way
                async with asyncio.timeout(CLOSE_BOUND_S):
                    await self._connection.close()
        self._wire.cut()


class _Wire(TCPTransportFactory):  # type: ignore[misc]  # the library counts as untyped here
    """Makes the connection, and keeps it at hand."""

    def __init__(self) -> None:
        self._writer: asyncio.StreamWriter | None = None

    async def create(self, url: Any, **how: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, as the library does."""
        reader, self._writer = await super().create(url, **how)
        return reader, self._writer

    def cut(self) -> None:
        """End the connection, whatever is still to be sent."""
        if self._writer is not None:
            self._writer.transport.abort()
