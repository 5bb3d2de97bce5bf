"""The clients of RabbitMQ: a queue, with publisher confirms, and with an acknowledgement after each get."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import aiormq
from aiormq.exceptions import DeliveryError

from harness.client.clients import Site, fail, info, ok, ok_read
from history import Operation

HEARTBEAT_S = 4
"""A node that hears nothing from a client for twice this time gives its unconfirmed messages to others."""
CLOSE_BOUND_S = 0.5
USER = PASSWORD = "guest"  # noqa: S105 - the makers' own default, of a server that only a test reaches
PERSISTENT = 2
"""The delivery mode of a message that is kept on the disk."""

logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # the history has each error in its own words


class QueueClient:
    """Puts texts into queues and takes them out.

    An enqueue is ok once the node confirmed it. A dequeue gets one text, and acknowledges it at once; a text
    that was not acknowledged is given out again, so a dequeue without an answer took nothing out.

    Args:
        arguments: of the queues' declaration: which type they are.
    """

    def __init__(self, site: Site, arguments: Mapping[str, Any]) -> None:
        self._site = site
        self._arguments = dict(arguments)
        self._connection: Any = None
        self._channel: Any = None
        self._declared: set[str] = set()

    async def open(self) -> None:
        """Connect to the own node, and let it confirm what is published."""
        async with asyncio.timeout(self._site.timeout_s):
            self._connection = await aiormq.connect(
                f"amqp://{USER}:{PASSWORD}@{self._site.at()}/?heartbeat={HEARTBEAT_S}"
            )
            self._channel = await self._connection.channel(publisher_confirms=True)

    async def close(self) -> None:
        """Close the connection, and wait for the ends of what the libraries still do for it."""
        await self._leave()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CLOSE_BOUND_S)

    async def _leave(self) -> None:
        """Close the connection, so that the node gives out again what was not acknowledged."""
        connection, self._connection, self._channel = self._connection, None, None
        self._declared.clear()
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be broken in any way
                async with asyncio.timeout(CLOSE_BOUND_S):
                    await connection.close()

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation."""
        key = operation.key or "all"
        sent = False
        try:
            async with asyncio.timeout(self._site.timeout_s):
                if self._connection is None:
                    await self.open()
                await self._declare(key)
                sent = operation.f == "enqueue"
                if sent:
                    return await self._enqueue(operation, key)
                return await self._dequeue(operation, key)
        except Exception as error:  # noqa: BLE001 - the libraries raise many kinds, also for one cause
            await self._leave()
            return info(operation, error) if sent else fail(operation, error)

    async def _declare(self, key: str) -> None:
        """Make the queue of a key, if it is not there."""
        if key not in self._declared:
            await self._channel.queue_declare(key, durable=True, arguments=self._arguments)
            self._declared.add(key)

    async def _enqueue(self, operation: Operation, key: str) -> Operation:
        text = str(operation.value).encode()
        properties = aiormq.spec.Basic.Properties(delivery_mode=PERSISTENT)
        try:
            confirmed = await self._channel.basic_publish(
                text, routing_key=key, mandatory=True, properties=properties
            )
        except DeliveryError as refusal:
            return info(operation, f"the node could not confirm it: {refusal}")
        if isinstance(confirmed, aiormq.spec.Basic.Ack):
            return ok(operation)
        return fail(operation, "it came back: there is no such queue")

    async def _dequeue(self, operation: Operation, key: str) -> Operation:
        message = await self._channel.basic_get(key)
        if isinstance(message.delivery, aiormq.spec.Basic.GetEmpty):
            return ok_read(operation, None)
        text = message.body.decode()
        try:
            await self._channel.basic_ack(message.delivery.delivery_tag)
        except Exception:  # noqa: BLE001 - as above; the text came out, and will come out again
            await self._leave()
        return ok_read(operation, text)
