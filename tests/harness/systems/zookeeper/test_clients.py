"""ZooKeeper's clients, with a real ensemble of one node."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from kazoo.exceptions import ConnectionLoss

from harness.client.clients import Client, Site, completion_by
from harness.client.codecs.base import Codec
from harness.errors import CouldNotRun
from harness.systems.base import Place
from harness.systems.zookeeper import ZooKeeper
from harness.systems.zookeeper.data import COUNTER, CounterClient
from harness.systems.zookeeper.recipes import LockingQueueClient, SimpleQueueClient
from history import Operation

SYSTEM = ZooKeeper(tick_ms=200, session_s=2.0)


def lacking() -> str:
    """Why there is no ZooKeeper here; empty if there is one."""
    try:
        SYSTEM.version()
    except CouldNotRun as error:
        return str(error)
    return "" if find_spec("kazoo") else "kazoo is missing: pip install 'ackproof[zookeeper]'"


needs_zookeeper = pytest.mark.skipif(bool(lacking()), reason=lacking() or "it is here")


def free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in listening]
    for one in listening:
        one.close()
    return ports


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site for a client of an ensemble of one node."""
    folder = tmp_path_factory.mktemp("zookeeper")
    ports = dict(zip(("client", "quorum", "election"), free_ports(3), strict=True))
    at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    place = Place(
        name="n1",
        host="127.0.0.1",
        ports=ports,
        members={"n1": at},
        peers={},
        data=folder / "data",
        trace=folder / "trace",
        log=folder / "log",
        seed=0,
    )
    launch = SYSTEM.launch(place)
    for file in launch.files:
        (folder / file.path).parent.mkdir(exist_ok=True)
        (folder / file.path).write_text(file.content)
    with (
        place.log.open("wb") as log,
        subprocess.Popen(launch.processes[0].argv, stdout=log, stderr=log) as server,
    ):
        try:
            _wait_until_it_serves(ports["client"], place.log)
            yield Site("n1", {"n1": at}, 0, 5.0)
        finally:
            server.terminate()
    assert server.returncode in SYSTEM.stop_statuses


def _wait_until_it_serves(port: int, log: Path) -> None:
    for _ in range(300):
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"srvr")
                if b"Mode: leader" in connection.makefile("rb").read():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextmanager
def opened(data_type: str, site: Site, system: ZooKeeper = SYSTEM) -> Iterator[Client]:
    client = system.clients[data_type](site)
    client.open()
    try:
        yield client
    finally:
        client.close()


def asked(client: Client, f: str, key: str = "k", value: Any = None) -> tuple[str, Any]:
    done = asyncio.run(completion_by(client, Operation(-1, 0, 0, "invoke", f, key, value)))
    assert isinstance(done, Operation)
    return done.type, done.value


@needs_zookeeper
@pytest.mark.parametrize("reads", ["write", "sync", "plain"])
def test_a_register_is_read_written_compared_and_removed(node: Site, reads: Any) -> None:
    system = ZooKeeper(reads=reads)
    with opened("cas-register", node, system) as client:
        assert asked(client, "read", reads) == ("ok", None)
        assert asked(client, "write", reads, "ä") == ("ok", "ä")
        assert asked(client, "read", reads) == ("ok", "ä")
        assert asked(client, "cas", reads, ["b", "c"]) == ("ok", False)
        assert asked(client, "cas", reads, ["ä", "c"]) == ("ok", ["ä", "c"])
        assert asked(client, "write", reads) == ("ok", None)
        assert asked(client, "write", reads) == ("ok", None)
        assert asked(client, "cas", reads, ["c", "d"]) == ("ok", False)
        assert asked(client, "cas", reads, [None, ""]) == ("ok", [None, ""])
        assert asked(client, "read", reads) == ("ok", "")


