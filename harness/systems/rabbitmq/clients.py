"""The clients of RabbitMQ: a queue, with publisher confirms, and with an acknowledgement after each get."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiormq
from aiormq.exceptions import DeliveryError

from harness.client.clients import NotDone, Site, fail, info, ok, ok_read
from harness.systems.rabbitmq.link import CLOSE_BOUND_S, Link
from harness.systems.rabbitmq.unanswered import Unanswered
from history import Operation

PERSISTENT = 2
"""The delivery mode of a message that is kept on the disk."""


class QueueClient:
    """Puts texts into queues and takes them out.

    An enqueue is ok once the node confirmed it. A dequeue gets one text, and acknowledges it at once; a text
    that was not acknowledged is given out again, so a dequeue without an answer took nothing out. Until such
    a text is given out again, the queue seems to be empty: then the dequeue has failed.

    Args:
        arguments: of the queues' declaration: which type they are.
        unanswered: the gets of all clients of the run that got no answer.
    """

    def __init__(self, site: Site, arguments: Mapping[str, Any], unanswered: Unanswered) -> None:
        self._site = site
        self._arguments = dict(arguments)
        self._unanswered = unanswered
        self._link: Link | None = None
        self._declared: set[str] = set()

    async def open(self) -> None:
        """Connect to the own node, and let it confirm what is published."""
        async with asyncio.timeout(self._site.timeout_s):
            self._link = Link(self._site.at())
            await self._link.open()

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
        link, self._link = self._link, None
        self._declared.clear()
        if link is not None and not link.is_closed:
            await link.close()

    async def _opened(self) -> Link:
        """The own connection, made again if it is over."""
        if self._link is None or self._link.is_closed:
            await self._leave()
            await self.open()
        assert self._link is not None
        return self._link

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation."""
        key = operation.key or "all"
        sent = False
        try:
            async with asyncio.timeout(self._site.timeout_s):
                link = await self._opened()
                await self._declare(link, key)
                sent = operation.f == "enqueue"
                if sent:
                    return await self._enqueue(link, operation, key)
                return ok_read(operation, await self._dequeue(link, key))
        except NotDone as doubt:
            return fail(operation, str(doubt))
        except Exception as error:  # noqa: BLE001 - the libraries raise many kinds, also for one cause
            await self._leave()
            return info(operation, error) if sent else fail(operation, error)

    async def _declare(self, link: Link, key: str) -> None:
        """Make the queue of a key, if it is not there."""
        if key not in self._declared:
            await link.channel.queue_declare(key, durable=True, arguments=self._arguments)
            self._declared.add(key)

    async def _enqueue(self, link: Link, operation: Operation, key: str) -> Operation:
        text = str(operation.value).encode()
        properties = aiormq.spec.Basic.Properties(delivery_mode=PERSISTENT)
        try:
            confirmed = await link.channel.basic_publish(
                text, routing_key=key, mandatory=True, properties=properties
            )
        except DeliveryError as refusal:
            return info(operation, f"the node could not confirm it: {refusal}")
        if isinstance(confirmed, aiormq.spec.Basic.Ack):
            return ok(operation)
        return fail(operation, "it came back: there is no such queue")

    async def _dequeue(self, link: Link, key: str) -> str | None:
        """The next text; None if the queue is empty.

        Raises:
            NotDone: it seems to be empty, and may not be.
        """
        text = await self._given(link, self._site.node, key)
        if text is not None:
            return text
        for node in self._unanswered.nodes(key):
            text = await self._given_again(node, key)
            if text is not None:
                return text
        if keeping := self._unanswered.nodes(key):
            raise NotDone(f"it seems empty, but {', '.join(keeping)} may keep a text for a lost connection")
        return None

    async def _given(self, link: Link, node: str, key: str) -> str | None:
        """The next text that a node gives, which is acknowledged; None if it has nothing to give.

        Raises:
            Exception: it gave no answer, so it may keep a text for this connection, which is closed.
        """
        try:
            message = await link.channel.basic_get(key)
        except BaseException:  # also if the time is over: the node may keep a text in any case
            await link.close()
            self._unanswered.add(key, node)
            raise
        if isinstance(message.delivery, aiormq.spec.Basic.GetEmpty):
            return None
        text: str = message.body.decode()
        try:
            await link.channel.basic_ack(message.delivery.delivery_tag)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - as above, or the time is over
            await link.close()  # the text came out in any case, and may come out again
        return text

    async def _given_again(self, node: str, key: str) -> str | None:
        """The next text that a node gives through a new connection; None if it gives none, or no answer."""
        link = Link(self._site.at(node=node))
        asked_at = time.monotonic()
        try:
            await link.open()
            text = await self._given(link, node, key)
        except Exception:  # noqa: BLE001 - as above: the node may keep what it kept
            return None
        finally:
            await link.close()
        if text is None:
            self._unanswered.gave_nothing(key, node, asked_at)
        return text
