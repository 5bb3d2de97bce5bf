"""Shows where kazoo's recipes break what their documentation says: HOST:PORT of one ZooKeeper, cases.

The docstring of a case has its steps. No server stops; three cases lose a connection, which a proxy ends. A
line says what each case showed. Exit status 1: a case was not as documented.

    ackproof systems install zookeeper@3.9.5
    java -cp "$HOME/.local/share/ackproof/systems/zookeeper/3.9.5/lib/*" \\
        org.apache.zookeeper.server.ZooKeeperServerMain 2181 /tmp/zookeeper-data
    python scripts/found/kazoo_recipes.py 127.0.0.1:2181
"""

from __future__ import annotations

import argparse
import os
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone
from contextlib import ExitStack
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.recipe.barrier import DoubleBarrier
from kazoo.recipe.lease import NonBlockingLease
from kazoo.recipe.lock import LockTimeout
from kazoo.recipe.queue import LockingQueue
from saying import say
from zookeeper_proxy import CREATE, SET_DATA, Proxy

PATIENCE_S = 10.0
"""How long a call may take that has no reason to wait any more."""


class Room:
    """A path of its own, clients and threads for one case."""

    def __init__(self, server: str, ends: ExitStack) -> None:
        self._ends = ends
        self._server = server
        self._threads = ThreadPoolExecutor(8)
        self.path = f"/recipes-{time.time_ns()}"

    def client(self, proxy: Proxy | None = None) -> Any:
        """A connected client, through the proxy if there is one."""
        client: Any = KazooClient(hosts=proxy.address if proxy else self._server, timeout=20)
        client.start(timeout=15)
        self._ends.callback(client.stop)
        return client

    def proxy(self) -> Proxy:
        """A proxy before the server."""
        return Proxy(self._server)

    def start(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call in a thread."""
        return self._threads.submit(call, *arguments)

    def members(self, count: int) -> list[DoubleBarrier]:
        """Members of one double barrier, in the order of their nodes' names."""
        made = (DoubleBarrier(self.client(), self.path, count) for _ in range(count))
        return sorted(made, key=lambda member: member.node_name)


def returned(call: Future[Any]) -> bool:
    """Whether the call ends within the patience."""
    try:
        call.result(PATIENCE_S)
    except NotDone:
        return False
    return True


def wait_until(holds: Callable[[], object]) -> None:
    """Look again and again until something holds; kazoo and ZooKeeper tell no one when it does."""
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline, "it does not come to that"
        time.sleep(0.01)  # until the next look


def lose_connection(client: Any, proxy: Proxy) -> None:
    """End the client's connection and wait until it has another one, in the same session."""
    session = client.client_id[0]
    proxy.cut()
    wait_until(lambda: not client.connected)
    wait_until(lambda: client.connected)
    assert client.client_id[0] == session


def leave_returns_early(room: Room) -> tuple[bool, str]:
    """Three members entered. The second one leaves, and the first one's session ends; the third one stays."""
    first, second, third = room.members(3)
    entering = [room.start(member.enter) for member in (first, second, third)]
    assert all(returned(call) for call in entering)
    leaving = room.start(second.leave)
    wait_until(lambda: not first.client.exists(second.create_path))  # the second one waits for the first
    first.client.stop()
    early = returned(leaving)
    stays = third.client.exists(third.create_path) is not None
    return early and stays, f"leave() returned: {early}; a member that did not leave is there: {stays}"


def enter_hangs_after_a_lost_connection(room: Room) -> tuple[bool, str]:
    """The first of two members waits, loses its connection, and has another one; the second one enters."""
    proxy = room.proxy()
    waiting = DoubleBarrier(room.client(proxy), room.path, 2)
    other = DoubleBarrier(room.client(), room.path, 2)
    call = room.start(waiting.enter)
    wait_until(lambda: other.client.exists(room.path) and other.client.get_children(room.path))
    time.sleep(1)  # until it waits: it is in, and nothing shows from outside that it waits
    lose_connection(waiting.client, proxy)
    assert returned(room.start(other.enter))
    back = returned(call)
    there = sorted(other.client.get_children(room.path))
    return (
        not back,
        f"both members are in ({len(there) - 1} and 'ready'); enter() of the first returned: {back}",
    )


def enter_hangs_without_a_fault(room: Room) -> tuple[bool, str]:
    """What one member asks once its node is created is slow; of the two others, one leaves before."""
    first, third = sorted(
        (DoubleBarrier(room.client(), room.path, 3) for _ in range(2)), key=lambda member: member.node_name
    )
    proxy = room.proxy()
    slow = DoubleBarrier(room.client(proxy), room.path, 3)
    created, asks, goes_on = threading.Event(), threading.Event(), threading.Event()

    def passes(kind: int, frame: bytes) -> bool:
        if kind == CREATE and slow.node_name.encode() in frame:
            created.set()
        elif created.is_set():
            asks.set()
            goes_on.wait()
        return True

    proxy.passes_request = passes
    call = room.start(slow.enter)
    assert asks.wait(PATIENCE_S)
    assert all(returned(entering) for entering in [room.start(first.enter), room.start(third.enter)])
    room.start(third.leave)
    wait_until(lambda: not first.client.exists(third.create_path))  # it has left
    goes_on.set()
    back = returned(call)
    return not back, f"the two others had entered; enter() of the third member returned: {back}"


def queue_hangs_after_a_lost_connection(room: Room) -> tuple[bool, str]:
    """A consumer waits for an entry, loses its connection, and has another one; an entry is put in."""
    proxy = room.proxy()
    consumer, producer = LockingQueue(room.client(proxy), room.path), LockingQueue(room.client(), room.path)
    call = room.start(consumer.get)
    time.sleep(1)  # until it waits; nothing shows that from outside
    lose_connection(consumer.client, proxy)
    producer.put(b"entry")
    back = returned(call)
    return not back, f"the queue has {len(producer)} entry; get() of a consumer that waits returned: {back}"


def queue_raises_where_a_lock_is_lost(room: Room) -> tuple[bool, str]:
    """A consumer has an entry and gets a new session; then it asks whether it still holds the lock."""
    consumer, producer = (LockingQueue(room.client(), room.path) for _ in range(2))
    producer.put(b"entry")
    assert consumer.get(PATIENCE_S) == b"entry"
    consumer.client.restart()
    try:
        seen = f"returned {consumer.holds_lock()}"
    except KazooException as failure:
        seen = f"raised {type(failure).__name__}"
    return "raised" in seen, f"holds_lock() of a consumer whose lock is gone {seen}"


def lease_has_two_holders(room: Room) -> tuple[bool, str]:
    """A holder renews its lease of an hour; its connection ends after the old lease's end was deleted."""
    proxy = room.proxy()
    holder, other = room.client(proxy), room.client()
    hour = timedelta(hours=1)
    held = NonBlockingLease(holder, room.path, hour, "holder")
    assert held
    assert not NonBlockingLease(other, room.path, hour, "other")
    lost = threading.Event()

    def passes(kind: int, frame: bytes) -> bool:
        if kind in (CREATE, SET_DATA) and b"/lease_holder" in frame and not lost.is_set():
            lost.set()
            return False
        return True

    proxy.passes_request = passes
    renewed = "renewed"
    try:
        NonBlockingLease(holder, room.path, hour, "holder")
    except KazooException as failure:
        renewed = type(failure).__name__
    assert lost.is_set()
    taken = bool(NonBlockingLease(other, room.path, hour, "other"))
    return (
        taken,
        f"renewal: {renewed}; the first lease has an hour to go; another client obtained it: {taken}",
    )


def lock_waits_longer_than_its_timeout(room: Room) -> tuple[bool, str]:
    """One client holds a lock; a second one waits for 3 s, and a third one for 4 s."""
    holder, second, third = (room.client().Lock(room.path) for _ in range(3))
    holder.acquire()
    given_up = room.start(lambda: second.acquire(timeout=3))
    wait_until(lambda: len(holder.contenders()) == 2)  # the second one waits
    begun = time.monotonic()
    try:
        third.acquire(timeout=4)
    except LockTimeout:
        waited_s = time.monotonic() - begun
    assert isinstance(given_up.exception(PATIENCE_S), LockTimeout)
    return waited_s > 5, f"acquire(timeout=4) raised LockTimeout after {waited_s:.1f} s"


CASES = (
    leave_returns_early,
    enter_hangs_after_a_lost_connection,
    enter_hangs_without_a_fault,
    queue_hangs_after_a_lost_connection,
    queue_raises_where_a_lock_is_lost,
    lease_has_two_holders,
    lock_waits_longer_than_its_timeout,
)


def main() -> int:
    """Try each case that is named, or all."""
    names = {case.__name__.replace("_", "-"): case for case in CASES}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("server", help="HOST:PORT of a ZooKeeper that runs")
    parser.add_argument("case", nargs="*", choices=[*names, []], help="the cases; without any, all")
    asked = parser.parse_args()
    shown = 0
    for name in asked.case or names:
        with ExitStack() as ends:
            is_shown, seen = names[name](Room(asked.server, ends))
            shown += say(f"kazoo {version('kazoo')}", name, is_shown, seen)
    return 1 if shown else 0


if __name__ == "__main__":
    try:
        status = main()
    except BaseException:  # noqa: BLE001 - printed; the interpreter is ended by hand below
        traceback.print_exc()
        status = 2
    # Calls that hang for ever, which this script shows, would keep the interpreter from ending.
    os._exit(status)
