"""The clients of NATS: registers in a key-value bucket, sets in a stream, and queues in a stream of work."""

from __future__ import annotations

import asyncio
import contextlib

from harness.client.clients import Site, fail, lost, ok, ok_read
from harness.systems.nats.jetstream import WRONG_LAST_SEQUENCE, Bucket, JetStream, NoLeader, Reads, Rejected
from history import Operation

REGISTERS = Bucket("KV_ackproof", "$KV.ackproof", kept_of_a_subject=1)
SETS = Bucket("sets", "sets", kept_of_a_subject=-1)
QUEUES = Bucket("queues", "queues", kept_of_a_subject=-1, retention="workqueue")
TRIES = 4
AGAIN_AFTER_S = 1.0
"""When a text that was taken and not acknowledged is given out again: before the drain of a queue ends."""
CERTAINLY_NOT = frozenset({*WRONG_LAST_SEQUENCE, 10008, 10077})
"""The codes of refusals after which nothing was stored: wrong last sequence, JetStream not available (the API
has no leader), store full."""


class _Client:
    """What both clients share: a connection to their own node, and how what went wrong is recorded."""

    bucket: Bucket

    def __init__(self, site: Site, reads: Reads) -> None:
        self._site = site
        self._reads = reads
        self._stream = JetStream(self.bucket, site.timeout_s, direct=reads == "direct")

    async def open(self) -> None:
        """Connect to the own node alone; the first client makes the stream, with a replica on each node."""
        await self._stream.open(self._site.at(), len(self._site.members))

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.close()

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation."""
        try:
            async with asyncio.timeout(self._site.timeout_s):
                return await self._done(operation)
        except NoLeader as error:
            return fail(operation, error)
        except Rejected as refusal:
            certain = refusal.code in CERTAINLY_NOT
            return fail(operation, refusal) if certain else lost(operation, refusal)

    async def _done(self, operation: Operation) -> Operation:
        raise NotImplementedError

    async def _confirm(self, key: str, data: str | None, sequence: int) -> bool:
        """Whether what the leader showed is what there is, by a conditional publication that changes nothing.

        A leader that does not know yet that it is deposed shows old messages, but acknowledges nothing.
        """
        if self._reads != "confirmed":
            return True
        try:
            await self._stream.publish(key, data, last=sequence)
        except Rejected as refusal:
            if refusal.code in WRONG_LAST_SEQUENCE:
                return False
            raise
        return True


class RegisterClient(_Client):
    """Reads, writes, and compares and sets keys of a bucket."""

    bucket = REGISTERS

    async def _done(self, operation: Operation) -> Operation:
        key, value = operation.key or "all", operation.value
        match operation.f, value:
            case "read", _:
                return await self._read(operation, key)
            case "write", _:
                await self._stream.publish(key, value)
                return ok(operation)
            case "cas", [old, new]:
                return await self._cas(operation, key, old, new)
        raise ValueError(f"this client knows no {operation.f!r} of {value!r}")

    async def _read(self, operation: Operation, key: str) -> Operation:
        for _ in range(TRIES):
            held = await self._stream.last(key)
            if await self._confirm(key, held.data, held.sequence):
                return ok_read(operation, held.data)
        return fail(operation, f"changed {TRIES} times while it was read")

    async def _cas(self, operation: Operation, key: str, old: str, new: str) -> Operation:
        held = await self._stream.last(key)
        if held.data != old:
            if await self._confirm(key, held.data, held.sequence):
                return ok_read(operation, False)
            return fail(operation, "changed while it was compared")
        await self._stream.publish(key, new, last=held.sequence)
        return ok(operation)


class SetClient(_Client):
    """Adds numbers to sets: each is a message; a read reads all messages of the set."""

    bucket = SETS

    async def _done(self, operation: Operation) -> Operation:
        key = operation.key or "all"
        if operation.f == "add":
            await self._stream.publish(key, str(operation.value))
            return ok(operation)
        for _ in range(TRIES):
            stored = await self._stream.all(key)
            if await self._confirm(key, None, stored[-1].sequence if stored else 0):
                return ok_read(operation, [int(each.data) for each in stored if each.data is not None])
        return fail(operation, f"changed {TRIES} times while it was read")


class QueueClient(_Client):
    """Puts texts into queues, and takes them out by one consumer a queue, with explicit acknowledgements.

    An enqueue is ok once the leader acknowledged it. A dequeue gets one text, and acknowledges it at once; a
    text that was not acknowledged is given out again, so a dequeue without an answer took nothing out. A
    consumer that has nothing to give does not say that the queue is empty: the stream itself is asked.
    """

    bucket = QUEUES

    def __init__(self, site: Site) -> None:
        super().__init__(site, "leader")
        self._consumed: set[str] = set()

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation."""
        try:
            return await super().perform(operation)
        except Exception as error:  # the library raises many kinds
            if operation.f == "enqueue":
                raise
            return fail(operation, error)

    async def _done(self, operation: Operation) -> Operation:
        key = operation.key or "all"
        if operation.f == "enqueue":
            await self._stream.publish(key, str(operation.value))
            return ok(operation)
        try:
            text = await self._dequeue(key)
            if text is None and await self._stream.holds_any(key):
                return fail(operation, "no text is free: what is there was given out, and not acknowledged")
        except Rejected as refusal:
            return fail(operation, refusal)
        return ok_read(operation, text)

    async def _dequeue(self, key: str) -> str | None:
        if key not in self._consumed:
            await self._stream.consume(key, AGAIN_AFTER_S)
            self._consumed.add(key)
        taken = await self._stream.take(key)
        if taken is None:
            return None
        # It came out, also if its confirmation takes too long or the operation's time is over: without a
        # confirmation it may come out again.
        with contextlib.suppress(Exception, asyncio.CancelledError):
            async with asyncio.timeout(self._site.timeout_s / 2):
                await self._stream.acknowledge(taken)
        return taken.data
