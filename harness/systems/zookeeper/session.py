"""A session of ZooKeeper by the library kazoo, and what its errors say about an operation."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError, RolledBackError
from kazoo.retry import KazooRetry

from harness.client.clients import MayBeDone, NotDone, Site
from harness.systems.zookeeper.system import Connect
from history import Operation

_MARK = "/mark"
ANSWERS = (BadVersionError, NodeExistsError, NoNodeError, RolledBackError)
"""Errors that are answers of the system: the request was carried out, and changed nothing."""

logging.getLogger("kazoo").setLevel(logging.CRITICAL)
"""kazoo logs each lost connection; the history says that in its own words."""


class SessionClient:
    """What every client of ZooKeeper has: one session, and a bound on the time of an operation.

    kazoo connects again by itself, and goes on with its session if that has not expired. No request is
    repeated here.

    Args:
        connect: whether to connect to the client's own node alone, or to the others as well if that fails.
        session_s: how long the session lives without a sign of life.
    """

    def __init__(self, site: Site, *, connect: Connect = "own-node", session_s: float = 4.0) -> None:
        self.site = site
        nodes = [site.node, *(name for name in site.members if name != site.node and connect == "all")]
        self.zk: Any = KazooClient(
            hosts=",".join(site.at(node=node) for node in nodes),
            timeout=session_s,
            randomize_hosts=False,
            connection_retry=KazooRetry(max_tries=-1, delay=0.2, backoff=1, max_delay=0.3),
        )
        self._until = 0.0
        self._changes = 0
        self._connected = threading.Event()
        self.zk.add_listener(self._see)
        self._made: set[str] = set()
        self._mark = f"{_MARK}/p{site.process}-{site.node}"

    def _see(self, state: str) -> None:
        """kazoo calls this in a thread of its own, whenever the connection changes."""
        if state == KazooState.CONNECTED:
            self._connected.set()
        else:
            self._changes += 1
            self._connected.clear()

    @property
    def interruptions(self) -> int:
        """How often the connection was lost so far."""
        return self._changes

    @property
    def left_s(self) -> float:
        """How much of the operation's time is left."""
        return max(self._until - time.monotonic(), 0.0)

    def open(self) -> None:
        """Connect, and begin a session."""
        self.zk.start(timeout=self.site.timeout_s)

    def close(self) -> None:
        """End the session, if its node still answers."""
        self.zk.stop()
        self.zk.close()

    def perform(self, operation: Operation) -> Operation:
        """Carry out an operation; its completion."""
        self._until = time.monotonic() + self.site.timeout_s
        return self.carry_out(operation)

    def carry_out(self, operation: Operation) -> Operation:
        """Carry out an operation that goes well.

        Raises:
            NotDone: it certainly does not happen.
            MayBeDone: it may happen.
        """
        raise NotImplementedError

    def await_connection(self) -> None:
        """Wait for a connection, as long as there is time.

        Raises:
            NotDone: there is none.
        """
        if not self._connected.wait(self.left_s):
            raise NotDone("no connection")

    def ask(self, request: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Send a request that changes nothing, or nothing that an operation is about; its result.

        Raises:
            NotDone: there is no answer.
            NoNodeError, NodeExistsError: answers.
        """
        try:
            return self.change(request, *arguments, **named)
        except MayBeDone as error:
            raise NotDone(str(error)) from error

    def change(self, request: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Send a request that changes something, by one of kazoo's `*_async` methods; its result.

        Raises:
            NotDone: it was not sent.
            MayBeDone: it may happen.
            NoNodeError, NodeExistsError, BadVersionError: answers; nothing was changed.
        """
        self.await_connection()
        try:
            return request(*arguments, **named).get(timeout=self.left_s)
        except ANSWERS:
            raise
        except Exception as error:  # whatever kazoo and its connection may raise
            raise MayBeDone(f"{type(error).__name__}: {error}".rstrip(": ")) from error

    def ensure(self, path: str) -> None:
        """Make a node of the tree that only holds others, unless this session has seen it."""
        if path not in self._made:
            self.ask(self.zk.ensure_path_async, path)
            self._made.add(path)

    def catch_up(self) -> None:
        """Update a node of the tree that is this client's own.

        The answer comes after all earlier updates, so what this client reads from its server afterwards
        contains all that was acknowledged before.

        Raises:
            NotDone: there is no answer.
        """
        self.ensure(self._mark)
        self.ask(self.zk.set_async, self._mark, b"")
