"""Clients of etcd for registers, instances, sets, and the comparison of the nodes' states."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from harness.client.clients import NotDone, Site, ok, ok_read
from harness.systems.etcd.gateway import Gateway, Json, decoded, encoded, prefix
from history import Operation

SETTLED_S = 0.2
"""A node that shows the same index and revision before and after this time is not applying an entry just now.
"""
PAUSE_S = 0.02
"""Between two tries of an operation that was kept from happening by another client's."""


class EtcdClient:
    """What every client of etcd has: one connection, and the words for what did not go well.

    Args:
        serializable: whether reads are answered from the node's own state, however old.
    """

    def __init__(self, site: Site, *, serializable: bool = False) -> None:
        self.site = site
        self.gateway = Gateway(site.at(), site.timeout_s)
        self._reads: Json = {"serializable": True} if serializable else {}

    def open(self) -> None:
        """Connect."""
        self.gateway.begin()
        self.gateway.connect()

    def perform(self, operation: Operation) -> Operation:
        """Carry out an operation; its completion."""
        self.gateway.begin()
        return self.carry_out(operation)

    def carry_out(self, operation: Operation) -> Operation:
        """Carry out an operation that goes well.

        Raises:
            NotDone: it certainly does not happen.
            MayBeDone: it may happen.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection."""
        self.gateway.close()

    def get(self, key: str) -> Json | None:
        """The entry of a key: `value`, `create_revision`, `mod_revision`; None if it is absent."""
        found = self.gateway.ask("kv/range", {"key": encoded(key), **self._reads}).get("kvs", [])
        return found[0] if found else None

    def all_under(self, start: str, **how: Any) -> list[Json]:
        """The entries of all keys that begin with a text; `how` are further fields of the request."""
        kvs: list[Json] = self.gateway.ask("kv/range", {**prefix(start), **how, **self._reads}).get("kvs", [])
        return kvs

    def put(self, key: str, value: str) -> None:
        """Put a value under a key."""
        self.gateway.change("kv/put", {"key": encoded(key), "value": encoded(value)})

    def delete(self, key: str) -> str | None:
        """Delete a key; the value that it had, None if it was absent."""
        reply = self.gateway.change("kv/deleterange", {"key": encoded(key), "prev_kv": True})
        return next((value_of(one) for one in reply.get("prev_kvs", [])), None)

    def if_all(self, compares: list[Json], changes: list[Json]) -> Json | None:
        """Make all changes at once if all comparisons hold; the reply, None if one does not hold."""
        reply = self.gateway.change("kv/txn", {"compare": compares, "success": changes})
        return reply if reply.get("succeeded") else None

    def wait_to_try_again(self) -> None:
        """Wait a moment before another try.

        Raises:
            NotDone: there is no time for one.
        """
        if self.gateway.left_s <= PAUSE_S:
            raise NotDone("other clients were faster each time")
        time.sleep(PAUSE_S)


def value_of(entry: Json) -> str:
    """The value of an entry."""
    return decoded(entry.get("value", ""))


def key_of(entry: Json) -> str:
    """The key of an entry."""
    return decoded(entry["key"])


def unless_created(key: str) -> Json:
    """The comparison that holds if a key is absent."""
    return {"key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": "0"}


def if_created_at(key: str, revision: str) -> Json:
    """The comparison that holds if a key was created at that revision, and not deleted since."""
    return {"key": encoded(key), "target": "CREATE", "result": "EQUAL", "create_revision": revision}


def if_changed_at(key: str, revision: str) -> Json:
    """The comparison that holds if a key was last changed at that revision; 0 for an absent key."""
    return {"key": encoded(key), "target": "MOD", "result": "EQUAL", "mod_revision": revision}


def put_of(key: str, value: str, **how: Any) -> Json:
    """A put, as a part of a transaction."""
    return {"request_put": {"key": encoded(key), "value": encoded(value), **how}}


def delete_of(key: str) -> Json:
    """A deletion, as a part of a transaction."""
    return {"request_delete_range": {"key": encoded(key)}}


