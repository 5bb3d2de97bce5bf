"""Clients of ZooKeeper for queues, locks and a counter: the recipes of kazoo."""

from __future__ import annotations

import contextlib
from typing import Any

from kazoo.exceptions import KazooException, NoNodeError
from kazoo.recipe.counter import Counter
from kazoo.recipe.lock import Lock
from kazoo.recipe.queue import LockingQueue, Queue

from harness.client.clients import MayBeDone, NotDone, Site, fail, info, lost, ok, ok_read
from harness.systems.zookeeper.data import COUNTER, CounterClient
from harness.systems.zookeeper.session import SessionClient
from harness.systems.zookeeper.system import Connect, HoldProof
from history import Operation

WAIT_S = 0.1
"""How long a dequeue waits for a text that is free."""


class LockingQueueClient(SessionClient):
    """`enqueue` and `dequeue` by kazoo's `LockingQueue`, which gives out each text at least once.

    A recipe that gives nothing does not say that the queue is empty: a text may be locked by a session that
    is lost and has not expired, or the server may be behind. So the queue's own nodes are read then.
    """

    def __init__(self, site: Site, *, connect: Connect = "own-node", session_s: float = 4.0) -> None:
        super().__init__(site, connect=connect, session_s=session_s)
        self._queues: dict[str, Any] = {}

    def carry_out(self, operation: Operation) -> Operation:
        """A text is taken, and consumed at once."""
        self.await_connection()
        key = str(operation.key)
        queue = self._queues.setdefault(key, self.made(f"/queue/{key}"))
        match operation.f:
            case "enqueue":
                queue.put(str(operation.value).encode())
                return ok(operation)
            case "dequeue":
                return self.dequeue(operation, queue)
        raise NotDone(f"a queue knows no operation {operation.f!r}")

    def made(self, path: str) -> Any:
        """The recipe for a path."""
        return LockingQueue(self.zk, path)

    def dequeue(self, operation: Operation, queue: Any) -> Operation:
        """Take the next text; the completion."""
        found = queue.get(timeout=WAIT_S)
        if found is None:
            return self.found_nothing(operation, f"{queue.path}/entries")
        with contextlib.suppress(NoNodeError):
            if queue.consume():
                return ok_read(operation, found.decode())
        # The session that had locked it has expired, so another client may take it.
        queue.processing_element = None
        return fail(operation, "the lock of the text that was taken was lost before it was consumed")

    def found_nothing(self, operation: Operation, texts: str) -> Operation:
        """The completion when the recipe gave nothing: None only if there is no text below the path."""
        self.catch_up()
        held: Any = self.ask(self.zk.get_children_async, texts)
        return (
            fail(operation, "no text is free, but the queue holds some") if held else ok_read(operation, None)
        )


class SimpleQueueClient(LockingQueueClient):
    """`enqueue` and `dequeue` by kazoo's `Queue`."""

    def made(self, path: str) -> Any:
        """The recipe for a path."""
        return Queue(self.zk, path)

    def dequeue(self, operation: Operation, queue: Any) -> Operation:
        """Take the next text; the completion."""
        found = queue.get()
        return (
            self.found_nothing(operation, queue.path) if found is None else ok_read(operation, found.decode())
        )


class RecipeCounterClient(CounterClient):
    """`add` by kazoo's `Counter`, which tries again by itself; `read` as without it."""

    def carry_out(self, operation: Operation) -> Operation:
        """An addition is one `counter += amount`: it is done once that returns."""
        if operation.f != "add":
            return super().carry_out(operation)
        self.await_connection()
        counter: Any = Counter(self.zk, COUNTER)
        counter += int(operation.value)
        return ok(operation)


class LockClient(SessionClient):
    """`acquire` and `release` by kazoo's `Lock`, which gives no fencing number."""

    def __init__(
        self,
        site: Site,
        *,
        proof: HoldProof = "connection",
        connect: Connect = "own-node",
        session_s: float = 4.0,
    ) -> None:
        super().__init__(site, connect=connect, session_s=session_s)
        self._proof = proof
        self._held: dict[str, tuple[Any, int]] = {}
        """By key: the recipe, and how often the connection had been lost before the lock was got."""

    def carry_out(self, operation: Operation) -> Operation:
        """Acquire the lock if no client has it, or release it."""
        key = str(operation.key)
        match operation.f:
            case "acquire":
                self.await_connection()
                return self._acquire(operation, key)
            case "release":
                return self._release(operation, key)
        raise NotDone(f"a lock knows no operation {operation.f!r}")

    def _acquire(self, operation: Operation, key: str) -> Operation:
        before = self.interruptions
        lock = Lock(self.zk, f"/lock/{key}")
        if not lock.acquire(blocking=False):
            return fail(operation, "another client holds it")
        self._held[key] = (lock, before)
        return ok_read(operation, None)

    def _release(self, operation: Operation, key: str) -> Operation:
        lock, before = self._held.pop(key, (None, 0))
        if lock is None:
            return fail(operation, "this client does not hold it")
        if self._proof == "connection":
            kept = self.interruptions == before and self.zk.connected
            if not kept:
                return info(operation, "the connection was lost meanwhile")
            # The client held it until now, whatever becomes of the removal of the lock's node.
            with contextlib.suppress(KazooException, TimeoutError, NotDone, MayBeDone):
                self.change(self.zk.delete_async, f"{lock.path}/{lock.node}")
            return ok(operation)
        try:
            return ok(operation) if lock.release() else fail(operation, "the recipe does not hold it")
        except KazooException as error:
            return lost(operation, error)
