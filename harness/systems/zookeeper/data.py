"""Clients of ZooKeeper for registers, instances and sets."""

from __future__ import annotations

from typing import Any

from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError

from harness.client.clients import NotDone, Site, ok, ok_read
from harness.systems.zookeeper.session import SessionClient
from harness.systems.zookeeper.system import Connect, Reads
from history import Operation

_MARK = "/mark"


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
        self._mark = f"{_MARK}/p{site.process}-{site.node}"

    def catch_up(self, path: str, how: Reads | None = None) -> None:
        """Let the node that this client is connected to catch up with what was acknowledged before."""
        match how or self._reads:
            case "write":
                self.ensure(self._mark)
                self.ask(self.zk.set_async, self._mark, b"")
            case "sync":
                self.ask(self.zk.sync_async, path)
            case "plain":
                pass

    def get(self, path: str, how: Reads | None = None) -> tuple[str, int] | None:
        """The value of a node and the number of its changes; None if it is absent."""
        self.catch_up(path, how)
        try:
            value, state = self.ask(self.zk.get_async, path)
        except NoNodeError:
            return None
        return value.decode(), state.version

    def put(self, path: str, value: str) -> None:
        """Set the value of a node, which is made if it is absent."""
        while True:
            try:
                self.change(self.zk.set_async, path, value.encode())
                return
            except NoNodeError:
                pass
            try:
                self.change(self.zk.create_async, path, value.encode())
                return
            except NodeExistsError:
                self.go_on()

    def remove(self, path: str) -> None:
        """Remove a node, if it is there."""
        try:
            self.change(self.zk.delete_async, path)
        except NoNodeError:
            return

    def go_on(self) -> None:
        """Let an operation try again what another client kept from happening.

        Raises:
            NotDone: there is no time left.
        """
        if self.left_s <= 0:
            raise NotDone("other clients were faster each time")


class RegisterClient(DataClient):
    """`read`, `write` and `cas` of a key; a write of null removes it."""

    def carry_out(self, operation: Operation) -> Operation:
        """A key is a node of the tree below `/register`."""
        self.ensure("/register")
        path = f"/register/{operation.key}"
        match operation.f:
            case "read":
                found = self.get(path)
                return ok_read(operation, None if found is None else found[0])
            case "write":
                if operation.value is None:
                    self.remove(path)
                else:
                    self.put(path, operation.value)
                return ok(operation)
            case "cas":
                old, new = operation.value
                return ok(operation) if self._swapped(path, old, new) else ok_read(operation, False)
        raise NotDone(f"a register knows no operation {operation.f!r}")

    def _swapped(self, path: str, old: str | None, new: str | None) -> bool:
        """Whether the old value was there, and so was replaced. The read before is never an old one."""
        while True:
            found = self.get(path, "write")
            if (None if found is None else found[0]) != old:
                return False
            try:
                self._replace(path, found, new)
                return True
            except (BadVersionError, NoNodeError, NodeExistsError):
                self.go_on()

    def _replace(self, path: str, found: tuple[str, int] | None, new: str | None) -> None:
        match found, new:
            case None, None:
                pass
            case None, str(value):
                self.change(self.zk.create_async, path, value.encode())
            case (_, version), None:
                self.change(self.zk.delete_async, path, version=version)
            case (_, version), str(value):
                self.change(self.zk.set_async, path, value.encode(), version=version)


class InstanceClient(DataClient):
    """`register`, `deregister` and `lookup` of an instance: a node that stays when its session ends."""

    def carry_out(self, operation: Operation) -> Operation:
        """A deregistration replies which registration it removed."""
        self.ensure("/instance")
        path = "/instance/" + str(operation.key).replace("/", "|")
        match operation.f:
            case "register":
                self.put(path, operation.value)
                return ok(operation)
            case "deregister":
                return ok_read(operation, self._deregistered(path))
            case "lookup":
                found = self.get(path)
                return ok_read(operation, None if found is None else found[0])
        raise NotDone(f"an instance knows no operation {operation.f!r}")

    def _deregistered(self, path: str) -> str | None:
        while True:
            found = self.get(path, "write")
            if found is None:
                return None
            try:
                self.change(self.zk.delete_async, path, version=found[1])
                return found[0]
            except (BadVersionError, NoNodeError):
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
                self.catch_up(path)
                children: Any = self.ask(self.zk.get_children_async, path)
                return ok_read(operation, sorted(map(int, children)))
        raise NotDone(f"a set knows no operation {operation.f!r}")

    def _add(self, path: str) -> None:
        try:
            self.change(self.zk.create_async, path)
        except NodeExistsError:
            return
