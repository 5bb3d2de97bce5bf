"""Clients of any protocol: what a system's file provides, and how the harness keeps them from stopping it.

A client belongs to one process of the history and one node. It is opened at the first operation of that
process on that node, and given up when an operation's outcome is not known, since that process is over then.

    class MyClient:
        def __init__(self, site: Site) -> None: ...
        def open(self) -> None: ...                               # each may be `async def` as well
        def perform(self, operation: Operation) -> Operation: ...  # ok(...), fail(...) or info(...)
        def close(self) -> None: ...

Each client runs in a thread of its own, with an event loop of its own, inside the network of the nodes. So
a library may block, start threads, and make its sockets as it likes; and a client that hangs, or spins in
Python, stops only itself: its operation becomes `info` after the time-out. A thread that spins is ended then,
or it would take its share of the processor, and of Python's global lock, for the rest of the run.

A library in C that computes without end and keeps Python's global lock (a pattern that backtracks,
`7**10**9`) stops all threads, and so the harness; and one that crashes ends it. own_process.py keeps such a
library in a process of its own: `clients = {"register": in_own_process(MyClient)}`.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from inspect import isawaitable
from typing import Any, Protocol, runtime_checkable

import msgspec

from harness.client.data_types import READS
from harness.client.net import Entering
from harness.errors import place_of, placed, raised
from history import Operation

GRACE_S = 1.0
"""How much longer than its own time-out a client may take before its operation is given up."""
CLOSE_BOUND_S = 2.0


class Site(msgspec.Struct, frozen=True):
    """What a client knows of its place in a run."""

    node: str
    """The node that it speaks to."""
    members: Mapping[str, Mapping[str, str]]
    """By name of each node and of each port, the `host:port`."""
    process: int
    """The process of the history that it belongs to."""
    timeout_s: float
    """How long it may wait for an answer to one operation."""
    seed: int = 0

    def at(self, port: str = "client", node: str | None = None) -> str:
        """The `host:port` of a node, by default of the client's own."""
        return self.members[node or self.node][port]

    @property
    def host(self) -> str:
        """The host of the client's node."""
        return self.at().rpartition(":")[0]

    def port(self, name: str = "client") -> int:
        """The number of a port of the client's node."""
        return int(self.at(name).rpartition(":")[2])


class NotDone(Exception):
    """What was asked for certainly did not happen, and will not: it was not sent, or it was refused."""


class MayBeDone(Exception):
    """A change was sent, and no answer says whether it happened, or will yet happen."""


class ReportedError(Exception):
    """What a client raised in a process of its own, in words."""


class _GivenUp(BaseException):
    """Raised in the thread of a client that was given up, wherever its code is."""


class Client(Protocol):
    """Carries out operations on one node. Each method may also be a coroutine function."""

    def open(self) -> Awaitable[None] | None:
        """Connect. If this raises, the operation that it was opened for certainly did not happen: `fail`."""
        ...

    def perform(self, operation: Operation) -> Awaitable[Operation] | Operation:
        """Carry out an invocation; its completion.

        Raises:
            NotDone: the completion is `fail`.
            MayBeDone: the completion is `info`.
            Exception: the client is broken: a write is `info`, a read is `fail`.
        """
        ...

    def close(self) -> Awaitable[None] | None:
        """Let go of what was opened."""
        ...


MakeClient = Callable[[Site], Client]


@runtime_checkable
class StartsSlowly(Protocol):
    """A maker of clients that need time before they can open."""

    @property
    def start_s(self) -> float:
        """How much longer than others their first operation may take."""
        ...


def ok(operation: Operation, value: Any = None) -> Operation:
    """The completion of an operation that happened, with its result; without one, the value stays."""
    return msgspec.structs.replace(operation, type="ok", value=operation.value if value is None else value)


def ok_read(operation: Operation, value: Any) -> Operation:
    """The completion of a read, whose result may be null."""
    return msgspec.structs.replace(operation, type="ok", value=value)