class MeetsOthers:
    """Lets something happen right after a client has read a node for the first time."""

    def __init__(self, client: Client, then: Callable[[], None]) -> None:
        self._get, self._then = client.get, [then]  # type: ignore[attr-defined]  # as those of ZooKeeper

    def __call__(self, path: str, how: Any = None) -> Any:
        found = self._get(path, how)
        if self._then:
            self._then.pop()()
        return found


def does(client: Client, f: str, value: str | None, key: str) -> None:
    done = client.perform(Operation(-1, 0, 0, "invoke", f, key, value))
    assert isinstance(done, Operation)
    assert done.type == "ok"


@needs_zookeeper
def test_a_value_that_is_new_is_not_taken_for_the_one_that_was_removed(node: Site) -> None:
    with opened("cas-register", node) as slow, opened("cas-register", node) as fast:
        does(fast, "write", "a", "again")

        def meanwhile() -> None:
            does(fast, "write", None, "again")
            does(fast, "write", "b", "again")

        slow.get = MeetsOthers(slow, meanwhile)  # type: ignore[attr-defined]  # as above
        assert asked(slow, "cas", "again", ["a", "c"]) == ("ok", False)
        assert asked(fast, "read", "again") == ("ok", "b")


@needs_zookeeper
def test_a_deregistration_names_the_registration_that_it_removed(node: Site) -> None:
    key = "s/10.0.0.9:80"
    with opened("instance", node) as slow, opened("instance", node) as fast:
        does(fast, "register", "r1", key)

        def meanwhile() -> None:
            does(fast, "deregister", None, key)
            does(fast, "register", "r2", key)

        slow.get = MeetsOthers(slow, meanwhile)  # type: ignore[attr-defined]  # as above
        assert asked(slow, "deregister", key) == ("ok", "r2")


@needs_zookeeper
def test_an_instance_outlives_the_session_that_registered_it(node: Site) -> None:
    with opened("instance", node) as client:
        assert asked(client, "register", "s/10.0.0.1:80", "r1") == ("ok", "r1")
    with opened("instance", node) as client:
        assert asked(client, "lookup", "s/10.0.0.1:80") == ("ok", "r1")
        assert asked(client, "deregister", "s/10.0.0.1:80") == ("ok", "r1")
        assert asked(client, "deregister", "s/10.0.0.1:80") == ("ok", None)


@needs_zookeeper
def test_an_ephemeral_instance_lives_until_its_own_session_falls_silent(node: Site) -> None:
    key = "s/10.0.0.1:80"
    make = SYSTEM.clients["expiring-instance"]
    assert not isinstance(make, Codec)
    first, second = make(node), make(node)
    first.open()
    second.open()
    try:
        assert asked(first, "register", key, "r1") == ("ok", "r1")
        assert asked(second, "register", key, "r2") == ("ok", "r2")
        first.close()
        time.sleep(
            2 * SYSTEM.session_s
        )  # by then the session of r1, and of the client that is closed, is over
        assert asked(second, "lookup", key) == ("ok", "r2")
        assert asked(second, "deregister", key) == ("ok", None)
        assert asked(second, "lookup", key) == ("ok", "r2"), "no server was asked"
        for _ in range(300):
            if asked(second, "lookup", key) == ("ok", None):
                break
            time.sleep(0.1)
        assert asked(second, "lookup", key) == ("ok", None)
    finally:
        second.close()


@needs_zookeeper
def test_a_set_holds_what_was_added_to_it(node: Site) -> None:
    with opened("set", node) as client:
        assert [asked(client, "add", "s", n) for n in (10, 3, 3)] == [("ok", 10), ("ok", 3), ("ok", 3)]
        assert asked(client, "read", "s") == ("ok", [3, 10])


