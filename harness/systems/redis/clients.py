"""A client of Redis: it asks the Sentinel of its node for the master, as clients of Sentinel do."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Literal

import msgspec

from harness.client.clients import Site, fail, info, lost, ok, ok_read
from harness.systems.redis.resp import Connection, Refused
from history import Operation

CLIENT_PORT, SENTINEL_PORT = "client", "sentinel"
MASTER_NAME = "ackproof"
WITHOUT_EFFECT = frozenset(
    {"READONLY", "NOREPLICAS", "LOADING", "MASTERDOWN", "MISCONF", "OOM", "WRONGTYPE", "NOAUTH", "ERR"}
)
"""The codes of refusals after which a command has not been carried out, and will not be."""

SWAP = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0"
)
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) return 1 end return 0"


class HowToUse(msgspec.Struct, frozen=True):
    """What clients ask for."""

    reads_own_node: bool = False
    """Whether reads are sent to the client's own node, master or replica."""
    wait: int = 0
    """How many replicas a write waits for, by WAIT; with fewer, its outcome counts as unknown."""
    lock_ms: int = 4000
    """After this time a lock is free again by itself."""


class RedisClient:
    """Carries out operations: each is one command, or one script.

    Args:
        reading: the command that reads a key: GET, or SMEMBERS for sets.
    """

    def __init__(self, site: Site, how: HowToUse, reading: Literal["GET", "SMEMBERS"] = "GET") -> None:
        self._site = site
        self._reading = reading
        self._how = how
        self._master: Connection | None = None
        self._own: Connection | None = None
        self._tokens: dict[str, str] = {}

    async def open(self) -> None:
        """Connections are made when they are needed."""

    async def perform(self, operation: Operation) -> Operation:
        """Carry out an invocation on the master that this node's Sentinel names."""
        try:
            async with asyncio.timeout(self._site.timeout_s):
                try:
                    connection = await self._connection(operation)
                except (OSError, EOFError, ValueError, Refused) as error:
                    self.close()
                    return fail(operation, f"no master: {error!r}")
                return await self._done(connection, operation)
        except Refused as refusal:
            if refusal.code == "READONLY":
                self.close()  # it is no master any more
            return fail(operation, refusal) if refusal.code in WITHOUT_EFFECT else lost(operation, refusal)
        except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
            self.close()
            return lost(operation, error)

    def close(self) -> None:
        """Close the connections."""
        for connection in (self._master, self._own):
            if connection is not None:
                connection.close()
        self._master = self._own = None

    async def _connection(self, operation: Operation) -> Connection:
        """The connection for an operation, made if there is none."""
        if operation.f == "read" and self._how.reads_own_node:
            if self._own is None:
                self._own = await Connection.to(self._site.at(CLIENT_PORT))
            return self._own
        if self._master is None:
            self._master = await self._to_master()
        return self._master

    async def _to_master(self) -> Connection:
        """Ask the Sentinel, connect, and look whether it is a master, as the guide for clients says.

        Raises:
            OSError, EOFError, ValueError, Refused: there is none.
        """
        sentinel = await Connection.to(self._site.at(SENTINEL_PORT))
        try:
            named = await sentinel.do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)
        finally:
            sentinel.close()
        if not named:
            raise ValueError("the Sentinel knows no master")
        master = await Connection.to(f"{named[0]}:{named[1]}")
        role = await master.do("ROLE")
        if role[0] != "master":
            master.close()
            raise ValueError(f"{named[0]} is a {role[0]}, no master")
        return master

    async def _done(self, connection: Connection, operation: Operation) -> Operation:
        """The completion of an operation that the server did not refuse."""
        reply = await connection.do(*self._command(operation))
        completion = self._completion(operation, reply)
        if self._how.wait and operation.f != "read" and completion.type == "ok":
            bound_ms = int(self._site.timeout_s * 500)
            try:
                reached = await connection.do("WAIT", self._how.wait, bound_ms)
            except Refused as refusal:  # it was a master, and is none now: the command was carried out
                self.close()
                return info(operation, refusal)
            if reached < self._how.wait:
                return info(operation, f"it reached {reached} replicas in {bound_ms} ms")
        return completion

    def _command(self, operation: Operation) -> tuple[object, ...]:
        key, value = operation.key or "all", operation.value
        match operation.f, value:
            case "read", _:
                return (self._reading, key)
            case "write", None:
                return ("DEL", key)
            case "write", _:
                return ("SET", key, value)
            case "cas", [old, new]:
                return ("EVAL", SWAP, 1, key, old, new)
            case "add", _:
                return ("SADD", key, value)
            case "enqueue", _:
                return ("RPUSH", key, value)
            case "dequeue", _:
                return ("LPOP", key)
            case "acquire", _:
                self._tokens[key] = secrets.token_hex(8)
                return ("SET", key, self._tokens[key], "NX", "PX", self._how.lock_ms)
            case "release", _:
                return ("EVAL", RELEASE, 1, key, self._tokens.pop(key, "none"))
        raise ValueError(f"this client knows no {operation.f!r} of {value!r}")

    def _completion(self, operation: Operation, reply: Any) -> Operation:
        match operation.f:
            case "read":
                return ok_read(operation, [int(each) for each in reply] if isinstance(reply, list) else reply)
            case "dequeue":
                return ok_read(operation, reply)
            case "cas" if reply == 0:
                return ok_read(operation, False)
            case "acquire":
                return fail(operation, "it is held") if reply is None else ok_read(operation, None)
            case "release" if reply == 0:
                return fail(operation, "it was not held any more")
        return ok(operation)