def fail(operation: Operation, error: object) -> Operation:
    """The completion of an operation that certainly did not happen, and will not."""
    return msgspec.structs.replace(operation, type="fail", error=in_words(error))


def info(operation: Operation, error: object) -> Operation:
    """The completion of an operation that may have happened, or may yet happen."""
    return msgspec.structs.replace(operation, type="info", error=in_words(error))


def lost(operation: Operation, error: object) -> Operation:
    """The completion of an operation without an answer: a read has failed, a write may have happened."""
    return fail(operation, error) if operation.f in READS else info(operation, error)


def in_words(error: object) -> str:
    """An error in one line, for the history; a bug with its place."""
    if isinstance(error, BaseException) and not isinstance(error, ReportedError):
        return raised(error)
    return " ".join(str(error).split())


def client_of(make: MakeClient, site: Site) -> Client:
    """A client for its site.

    Raises:
        NotDone: as the constructor says.
        ReportedError: the constructor raised something else; in words, with the line of the user's file. It
            counts as a bug (`harness.errors.names_bug`), unless a connection may be missing.
    """
    try:
        return make(site)
    except NotDone:
        raise
    except OSError as error:  # some clients connect when they are made
        raise ReportedError(f"{in_words(error)}, in {place_of(error)}") from error
    except Exception as error:  # a user's code may raise anything
        raise ReportedError(f"the constructor raised {placed(error)}") from error


async def open_by(client: Client) -> None:
    """Let a client open.

    Raises:
        Exception: it cannot.
    """
    opening = client.open()
    if isawaitable(opening):
        await opening


async def close_by(client: Client) -> None:
    """Let a client close. It is over in any case, so what it raises does not count."""
    with suppress(Exception):
        closing = client.close()
        if isawaitable(closing):
            await closing


async def completion_by(client: Client, operation: Operation) -> Operation:
    """Let an open client carry out an invocation; its completion.

    Raises:
        Exception: the client is broken.
    """
    try:
        done = client.perform(operation)
        return await done if isawaitable(done) else done
    except NotDone as error:
        return fail(operation, str(error))
    except MayBeDone as error:
        return info(operation, str(error))


