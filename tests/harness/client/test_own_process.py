"""A client in a process of its own: whatever its library does, the harness goes on."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from harness.client import clients
from harness.client.clients import ClientPool, MakeClient, MayBeDone, NotDone, Site, ok, ok_read
from harness.client.own_process import in_own_process
from harness.systems import system_of
from history import Operation
from tests.harness.hosts.namespaces import needs_namespaces, network_of

MEMBERS = {"n1": {"client": "127.0.0.1:7001"}}


def operation(f: str, value: object = None, process: int = 0) -> Operation:
    return Operation(3, 5, process, "invoke", f, "k", value, node="n1")


BROKE = '                raise RuntimeError("the library\\nbroke")'


class Library:
    """Does what an operation names, as a library may that was never tried."""

    def __init__(self, site: Site, name: str = "none") -> None:
        self._site = site
        self._name = name

    async def open(self) -> None:
        """Refuse, if the name says so."""
        if self._name == "refused":
            raise ConnectionRefusedError("nothing listens")

    def perform(self, operation: Operation) -> Operation:
        print("a library prints")  # noqa: T201
        match operation.f:
            case "backtrack":
                re.match(r"(a+)+$", "a" * 60 + "b")  # keeps the global lock for longer than anyone waits
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(3)
            case "read":
                raise RuntimeError("the library\nbroke")
            case "not-done":
                raise NotDone("refused")
            case "may-be-done":
                raise MayBeDone("no answer")
            case "network":
                return ok_read(operation, os.readlink("/proc/self/ns/net"))
            case "who":
                return ok_read(operation, [os.getpid(), os.getppid(), self._site.node, self._name])
        return ok(operation)

    def close(self) -> None:
        """Say so in a file."""
        if "/" in self._name:
            Path(self._name).write_text("closed")


def performed(make: MakeClient, *operations: Operation, timeout_s: float = 5.0) -> list[Operation]:
    async def run() -> list[Operation]:
        async with ClientPool(make, MEMBERS, timeout_s) as pool:
            return [await pool.perform(one) for one in operations]

    return asyncio.run(run())


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_it_has_a_process_of_its_own_which_ends_when_the_client_was_closed(tmp_path: Path) -> None:
    file = str(tmp_path / "closed")
    make = in_own_process(partial(Library, name=file))
    first, second, written = performed(make, operation("who"), operation("who"), operation("write", "v"))
    assert first.value == second.value == [first.value[0], os.getpid(), "n1", file]
    assert first.value[0] != os.getpid()
    assert (written.type, written.value) == ("ok", "v")
    assert Path(file).read_text() == "closed"
    assert not is_running(first.value[0])


def test_a_library_that_keeps_the_global_lock_stops_only_its_own_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "GRACE_S", 0.1)

    async def run() -> tuple[int, list[Operation]]:
        async with ClientPool(in_own_process(Library), MEMBERS, 0.4) as pool:
            pid = (await pool.perform(operation("who"))).value[0]
            stuck = asyncio.create_task(pool.perform(operation("backtrack", "v")))
            other = await pool.perform(operation("write", process=1))
            return pid, [other, await stuck]

    pid, (other, stuck) = asyncio.run(run())
    assert other.type == "ok"
    assert (stuck.type, stuck.error) == ("info", "the client gave no answer within 0.5 s, and was given up")
    assert not is_running(pid)


def test_what_a_client_raises_is_recorded_as_in_a_thread() -> None:
    asked = [operation(f) for f in ("not-done", "may-be-done", "read")]
    line = Path(__file__).read_text().splitlines().index(BROKE) + 1
    assert [(done.type, done.error) for done in performed(in_own_process(Library), *asked)] == [
        ("fail", "refused"),
        ("info", "no answer"),
        ("fail", f"RuntimeError: the library broke, in test_own_process.py, line {line}"),
    ]
    (refused,) = performed(in_own_process(partial(Library, name="refused")), operation("write"))
    assert refused.type == "fail"
    assert refused.error == "no connection: ConnectionRefusedError: nothing listens"


@pytest.mark.parametrize(("f", "why"), [("crash", "SIGSEGV"), ("exit", "exit status 3")])
def test_a_library_that_ends_its_process_leaves_its_operation_in_doubt(f: str, why: str) -> None:
    done, after = performed(in_own_process(Library), operation(f), operation("write"))
    assert (done.type, done.error) == ("info", f"the client's process ended: {why}")
    assert after.type == "ok"


@needs_namespaces
def test_it_is_in_the_network_of_the_nodes(tmp_path: Path) -> None:
    async def run() -> str:
        async with network_of(tmp_path, ["n1"]) as bench:
            entering = bench.network.entered
            async with ClientPool(in_own_process(Library), MEMBERS, 5.0, entering) as pool:
                there = (await pool.perform(operation("network"))).value
                with entering():
                    assert there == os.readlink("/proc/thread-self/ns/net")
                return str(there)

    assert asyncio.run(run()) != os.readlink("/proc/self/ns/net")


def test_it_ends_with_the_harness() -> None:
    """A harness that is killed closes nothing. Here, the thread that started the process ends."""

    async def run() -> int:
        pool = ClientPool(in_own_process(Library), MEMBERS, 5.0)
        pid: int = (await pool.perform(operation("who"))).value[0]
        (client,) = pool._clients.values()
        client._is_closing = True  # so that its thread closes nothing, either
        client._loop.call_soon_threadsafe(client._loop.stop)
        return pid

    pid = asyncio.run(run())
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" and time.monotonic() < until:
        time.sleep(0.02)
    assert Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    os.waitpid(pid, 0)


SYSTEM = """
from ackproof.systems import in_own_process, ok

class MyClient:
    def __init__(self, site): pass
    def open(self): pass
    def perform(self, operation): return ok(operation)
    def close(self): pass

class Mine:
    name, ports, links = "mine", {"client": 8400}, "addresses"
    clients = {"register": in_own_process(MyClient)}
    def launch(self, place): ...
    async def status(self, place, net): ...
"""


def test_a_system_in_a_users_file_can_use_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SYSTEM)
    system = system_of(f"{tmp_path}/mine.py:Mine", {})
    (done,) = performed(system.clients["register"], operation("write", "v"))  # type: ignore[arg-type]
    assert (done.type, done.value) == ("ok", "v")


def test_a_class_that_a_function_defines_is_refused_in_words() -> None:
    class Local(Library):
        pass

    with pytest.raises(ValueError, match=r"another process cannot make .*Local.*; define the class in a mod"):
        in_own_process(Local)
