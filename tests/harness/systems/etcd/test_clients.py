"""etcd's clients, with a real node; and what they make of replies that do not come, with a false one."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from harness.client.clients import NotDone, Site, completion_by
from harness.systems.etcd.gateway import Gateway
from harness.systems.etcd.kv import (
    EtcdClient,
    InstanceClient,
    RegisterClient,
    SetClient,
    TransactionClient,
)
from harness.systems.etcd.recipes import LockClient, QueueClient, Trust
from harness.systems.etcd.watching import WatchClient
from history import Operation
from tests.harness.systems.etcd.here import etcd_here, needs_etcd


def site(port: int, timeout_s: float = 5.0, process: int = 0) -> Site:
    return Site("n1", {"n1": {"client": f"127.0.0.1:{port}"}}, process, timeout_s)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The client port of a cluster of one node."""
    folder, port, peer = tmp_path_factory.mktemp("etcd"), free_port(), free_port()
    at, peers_at = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    argv = [str(etcd_here()), "--name", "n1", "--data-dir", str(folder / "data"), "--logger=zap"]
    argv += ["--listen-client-urls", at, "--advertise-client-urls", at, "--listen-peer-urls", peers_at]
    argv += ["--initial-advertise-peer-urls", peers_at, "--initial-cluster", f"n1={peers_at}"]
    with (folder / "log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as process:
        try:
            _wait_until_it_answers(port, folder / "log")
            yield port
        finally:
            process.terminate()


def _wait_until_it_answers(port: int, log: Path) -> None:
    for _ in range(200):
        try:
            Gateway(f"127.0.0.1:{port}", 2.0).ask("kv/range", {"key": "YQ=="})
            return
        except NotDone:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextmanager
def opened(client: EtcdClient) -> Iterator[EtcdClient]:
    client.open()
    try:
        yield client
    finally:
        client.close()


def asked(client: EtcdClient, f: str, key: str = "k", value: Any = None) -> tuple[str, Any]:
    done = asyncio.run(completion_by(client, Operation(-1, 0, 0, "invoke", f, key, value)))
    return done.type, done.value


@needs_etcd
def test_a_register_is_read_written_compared_and_removed(node: int) -> None:
    with opened(RegisterClient(site(node))) as client:
        assert asked(client, "read") == ("ok", None)
        assert asked(client, "write", value="ä") == ("ok", "ä")
        assert asked(client, "read") == ("ok", "ä")
        assert asked(client, "cas", value=["b", "c"]) == ("ok", False)
        assert asked(client, "cas", value=["ä", "c"]) == ("ok", ["ä", "c"])
        assert asked(client, "write") == ("ok", None)
        assert asked(client, "cas", value=["c", "d"]) == ("ok", False)
        assert asked(client, "cas", value=[None, ""]) == ("ok", [None, ""])
        assert asked(client, "read") == ("ok", "")


@needs_etcd
def test_the_hash_is_one_of_what_is_applied(node: int) -> None:
    with opened(RegisterClient(site(node))) as client:
        (_, first), (_, again) = asked(client, "hash"), asked(client, "hash")
        assert first == again
        asked(client, "write", "other", "1")
        _, changed = asked(client, "hash")
        assert changed[0] > again[0]
        assert changed[1] != again[1]


@needs_etcd
def test_an_instance_is_registered_found_and_removed(node: int) -> None:
    with opened(InstanceClient(site(node))) as client:
        assert asked(client, "lookup", "s/i") == ("ok", None)
        assert asked(client, "register", "s/i", "r1") == ("ok", "r1")
        assert asked(client, "lookup", "s/i") == ("ok", "r1")
        assert asked(client, "deregister", "s/i") == ("ok", "r1")
        assert asked(client, "deregister", "s/i") == ("ok", None)


@needs_etcd
def test_a_set_holds_what_was_added_to_it_alone(node: int) -> None:
    with opened(SetClient(site(node))) as client:
        assert [asked(client, "add", "s1", n) for n in (3, 10)] == [("ok", 3), ("ok", 10)]
        assert asked(client, "add", "s2", 4) == ("ok", 4)
        kind, found = asked(client, "read", "s1")
        assert (kind, sorted(found)) == ("ok", [3, 10])


@needs_etcd
def test_a_transaction_reads_its_own_appends_and_writes(node: int) -> None:
    with opened(TransactionClient(site(node), start="t/")) as client:
        steps = [["append", 1, 7], ["r", 1, None], ["append", 1, 8], ["r", 2, None]]
        done = [["append", 1, 7], ["r", 1, [7]], ["append", 1, 8], ["r", 2, None]]
        assert asked(client, "txn", value=steps) == ("ok", done)
        assert asked(client, "txn", value=[["r", 1, None]]) == ("ok", [["r", 1, [7, 8]]])
        assert asked(client, "txn", value=[["w", 3, 1], ["w", 3, 2]])[0] == "ok"
        assert asked(client, "txn", value=[["r", 3, None]]) == ("ok", [["r", 3, 2]])


@needs_etcd
def test_transactions_of_many_clients_lose_no_append(node: int) -> None:
    def append(process: int) -> None:
        with opened(TransactionClient(site(node, 20.0, process), start="t/")) as client:
            for n in range(10):
                assert asked(client, "txn", value=[["append", "all", 100 * process + n]])[0] == "ok"

    threads = [threading.Thread(target=append, args=(process,)) for process in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with opened(TransactionClient(site(node), start="t/")) as client:
        _, ((_, _, found),) = asked(client, "txn", value=[["r", "all", None]])
    assert sorted(found) == [100 * process + n for process in range(4) for n in range(10)]


@needs_etcd
def test_texts_leave_a_queue_in_the_order_in_which_they_came(node: int) -> None:
    with opened(QueueClient(site(node))) as client:
        assert asked(client, "dequeue", "q") == ("ok", None)
        for text in ("b", "a", "c"):
            assert asked(client, "enqueue", "q", text) == ("ok", text)
        assert [asked(client, "dequeue", "q")[1] for _ in range(4)] == ["b", "a", "c", None]


@needs_etcd
@pytest.mark.parametrize("trust", ["revision", "lease", "lock-service"])
def test_a_lock_has_one_holder_until_it_is_released(node: int, trust: Trust) -> None:
    first = LockClient(site(node, 1.0, 0), trust=trust)
    second = LockClient(site(node, 1.0, 1), trust=trust)
    with opened(first), opened(second):
        kind, token = asked(first, "acquire", trust)
        assert kind == "ok"
        assert asked(second, "acquire", trust)[0] == ("info" if trust == "lock-service" else "fail")
        assert asked(second, "release", trust)[0] == "fail"
        assert asked(first, "release", trust) == ("ok", None)
        third = LockClient(site(node, 5.0, 2), trust=trust)
        with opened(third):
            kind, later = asked(third, "acquire", trust)
            assert kind == "ok"
            assert (token, later) == (None, None) if trust == "lock-service" else token < later


@needs_etcd
def test_a_lease_is_kept_alive_and_ends_when_it_is_not(node: int) -> None:
    holder, other = LockClient(site(node), ttl_s=2), LockClient(site(node, 5.0, 1), ttl_s=2)
    with opened(holder), opened(other):
        assert asked(holder, "acquire", "kept")[0] == "ok"
        time.sleep(3)
        assert asked(other, "acquire", "kept")[0] == "fail"
        assert asked(holder, "release", "kept")[0] == "ok"
        assert asked(holder, "acquire", "kept")[0] == "ok"
        holder.forget()
        until = time.monotonic() + 20
        while asked(other, "acquire", "kept")[0] == "fail" and time.monotonic() < until:
            time.sleep(0.2)
        assert asked(holder, "release", "kept")[0] == "fail"
        assert asked(other, "release", "kept")[0] == "ok"


@needs_etcd
def test_a_watch_shows_what_was_written_since_it_was_opened(node: int) -> None:
    writer = WatchClient(site(node, process=0))
    with opened(writer):
        asked(writer, "write", "w", "before")
        with opened(WatchClient(site(node, process=1), fail_over=True)) as watcher:
            assert asked(watcher, "watch", "w") == ("ok", [])
            for text in ("b", "a"):
                asked(writer, "write", "w", text)
            asked(writer, "write", "other", "c")
            until = time.monotonic() + 20
            while len(asked(watcher, "watch", "w")[1]) < 2 and time.monotonic() < until:
                time.sleep(0.02)
            assert asked(watcher, "watch", "w") == ("ok", ["b", "a"])
        assert asked(writer, "watch", "w") == ("ok", ["before", "b", "a"])


@needs_etcd
def test_a_watch_that_has_ended_by_a_defect_shows_nothing_more(node: int) -> None:
    with opened(WatchClient(site(node, process=1))) as watcher:

        def take(_: Any) -> None:
            raise KeyError("kv")

        watcher._take = take  # type: ignore[attr-defined]  # a defect of the client, not of etcd
        until = time.monotonic() + 20
        while asked(watcher, "watch", "d")[0] == "ok" and time.monotonic() < until:
            asked(watcher, "write", "d", "a")
        assert asked(watcher, "watch", "d")[0] == "fail"


@contextmanager
def answering(*replies: bytes) -> Iterator[int]:
    """A server that gives each connection the next of these texts, and closes it; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for reply in replies:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listening.getsockname()[1])
        thread.join(5)


def http(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


UNKNOWN = http("503 Service Unavailable", b'{"error":"etcdserver: request timed out","code":14}')
REFUSED = http("429 Too Many Requests", b'{"error":"etcdserver: too many requests","code":8}')


@pytest.mark.parametrize(
    ("reply", "write", "read"),
    [
        (b"", "info", "fail"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{", "info", "fail"),
        (http("200 OK", b"not JSON"), "info", "fail"),
        (UNKNOWN, "info", "fail"),
        (REFUSED, "fail", "fail"),
    ],
)
def test_a_write_without_a_good_reply_may_have_happened_and_a_read_has_failed(
    reply: bytes, write: str, read: str
) -> None:
    with answering(reply, reply) as port:
        client = RegisterClient(site(port))
        assert asked(client, "write", value="a")[0] == write
        client.close()
        assert asked(client, "read")[0] == read
        client.close()


def test_a_write_that_was_not_sent_certainly_did_not_happen() -> None:
    client = RegisterClient(site(free_port()))
    assert asked(client, "write", value="a")[0] == "fail"


def test_a_reply_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = RegisterClient(site(int(listening.getsockname()[1]), timeout_s=0.2))
        client.open()
        connection, _ = listening.accept()
        assert asked(client, "write", value="a")[0] == "info"
        with connection:
            assert connection.recv(65536) != b""
            assert connection.recv(65536) == b""  # the client has closed it