class ClientPool:
    """The clients of a run, by process and node. Use as `async with`.

    Args:
        make: makes a client for its site.
        members: by name of each node and of each port, the `host:port`.
        timeout_s: how long a client may wait for an answer.
        entering: puts a client's thread into the network of the nodes.
    """

    def __init__(
        self,
        make: MakeClient,
        members: Mapping[str, Mapping[str, str]],
        timeout_s: float,
        entering: Entering = nullcontext,
        seed: int = 0,
    ) -> None:
        self._make = make
        self._members = members
        self._timeout_s = timeout_s
        self._entering = entering
        self._seed = seed
        self._clients: dict[tuple[int, str], _ThreadedClient] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ClientPool:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            self._leave(client)
        self._clients.clear()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=2 * CLOSE_BOUND_S)

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation on its node; its completion."""
        key = (operation.process, str(operation.node))
        client = self._clients.get(key)
        if client is None:
            site = Site(key[1], self._members, operation.process, self._timeout_s, self._seed)
            self._clients[key] = client = _ThreadedClient(self._make, site, self._entering)
        completion = await client.perform(operation)
        if completion.type == "info" or not client.is_open:
            for other in [one for one in self._clients if one[0] == operation.process]:
                if completion.type == "info" or other == key:
                    self._leave(self._clients.pop(other))
        return completion

    def _leave(self, client: _ThreadedClient) -> None:
        leaving = asyncio.create_task(client.close())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


class _ThreadedClient:
    """One client in a thread of its own."""

    def __init__(self, make: MakeClient, site: Site, entering: Entering) -> None:
        self._site = site
        self._make = make
        self._client: Client | None = None
        self._loop = asyncio.new_event_loop()
        self._entering = entering
        self.is_open = False
        self._is_closing = False
        self._thread = threading.Thread(
            target=self._run, name=f"client {site.process} of {site.node}", daemon=True
        )
        self._thread.start()

    def _run(self) -> None:
        with self._entering():
            asyncio.set_event_loop(self._loop)
            with suppress(_GivenUp):
                self._loop.run_forever()
            for _ in range(2):  # the only _GivenUp of a thread may come this late
                with suppress(_GivenUp):
                    self._loop.run_until_complete(self._end())
                    break
            self._loop.close()

    async def _end(self) -> None:
        """Leave nothing of the client: its tasks end, and one that hung as it was to close does so now.

        Otherwise what it began would go on: threads of a library that keep its session, and so its locks.
        """
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=CLOSE_BOUND_S)
        if self._client is not None and not self._is_closing:
            self._is_closing = True
            with suppress(TimeoutError):
                await asyncio.wait_for(close_by(self._client), CLOSE_BOUND_S)

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation; an answer that does not come in time is given up."""
        waited_s = self._site.timeout_s + GRACE_S
        if not self.is_open and isinstance(self._make, StartsSlowly):
            waited_s += self._make.start_s
        doing = asyncio.run_coroutine_threadsafe(self._perform(operation), self._loop)
        try:
            async with asyncio.timeout(waited_s):
                completion = await asyncio.wrap_future(doing)
        except TimeoutError:
            self.is_open = False
            return info(operation, f"the client gave no answer within {waited_s:g} s, and was given up")
        return completion_of(operation, completion)

    async def _perform(self, operation: Operation) -> Operation:
        """In the client's own thread: open it if it is not open, and carry out the operation."""
        try:
            return await self._carried_out(operation)
        except _GivenUp as end:
            return info(operation, end)  # which is known already

    async def _carried_out(self, operation: Operation) -> Operation:
        if not self.is_open:
            try:
                self._client = client_of(self._make, self._site)
                await open_by(self._client)
            except Exception as error:  # noqa: BLE001 - a library, or a user's code, may raise anything
                if isinstance(error, NotDone) and str(error):  # it says in its own words what was not done
                    return fail(operation, str(error))
                return fail(operation, f"no connection: {in_words(error)}")
            self.is_open = True
        assert self._client is not None
        try:
            return await completion_by(self._client, operation)
        except Exception as error:  # noqa: BLE001 - as above
            self.is_open = False
            return lost(operation, error)

    async def close(self) -> None:
        """Close the client within a bound, and end its thread; a thread that hangs ends when it goes on."""
        closing: Future[None] = asyncio.run_coroutine_threadsafe(self._close(), self._loop)
        try:
            async with asyncio.timeout(CLOSE_BOUND_S):
                await asyncio.wrap_future(closing)
        except TimeoutError:
            self._raise_in_thread()
        self._loop.call_soon_threadsafe(self._loop.stop)
        # One that hangs in a library is a daemon: it does not keep the harness from ending.
        await asyncio.to_thread(self._thread.join, CLOSE_BOUND_S)

    def _raise_in_thread(self) -> None:
        """Raise `_GivenUp` where the thread runs Python; one that waits in a library gets it afterwards."""
        thread = self._thread.ident
        assert thread is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_GivenUp))

    async def _close(self) -> None:
        self._is_closing = True
        if self._client is not None:
            await close_by(self._client)


def completion_of(operation: Operation, completion: object) -> Operation:
    """The completion, if it is one of this invocation; else `info`, and the reason."""
    if isinstance(completion, Operation) and completion.type in ("ok", "fail", "info"):
        return msgspec.structs.replace(
            operation,
            type=completion.type,
            value=completion.value,
            error=completion.error,
            raft_index=completion.raft_index,
        )
    return info(operation, f"the client returned {type(completion).__name__}, not a completion")
