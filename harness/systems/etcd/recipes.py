"""Clients of etcd for queues and locks: recipes out of transactions, revisions and leases."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Literal

import msgspec

from harness.client.clients import MayBeDone, NotDone, Site, fail, ok, ok_read
from harness.systems.etcd.gateway import Gateway, encoded, revision_of
from harness.systems.etcd.kv import (
    EtcdClient,
    delete_of,
    if_changed_at,
    if_created_at,
    key_of,
    put_of,
    unless_created,
    value_of,
)
from history import Operation

Trust = Literal["revision", "lease", "lock-service"]
"""What a client takes for the proof that it still holds a lock.

- `revision`: the store's answer, when it releases the lock, that the key it created is still there.
- `lease`: its lease, which it keeps alive. It holds the lock for as long after it last asked for
  the lease to be kept alive as the answer says, by its own clock.
- `lock-service`: as `lease`; and the lock is acquired by etcd's own service (`/v3/lock/lock`).
"""
BEATS_PER_TTL = 4


class QueueClient(EtcdClient):
    """`enqueue` and `dequeue`: a key for each text, taken in the order of their creation."""

    def carry_out(self, operation: Operation) -> Operation:
        """The oldest key is deleted if it is still as it was read."""
        start = f"queue/{operation.key}/"
        match operation.f:
            case "enqueue":
                self.put(f"{start}{operation.value}", str(operation.value))
                return ok(operation)
            case "dequeue":
                return ok_read(operation, self._dequeue(start))
        raise NotDone(f"a queue knows no operation {operation.f!r}")

    def _dequeue(self, start: str) -> str | None:
        while True:
            oldest = self.all_under(start, sort_target="CREATE", sort_order="ASCEND", limit="1")
            if not oldest:
                return None
            key = key_of(oldest[0])
            if self.if_all([if_changed_at(key, oldest[0]["mod_revision"])], [delete_of(key)]) is not None:
                return value_of(oldest[0])
            self.wait_to_try_again()


class Lease:
    """A lease, kept alive by a thread of its own, with a connection of its own.

    Raises:
        NotDone: the node does not grant it.
    """

    def __init__(self, site: Site, ttl_s: int) -> None:
        granting = Gateway(site.at(), site.timeout_s)
        asked_at = time.monotonic()
        granted = granting.ask("lease/grant", {"TTL": str(ttl_s)})
        granting.close()
        self.id: str = granted["ID"]
        self.ttl_s = int(granted["TTL"])
        # A node passes the request on to the leader that it knows, and that may be a dead one: so no request
        # is waited for when the next one is due.
        self._gateway = Gateway(site.at(), self.ttl_s / BEATS_PER_TTL)
        self.ends_at = asked_at + self.ttl_s
        """Until when it lives at the least, by the client's own clock."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_alive, name=f"lease {self.id}", daemon=True)
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether it certainly lives, as the node's answers say."""
        return time.monotonic() < self.ends_at

    def leave(self) -> None:
        """Keep it alive no longer; it ends by itself."""
        self._ended.set()

    def _keep_alive(self) -> None:
        while not self._ended.wait(self.ttl_s / BEATS_PER_TTL):
            self._gateway.begin()
            asked_at = time.monotonic()
            with contextlib.suppress(NotDone):
                reply = self._gateway.ask("lease/keepalive", {"ID": self.id})
                ttl_s = int(reply.get("result", {}).get("TTL", 0))
                if ttl_s <= 0:
                    break
                self.ends_at = asked_at + ttl_s
        self._gateway.close()


class _Held(msgspec.Struct, frozen=True):
    lease: Lease
    key: str
    created_at: str
    """The revision at which the key was created that stands for the hold."""


class LockClient(EtcdClient):
    """`acquire` and `release` of a lock: a key that is created under a lease, if it is absent.

    The fencing number is the revision of its creation.

    Args:
        ttl_s: how long a lease lives that is not kept alive; etcd grants at least 1.5 election time-outs.
        trust: what proves that the lock is still held.
    """

    def __init__(self, site: Site, *, ttl_s: int = 3, trust: Trust = "revision") -> None:
        super().__init__(site)
        self._ttl_s = ttl_s
        self._trust = trust
        self._held: dict[str, _Held] = {}

    def carry_out(self, operation: Operation) -> Operation:
        """Acquire the lock if no client has it, or release it."""
        key = f"lock/{operation.key}"
        match operation.f:
            case "acquire":
                return self._acquire(operation, key)
            case "release":
                return self._release(operation, key)
        raise NotDone(f"a lock knows no operation {operation.f!r}")

    def forget(self) -> None:
        """Keep no lease alive any longer, as a client that dies."""
        for held in self._held.values():
            held.lease.leave()

    def close(self) -> None:
        """Close the connection; leases end by themselves."""
        self.forget()
        super().close()

    def _acquire(self, operation: Operation, key: str) -> Operation:
        lease = Lease(self.site, self._ttl_s)
        try:
            held = self._got(key, lease)
        except BaseException:
            lease.leave()
            raise
        if held is None:
            lease.leave()
            with contextlib.suppress(NotDone, MayBeDone):
                self.gateway.change("lease/revoke", {"ID": lease.id})
            return fail(operation, "another client holds it")
        self._held[key] = held
        return ok_read(operation, None if self._trust == "lock-service" else int(held.created_at))

    def _got(self, key: str, lease: Lease) -> _Held | None:
        """The hold; None if another client has the lock."""
        if self._trust == "lock-service":
            reply = self.gateway.change("lock/lock", {"name": encoded(key), "lease": lease.id})
            return _Held(lease, reply["key"], "")
        created = self.if_all([unless_created(key)], [put_of(key, lease.id, lease=lease.id)])
        return None if created is None else _Held(lease, key, str(revision_of(created)))

    def _release(self, operation: Operation, key: str) -> Operation:
        held = self._held.pop(key, None)
        if held is None:
            return fail(operation, "this client does not hold it")
        trusted = self._trust != "revision" and held.lease.lives
        held.lease.leave()
        if trusted:
            with contextlib.suppress(NotDone, MayBeDone):
                self.gateway.change("lease/revoke", {"ID": held.lease.id})
            return ok(operation)
        if self._trust == "revision":
            found = self.if_all([if_created_at(key, held.created_at)], [delete_of(key)])
            return ok(operation) if found is not None else fail(operation, "the lock was lost")
        return fail(operation, "the lease was not kept alive in time, so the lock may have been lost")