@needs_zookeeper
def test_a_counter_holds_the_sum_of_what_was_added_to_it_in_either_way(node: Site) -> None:
    with (
        opened("eventual-counter", node) as client,
        opened("eventual-counter", node, ZooKeeper(counter="recipe")) as by_recipe,
    ):
        before = asked(client, "read")[1]
        assert asked(client, "add", value=3) == ("ok", 3)
        assert asked(by_recipe, "add", value=4) == ("ok", 4)
        assert asked(by_recipe, "read") == asked(client, "read") == ("ok", before + 7)


@needs_zookeeper
def test_an_addition_without_an_answer_is_in_doubt_and_not_done_twice(
    node: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened("eventual-counter", node) as client:
        before = asked(client, "read")[1]
        assert isinstance(client, CounterClient)
        send = client.zk.set_async

        def loses_the_answer(path: str, *arguments: Any, **named: Any) -> Any:
            send(path, *arguments, **named).get()
            raise ConnectionLoss

        with monkeypatch.context() as lossy:
            lossy.setattr(
                client.zk,
                "set_async",
                lambda p, *a, **n: (loses_the_answer if p == COUNTER else send)(p, *a, **n),
            )
            assert asked(client, "add", value=3)[0] == "info"
        assert asked(client, "read") == ("ok", before + 3)


@needs_zookeeper
@pytest.mark.parametrize("kind", ["locking", "simple"])
def test_texts_leave_a_queue_once(node: Site, kind: Any) -> None:
    with opened("queue", node, ZooKeeper(queue=kind)) as client:
        assert asked(client, "dequeue", kind) == ("ok", None)
        for text in ("b", "a"):
            assert asked(client, "enqueue", kind, text) == ("ok", text)
        assert [asked(client, "dequeue", kind)[1] for _ in range(3)] == ["b", "a", None]


@needs_zookeeper
def test_a_text_that_another_session_has_locked_is_still_in_the_queue(node: Site) -> None:
    with opened("queue", node) as client, opened("queue", node) as other:
        assert asked(client, "enqueue", "locked", "a") == ("ok", "a")
        assert isinstance(other, LockingQueueClient)
        held = other.made("/queue/locked")
        assert held.get(timeout=5) == b"a"
        assert asked(client, "dequeue", "locked") == ("fail", None)
        assert held.release()
        assert asked(client, "dequeue", "locked") == ("ok", "a")
        assert asked(client, "dequeue", "locked") == ("ok", None)


@needs_zookeeper
def test_a_text_that_a_server_behind_does_not_show_is_still_in_the_queue(node: Site) -> None:
    with opened("queue", node, ZooKeeper(queue="simple")) as client:
        assert asked(client, "enqueue", "behind", "a") == ("ok", "a")
        assert isinstance(client, SimpleQueueClient)

        class Behind:
            path = "/queue/behind"

            def get(self) -> None:
                """What the recipe gives when the server has not seen the enqueue yet."""

        client._queues["behind"] = Behind()
        assert asked(client, "dequeue", "behind") == ("fail", None)
        del client._queues["behind"]
        assert asked(client, "dequeue", "behind") == ("ok", "a")


@needs_zookeeper
@pytest.mark.parametrize("proof", ["connection", "recipe"])
def test_a_lock_has_one_holder_until_it_is_released(node: Site, proof: Any) -> None:
    system = ZooKeeper(lock=proof)
    with opened("lock", node, system) as first, opened("lock", node, system) as second:
        assert asked(first, "acquire", proof) == ("ok", None)
        assert asked(second, "acquire", proof)[0] == "fail"
        assert asked(second, "release", proof)[0] == "fail"
        assert asked(first, "release", proof) == ("ok", None)
        assert asked(second, "acquire", proof) == ("ok", None)


def test_a_client_that_reaches_no_node_does_nothing() -> None:
    if find_spec("kazoo") is None:
        pytest.skip("kazoo is missing")
    (port,) = free_ports(1)
    site = Site("n1", {"n1": {"client": f"127.0.0.1:{port}"}}, 0, 0.5)
    with pytest.raises(Exception, match="time"), opened("register", site):
        pass