class RegisterClient(EtcdClient):
    """`read`, `write` and `cas` of a key; a write of null removes it. And `hash` of a whole state."""

    def carry_out(self, operation: Operation) -> Operation:
        """A read is a range, a write a put, a cas a transaction that compares the value."""
        key = f"register/{operation.key}"
        match operation.f:
            case "read":
                found = self.get(key)
                return ok_read(operation, None if found is None else value_of(found))
            case "write":
                if operation.value is None:
                    self.delete(key)
                else:
                    self.put(key, operation.value)
                return ok(operation)
            case "cas":
                old, new = operation.value
                swapped = self.if_all([_if_holds(key, old)], [_hold(key, new)])
                return ok(operation) if swapped is not None else ok_read(operation, False)
            case "hash":
                return ok_read(operation, self._hash())
        raise NotDone(f"a register knows no operation {operation.f!r}")

    def _hash(self) -> list[Any]:
        """What the node has applied, and its state then; asked for again until both are of one moment.

        First comes a read through the majority, so the node has applied all that was acknowledged before.
        """
        self.gateway.ask("kv/range", {"key": encoded("hash")})
        while True:
            before = self._applied()
            reply = self.gateway.ask("maintenance/hash", {})
            time.sleep(SETTLED_S)
            if before == self._applied() == (before[0], reply["header"].get("revision", "0")):
                index, revision = before
                return [int(index), f"revision {revision}, hash {reply.get('hash', 0)}"]
            self.wait_to_try_again()

    def _applied(self) -> tuple[str, str]:
        """The index of the entry that the node has last applied, and the revision of its store."""
        status = self.gateway.ask("maintenance/status", {})
        return status.get("raftAppliedIndex", "0"), status["header"].get("revision", "0")


def _if_holds(key: str, value: str | None) -> Json:
    if value is None:
        return unless_created(key)
    return {"key": encoded(key), "target": "VALUE", "result": "EQUAL", "value": encoded(value)}


def _hold(key: str, value: str | None) -> Json:
    return delete_of(key) if value is None else put_of(key, value)


class InstanceClient(EtcdClient):
    """`register`, `deregister` and `lookup` of an instance: a key that holds the id of its registration."""

    def carry_out(self, operation: Operation) -> Operation:
        """A deregistration replies which registration it removed."""
        key = f"instance/{operation.key}"
        match operation.f:
            case "register":
                self.put(key, operation.value)
                return ok(operation)
            case "deregister":
                return ok_read(operation, self.delete(key))
            case "lookup":
                found = self.get(key)
                return ok_read(operation, None if found is None else value_of(found))
        raise NotDone(f"an instance knows no operation {operation.f!r}")


class SetClient(EtcdClient):
    """`add` of an integer, and `read` of all: one key for each element."""

    def carry_out(self, operation: Operation) -> Operation:
        """All elements are read in one range, which is one moment of the store."""
        start = f"set/{operation.key}/"
        match operation.f:
            case "add":
                self.put(f"{start}{operation.value}", str(operation.value))
                return ok(operation)
            case "read":
                return ok_read(operation, [int(value_of(one)) for one in self.all_under(start)])
        raise NotDone(f"a set knows no operation {operation.f!r}")


class TransactionClient(EtcdClient):
    """`txn` of appends to lists, writes and reads: read all at one revision, write if none changed."""

    def __init__(self, site: Site, *, start: str, serializable: bool = False) -> None:
        super().__init__(site, serializable=serializable)
        self._start = start
        """What the names of all keys begin with, so that lists and values are apart."""

    def carry_out(self, operation: Operation) -> Operation:
        """Tries until no other client's change came in between."""
        steps: list[list[Any]] = operation.value
        keys = list(dict.fromkeys(str(step[1]) for step in steps))
        while True:
            entries = self._read(keys)
            state = {key: _json(entry) for key, entry in entries.items()}
            done, written = _carried_out(steps, state)
            if not written:
                return ok(operation, done)
            compares = [if_changed_at(f"{self._start}{key}", _changed_at(entries.get(key))) for key in keys]
            changes = [
                put_of(f"{self._start}{key}", msgspec.json.encode(state[key]).decode()) for key in written
            ]
            if self.if_all(compares, changes) is not None:
                return ok(operation, done)
            self.wait_to_try_again()

    def _read(self, keys: list[str]) -> dict[str, Json]:
        """The entries of those of the keys that are there, all of one revision."""
        ranges = [{"request_range": {"key": encoded(f"{self._start}{key}"), **self._reads}} for key in keys]
        replies = self.gateway.ask("kv/txn", {"success": ranges}).get("responses", [])
        found = [entry for reply in replies for entry in reply["response_range"].get("kvs", [])]
        return {key_of(entry).removeprefix(self._start): entry for entry in found}


def _json(entry: Json) -> Any:
    return msgspec.json.decode(value_of(entry))


def _changed_at(entry: Json | None) -> str:
    return "0" if entry is None else str(entry["mod_revision"])


def _carried_out(steps: list[list[Any]], state: dict[str, Any]) -> tuple[list[list[Any]], list[str]]:
    """Carry out the steps on a state, which they change; the steps with their reads, and the keys written."""
    done: list[list[Any]] = []
    written: dict[str, None] = {}
    for f, key, argument in steps:
        name = str(key)
        match f:
            case "append":
                state[name] = [*(state.get(name) or ()), argument]
                written[name] = None
            case "w":
                state[name] = argument
                written[name] = None
            case "r":
                argument = state.get(name)
            case _:
                raise NotDone(f"a transaction knows no step {f!r}")
        done.append([f, key, argument])
    return done, list(written)
