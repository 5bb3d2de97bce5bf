"""Instances of ZooKeeper that live as long as their session: ephemeral nodes of the tree.

`register` begins a session of its own, which makes the node; kazoo then keeps it alive, as a live service
does. `deregister` lets that session fall silent, as if its program had died: its connection ends, and no
server learns why. So ZooKeeper must end the session, and remove the node, by itself. A `lookup` reads it.

The sessions belong to the run, not to the client that began them: an instance must not expire because a
client of the harness was replaced. If a session has expired, because its program reached no server for too
long, a new one makes the node again. A session that lives makes nothing again.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError,
    NodeExistsError,
    NoNodeError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.retry import KazooRetry

from harness.client.clients import MayBeDone, NotDone, Site, ok, ok_read
from harness.systems.zookeeper.data import DataClient
from harness.systems.zookeeper.system import Connect, Reads
from history import Operation

FOLDER = "/ephemeral"
RETRY_S = 0.3
NEW_S = 10.0
"""For so long after a new session made the node, a lookup may rightly have found nothing."""
RUN_OVER_S = 10.0
"""A run without an open client for so long is over."""
_CHANGED_MEANWHILE = (BadVersionError, NodeExistsError, NoNodeError, RolledBackError, RuntimeInconsistency)


class Holder:
    """One session, and the node that it keeps."""

    def __init__(self, hosts: str, session_s: float, path: str, id_: str) -> None:
        self.path = path
        self.id = id_
        self.is_certain = False
        """Whether it is known to have made the node."""
        self.zk: Any = KazooClient(
            hosts=hosts,
            timeout=session_s,
            connection_retry=KazooRetry(max_tries=-1, delay=0.2, backoff=1, max_delay=0.3),
        )
        self._lost = False
        self._made_again_at = -NEW_S
        self._silent = False
        self.zk.add_listener(self._see)

    def _see(self, state: str) -> None:
        """kazoo calls this in a thread of its own, whenever the session changes."""
        if state == KazooState.LOST:
            self._lost = True
        elif state == KazooState.CONNECTED and self._lost and not self._silent:
            threading.Thread(target=self._make_again, name="an instance", daemon=True).start()

    def _make_again(self) -> None:
        """Make the node in the new session, until it is there."""
        while not self._silent:
            try:
                self._make()
            except Exception:  # noqa: BLE001 - whatever kazoo and its connection may raise: try again
                time.sleep(RETRY_S)
                continue
            self._lost, self._made_again_at = False, time.monotonic()
            return

    def _make(self) -> None:
        """Make the node in this session.

        Raises:
            NodeExistsError: an earlier session keeps it, and may end: a leader that was paused calls sessions
                expired, and the next leader keeps their nodes for some seconds.
        """
        try:
            self.zk.create(self.path, self.id.encode(), ephemeral=True)
        except NodeExistsError:
            _, state = self.zk.get(self.path)
            if state.ephemeralOwner != self.zk.client_id[0]:
                raise

    def is_alive(self, bound_s: float) -> bool:
        """Whether a server answers in this session, which is not a new one."""
        if self._lost or time.monotonic() - self._made_again_at < NEW_S:
            return False
        try:
            self.zk.exists_async(self.path).get(timeout=bound_s)
        except Exception:  # noqa: BLE001 - whatever kazoo and its connection may raise
            return False
        return True

    def fall_silent(self) -> None:
        """End the connection and the threads, and tell no server that the session is over."""
        self._silent = True
        self.zk._stopped.set()
        connected = self.zk._connection._socket
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)
        self.zk.handler.stop()


class Holders:
    """All sessions of a run that keep a node, by its path. Clients use it from threads of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_path: dict[str, list[Holder]] = {}
        self._turns: dict[str, threading.Lock] = {}
        self._clients = 0

    def join(self) -> None:
        """A client opens."""
        with self._lock:
            self._clients += 1

    def leave(self) -> None:
        """A client closes. When none was open for a while, the run is over, and so are the sessions."""
        with self._lock:
            self._clients -= 1
            is_last = self._clients == 0
        if is_last:
            timer = threading.Timer(RUN_OVER_S, self._end)
            timer.daemon = True
            timer.start()

    def _end(self) -> None:
        with self._lock:
            left = [] if self._clients else [one for each in self._by_path.values() for one in each]
        for holder in left:
            holder.fall_silent()

    @contextlib.contextmanager
    def registering(self, path: str, bound_s: float) -> Iterator[None]:
        """Let one client at a time make the node, so that the sessions are known in their order.

        Raises:
            NotDone: the others take longer than the bound.
        """
        with self._lock:
            turn = self._turns.setdefault(path, threading.Lock())
        if not turn.acquire(timeout=bound_s):
            raise NotDone("other clients take too long to register the same instance")
        try:
            yield
        finally:
            turn.release()

    def keep(self, holder: Holder) -> None:
        """Let a session keep the node of its path. One that made it for certain replaces those that did.

        A session that may have made the node may also do so later: it is kept in any case.
        """
        with self._lock:
            before = self._by_path.get(holder.path, [])
            over = [other for other in before if holder.is_certain and other.is_certain]
            self._by_path[holder.path] = [*(other for other in before if other not in over), holder]
        for other in over:
            other.fall_silent()

    def are_alive(self, path: str, bound_s: float) -> bool:
        """Whether all sessions that keep the node still have a server that answers them."""
        with self._lock:
            holders = list(self._by_path.get(path, ()))
        return all(holder.is_alive(bound_s) for holder in holders)

    def drop(self, path: str) -> None:
        """Let the sessions that keep the node fall silent."""
        with self._lock:
            holders = self._by_path.pop(path, [])
        for holder in holders:
            holder.fall_silent()


