"""Clients of any protocol: each in its own thread, and none can stop the harness."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Callable

import pytest

from harness.client import clients
from harness.client.clients import ClientPool, MakeClient, NotDone, Site, fail, info, lost, ok, ok_read
from harness.errors import names_bug
from history import Operation

MEMBERS = {"n1": {"client": "127.0.0.1:7001", "admin": "127.0.0.1:7101"}, "n2": {"client": "127.0.0.2:7002"}}


def operation(f: str = "write", process: int = 0, node: str = "n1") -> Operation:
    return Operation(3, 5, process, "invoke", f, "k", "v", None, node)


class Recording:
    """A client that notes what is done to it."""

    notes: list[str]

    def __init__(self, site: Site) -> None:
        self.site = site

    def open(self) -> None:
        self.notes.append(f"open {self.site.process} {self.site.node}")

    def perform(self, operation: Operation) -> Operation:
        self.notes.append(threading.current_thread().name)
        return ok(operation)

    async def close(self) -> None:
        self.notes.append(f"close {self.site.process} {self.site.node}")


def performed(make: MakeClient, *operations: Operation, timeout_s: float = 5.0) -> list[Operation]:
    async def run() -> list[Operation]:
        async with ClientPool(make, MEMBERS, timeout_s) as pool:
            return [await pool.perform(one) for one in operations]

    return asyncio.run(run())


def client_with(perform: Callable[[Operation], object]) -> MakeClient:
    """A client whose `perform` is this."""

    class Given(Recording):
        notes: list[str] = []  # noqa: RUF012 - one list for each class, as each test makes its own class

    Given.perform = lambda self, operation: perform(operation)  # type: ignore[assignment, method-assign, return-value]
    return Given


def test_a_process_keeps_its_client_of_each_node_and_each_has_a_thread() -> None:
    Recording.notes = []
    first, second, other = operation(), operation(), operation(node="n2")
    assert [done.type for done in performed(Recording, first, second, other)] == ["ok"] * 3
    assert Recording.notes[:3] == ["open 0 n1", "client 0 of n1", "client 0 of n1"]
    assert Recording.notes[3:5] == ["open 0 n2", "client 0 of n2"]
    assert sorted(Recording.notes[5:]) == ["close 0 n1", "close 0 n2"]


def test_a_site_names_addresses() -> None:
    site = Site("n1", MEMBERS, 4, 1.0)
    assert (site.at(), site.at("admin"), site.at(node="n2")) == (
        "127.0.0.1:7001",
        "127.0.0.1:7101",
        "127.0.0.2:7002",
    )
    assert (site.host, site.port("admin")) == ("127.0.0.1", 7101)


def test_a_constructor_that_raises_is_named_with_its_line() -> None:
    class Unmade(Recording):
        def __init__(self, site: Site) -> None:
            raise ValueError("no\ncolour")

    class Unconnected(Recording):
        def __init__(self, site: Site) -> None:
            raise ConnectionRefusedError("nothing listens")

    class Refused(Recording):
        def __init__(self, site: Site) -> None:
            raise NotDone("there is no client left")

    line = Unmade.__init__.__code__.co_firstlineno + 1
    (bug,) = performed(Unmade, operation())
    said = f"no connection: the constructor raised ValueError: no colour (test_clients.py, line {line})"
    assert (bug.type, bug.error) == ("fail", said)
    assert names_bug(said)
    (missing,) = performed(Unconnected, operation())
    assert missing.error == (
        f"no connection: ConnectionRefusedError: nothing listens, in test_clients.py, line {line + 4}"
    )
    assert not names_bug(missing.error), "a server may be down"
    (refused,) = performed(Refused, operation())
    assert (refused.type, refused.error) == ("fail", "there is no client left")


def test_a_client_that_hangs_or_spins_makes_its_operation_info_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "GRACE_S", 0.1)
    monkeypatch.setattr(clients, "CLOSE_BOUND_S", 0.1)
    release = threading.Event()

    def spin(operation: Operation) -> Operation:
        while not release.is_set():
            pass
        return ok(operation)

    async def sleep(operation: Operation) -> Operation:
        await asyncio.sleep(60)
        return ok(operation)

    async def run(hanging: Callable[[Operation], object]) -> tuple[Operation, Operation]:
        def answer(operation: Operation) -> object:
            return hanging(operation) if operation.process == 0 else ok(operation)

        async with ClientPool(client_with(answer), MEMBERS, 0.1) as pool:
            stuck = asyncio.create_task(pool.perform(operation(process=0)))
            return await pool.perform(operation(process=1)), await stuck

    try:
        for hanging in (spin, sleep, lambda operation: release.wait(60)):
            other, stuck = asyncio.run(run(hanging))
            assert other.type == "ok"
            assert (stuck.type, stuck.value) == ("info", "v")
            assert stuck.error == "the client gave no answer within 0.2 s, and was given up"
    finally:
        release.set()


def test_a_thread_that_spins_is_ended_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clients, "GRACE_S", 0.1)
    monkeypatch.setattr(clients, "CLOSE_BOUND_S", 0.1)
    spinning: list[threading.Thread] = []

    def spin(operation: Operation) -> Operation:
        spinning.append(threading.current_thread())
        while True:
            pass

    class SpinsWhileItOpens(Recording):
        notes: list[str] = []  # noqa: RUF012 - one list for each class, as each test makes its own class

        def open(self) -> None:
            spin(operation())

    async def run(make: MakeClient) -> Operation:
        async with ClientPool(make, MEMBERS, 0.1) as pool:
            return await pool.perform(operation())

    for make in (client_with(spin), SpinsWhileItOpens):
        assert asyncio.run(run(make)).type == "info"
        spinning[-1].join(30)
        assert not spinning[-1].is_alive()
    assert capfd.readouterr() == ("", "")


def test_a_client_that_was_given_up_is_closed_in_its_own_thread_once_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clients, "GRACE_S", 0.1)
    monkeypatch.setattr(clients, "CLOSE_BOUND_S", 0.1)
    release, closed = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    class Hangs(Recording):
        notes: list[str] = []  # noqa: RUF012 - one list for each class, as each test makes its own class

        def perform(self, operation: Operation) -> Operation:
            threads.append(threading.current_thread())
            release.wait(60)
            return ok(operation)

        async def close(self) -> None:
            threads.append(threading.current_thread())
            closed.set()

    async def run() -> Operation:
        async with ClientPool(Hangs, MEMBERS, 0.1) as pool:
            return await pool.perform(operation())

    assert asyncio.run(run()).type == "info"
    assert not closed.is_set()
    release.set()
    assert closed.wait(30)
    threads[0].join(30)
    assert threads == [threads[0]] * 2
    assert not threads[0].is_alive()


@pytest.mark.parametrize(("f", "type_"), [("write", "info"), ("read", "fail")])
def test_a_client_that_raises_leaves_a_write_in_doubt_and_fails_a_read(f: str, type_: str) -> None:
    def broken(operation: Operation) -> Operation:
        raise RuntimeError("the library\nbroke")

    (done,) = performed(client_with(broken), operation(f))
    line = broken.__code__.co_firstlineno + 1
    said = f"RuntimeError: the library broke, in test_clients.py, line {line}"
    assert (done.type, done.error) == (type_, said)
    assert not names_bug(said), "what a client itself raises may be the system's answer"


def test_what_a_library_raises_has_no_line() -> None:
    def broken(operation: Operation) -> Operation:
        subprocess.run(["false"], check=True)
        return operation

    (done,) = performed(client_with(broken), operation("read"))
    assert done.error == "CalledProcessError: Command '['false']' returned non-zero exit status 1."


def test_a_client_that_cannot_connect_fails_and_is_made_again_for_the_next_operation() -> None:
    tries: list[int] = []

    class Refused(Recording):
        notes: list[str] = []  # noqa: RUF012 - one list for each class, as each test makes its own class

        def open(self) -> None:
            tries.append(1)
            raise ConnectionRefusedError(111, "refused")

    done = performed(Refused, operation(), operation())
    assert [one.type for one in done] == ["fail", "fail"]
    assert done[0].error == "no connection: ConnectionRefusedError: [Errno 111] refused"
    assert len(tries) == 2


def test_a_client_that_says_itself_why_it_cannot_connect_is_not_repeated() -> None:
    class Away(Recording):
        notes: list[str] = []  # noqa: RUF012 - one list for each class, as each test makes its own class

        def open(self) -> None:
            raise NotDone("no node of the group answers")

    (done,) = performed(Away, operation())
    assert (done.type, done.error) == ("fail", "no node of the group answers")


def test_what_is_no_completion_of_the_invocation_is_a_doubt() -> None:
    (done,) = performed(client_with(lambda _: None), operation())
    assert (done.type, done.error) == ("info", "the client returned NoneType, not a completion")
    (done,) = performed(client_with(lambda op: op), operation())
    assert done.type == "info", "an invocation is no completion"


def test_a_process_whose_operation_is_in_doubt_loses_all_its_clients() -> None:
    Recording.notes = []

    class Doubtful(Recording):
        async def perform(self, operation: Operation) -> Operation:  # type: ignore[override]
            return info(operation, "lost") if self.site.node == "n2" else ok(operation)

    performed(Doubtful, operation(), operation(node="n2"), operation())
    assert [note for note in Recording.notes if note.startswith("open")] == [
        "open 0 n1",
        "open 0 n2",
        "open 0 n1",
    ]


def test_completions_are_made_by_name() -> None:
    read = operation("read")
    assert ok(read, "x").value == ok_read(read, "x").value == "x"
    assert ok_read(read, None).value is None
    assert fail(read, ValueError("a\nb")).error == "ValueError: a b"
    assert (lost(read, "gone").type, lost(operation(), "gone").type) == ("fail", "info")
