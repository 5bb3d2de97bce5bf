"""Clients of ZooKeeper for registers, instances, sets and a counter."""

from __future__ import annotations

from typing import Any

from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError

from harness.client.clients import NotDone, Site, ok, ok_read
from harness.systems.zookeeper.session import SessionClient
from harness.systems.zookeeper.system import Connect, Reads
from history import Operation

COUNTER = "/counter"
"""The node of the tree that holds the only counter."""
_IS_THERE = "="
"""What the data of a node begin with whose key holds something."""


class DataClient(SessionClient):
    """A client that reads nodes of the tree, with something before each read that keeps it from being old.

    Args:
        reads: `write`: an update of a node of its own, whose answer comes after all earlier updates; `sync`:
            the request of that name, which goes through the leader and not through a majority; `plain`:
            nothing.
    """

    def __init__(
        self, site: Site, *, reads: Reads = "write", connect: Connect = "own-node", session_s: float = 4.0
    ) -> None:
        super().__init__(site, connect=connect, session_s=session_s)
        self._reads = reads

    def prepare(self, path: str, how: Reads | None = None) -> None:
        """Do what comes before a read of a path, so that it is as new as the option `reads` asks for."""
        match how or self._reads:
            case "write":
                self.catch_up()
            case "sync":
                self.ask(self.zk.sync_async, path)
            case "plain":
                pass

    def get(self, path: str, how: Reads | None = None) -> tuple[str, int] | None:
        """The value of a node and the number of its changes; None if it is absent."""
        self.prepare(path, how)
        try:
            value, state = self.ask(self.zk.get_async, path)
        except NoNodeError:
            return None
        return value.decode(), state.version

    def go_on(self) -> None:
        """Let an operation try again what another client kept from happening.

        Raises:
            NotDone: there is no time left.
        """
        if self.left_s <= 0:
            raise NotDone("other clients were faster each time")


class KeyClient(DataClient):
    """A client of keys whose values are compared before they are replaced.

    A node of the tree that was removed and made again counts its changes from 0: a change that was to meet
    the old one would be made to the new one. So the node of a key stays once it was made, and its data say
    whether the key is there.
    """

    def held(self, path: str, how: Reads | None = None) -> tuple[str | None, int | None]:
        """The value of a key, and the number of its node's changes; each is None if there is none."""
        found = self.get(path, how)
        if found is None:
            return None, None
        data, version = found
        return data.removeprefix(_IS_THERE) if data else None, version

    def hold(self, path: str, value: str | None) -> None:
        """Let a key hold a value, or nothing, whatever it holds."""
        while True:
            try:
                self.change(self.zk.set_async, path, _data_of(value))
                return
            except NoNodeError:
                pass
            try:
                self.change(self.zk.create_async, path, _data_of(value))
                return
            except NodeExistsError:
                self.go_on()

    def replaced(self, path: str, version: int | None, value: str | None) -> bool:
        """Let a key hold a value if its node is still at this version; whether it was."""
        try:
            if version is None:
                self.change(self.zk.create_async, path, _data_of(value))
            else:
                self.change(self.zk.set_async, path, _data_of(value), version=version)
        except (BadVersionError, NoNodeError, NodeExistsError):
            return False
        return True


def _data_of(value: str | None) -> bytes:
    return b"" if value is None else f"{_IS_THERE}{value}".encode()


class RegisterClient(KeyClient):
    """`read`, `write` and `cas` of a key; a write of null removes it."""

    def carry_out(self, operation: Operation) -> Operation:
        """A key is a node of the tree below `/register`."""
        self.ensure("/register")
        path = f"/register/{operation.key}"
        match operation.f:
            case "read":
                return ok_read(operation, self.held(path)[0])
            case "write":
                self.hold(path, operation.value)
                return ok(operation)
            case "cas":
                old, new = operation.value
                return ok(operation) if self._swapped(path, old, new) else ok_read(operation, False)
        raise NotDone(f"a register knows no operation {operation.f!r}")

    def _swapped(self, path: str, old: str | None, new: str | None) -> bool:
        """Whether the old value was there, and so was replaced. The read before is never an old one."""
        while True:
            value, version = self.held(path, "write")
            if value != old:
                return False
            if self.replaced(path, version, new):
                return True
            self.go_on()


class InstanceClient(KeyClient):
    """`register`, `deregister` and `lookup` of an instance, which stays when the session ends."""

    def carry_out(self, operation: Operation) -> Operation:
        """A deregistration replies which registration it removed."""
        self.ensure("/instance")
        path = "/instance/" + str(operation.key).replace("/", "|")
        match operation.f:
            case "register":
                self.hold(path, str(operation.value))
                return ok(operation)
            case "deregister":
                return ok_read(operation, self._deregistered(path))
            case "lookup":
                return ok_read(operation, self.held(path)[0])
        raise NotDone(f"an instance knows no operation {operation.f!r}")

    def _deregistered(self, path: str) -> str | None:
        while True:
            value, version = self.held(path, "write")
            if value is None or self.replaced(path, version, None):
                return value
            self.go_on()


class SetClient(DataClient):
    """`add` of an integer, and `read` of all: one node of the tree for each element."""

    def carry_out(self, operation: Operation) -> Operation:
        """The elements of a key are the children of its node."""
        self.ensure(f"/set/{operation.key}")
        path = f"/set/{operation.key}"
        match operation.f:
            case "add":
                self._add(f"{path}/{operation.value}")
                return ok(operation)
            case "read":
                self.prepare(path)
                children: Any = self.ask(self.zk.get_children_async, path)
                return ok_read(operation, sorted(map(int, children)))
        raise NotDone(f"a set knows no operation {operation.f!r}")

    def _add(self, path: str) -> None:
        try:
            self.change(self.zk.create_async, path)
        except NodeExistsError:
            return


class CounterClient(DataClient):
    """`add` to a number, and `read` of it: one node of the tree holds it.

    An addition replaces the number at the version at which it was read. It is tried again only if the answer
    was that another client had been faster, never if there was no answer.
    """

    def carry_out(self, operation: Operation) -> Operation:
        """Add to the only counter, or read it."""
        self.ensure(COUNTER)
        match operation.f:
            case "add":
                while not self._replaced(int(operation.value)):
                    self.go_on()
                return ok(operation)
            case "read":
                return ok_read(operation, self._number()[0])
        raise NotDone(f"a counter knows no operation {operation.f!r}")

    def _number(self, how: Reads | None = None) -> tuple[int, int]:
        """The number, and the number of its changes."""
        found = self.get(COUNTER, how)
        if found is None:
            raise NotDone("the server that was asked does not have the counter yet")
        return int(found[0] or 0), found[1]

    def _replaced(self, amount: int) -> bool:
        """Replace the number by a greater one; whether it was still the same."""
        number, version = self._number("plain")
        try:
            self.change(self.zk.set_async, COUNTER, str(number + amount).encode(), version=version)
        except BadVersionError:
            return False
        return True