class EphemeralClient(DataClient):
    """`register`, `deregister` and `lookup` of ephemeral nodes."""

    def __init__(
        self,
        site: Site,
        *,
        holders: Holders,
        reads: Reads = "plain",
        connect: Connect = "own-node",
        session_s: float = 4.0,
    ) -> None:
        super().__init__(site, reads=reads, connect=connect, session_s=session_s)
        self._holders = holders
        self._session_s = session_s
        self._joined = False

    def carry_out(self, operation: Operation) -> Operation:
        """A lookup may show an old state, as each read of ZooKeeper."""
        self.ensure(FOLDER)
        path = f"{FOLDER}/" + str(operation.key).replace("/", "|")
        match operation.f:
            case "register":
                self._register(path, str(operation.value))
                return ok(operation)
            case "deregister":
                self._holders.drop(path)
                return ok(operation)
            case "lookup":
                found = self.get(path)
                if found is None and not self._holders.are_alive(path, self.left_s):
                    raise NotDone("found nothing, but the session that keeps the node has lost its servers")
                return ok_read(operation, None if found is None else found[0])
        raise NotDone(f"an ephemeral node knows no operation {operation.f!r}")

    def open(self) -> None:
        """Connect, and begin a session for lookups."""
        super().open()
        self._holders.join()
        self._joined = True

    def close(self) -> None:
        """End the session for lookups; those of instances go on."""
        if self._joined:
            self._joined = False
            self._holders.leave()
        super().close()

    def _register(self, path: str, id_: str) -> None:
        """Make the node in a session of its own, in the place of the one that is there.

        Raises:
            NotDone: other clients were faster each time, or there is no connection.
            MayBeDone: there was no answer; then the session is kept, since it may have made the node.
        """
        hosts = ",".join(self.site.at(node=node) for node in self.site.members)
        with self._holders.registering(path, self.left_s):
            holder = Holder(hosts, self._session_s, path, id_)
            try:
                holder.zk.start(timeout=self.left_s)
                while not self._made_node(holder):
                    self.go_on()
                holder.is_certain = True
            except MayBeDone:
                self._holders.keep(holder)
                raise
            except Exception as error:  # whatever kazoo raised, its session made no node
                holder.fall_silent()
                raise NotDone(f"{type(error).__name__}: {error}") from error
            self._holders.keep(holder)

    def _made_node(self, holder: Holder) -> bool:
        """Try once; whether the session made the node. Else another client was faster."""
        found = self.get(holder.path, "write")
        changes = holder.zk.transaction()
        if found is not None:
            changes.delete(holder.path, version=found[1])
        changes.create(holder.path, holder.id.encode(), ephemeral=True)
        results = self.change(changes.commit_async)
        wrong = [result for result in results if isinstance(result, Exception)]
        strange = [result for result in wrong if not isinstance(result, _CHANGED_MEANWHILE)]
        if strange:
            raise strange[0]
        return not wrong
