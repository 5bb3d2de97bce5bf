"""A node's process and all that it starts are killed, stopped, continued and asked to end as one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.hosts import families, groups
from harness.hosts.groups import ControlGroup, group_of, usable_parent
from harness.hosts.host import Background, eventually, within
from harness.hosts.ledger import Ledger, clean
from harness.hosts.local import LocalHost, tail
from harness.hosts.processes import Identity, identify, is_alive, is_stopped

BOUND_S = 10.0
needs_groups = pytest.mark.skipif(
    usable_parent() is None, reason="needs control groups of version 2, and the right to make them"
)
ESCAPED = """
import os, sys, time
def escape():  # a new session, another parent, and no environment, as setproctitle leaves it
    if os.fork(): os._exit(0)
    os.setsid()
    if os.fork(): os._exit(0)
    os.execve('/bin/sleep', ['sleep', '60'], {})
done, held = os.pipe()  # held by each until it ends or becomes another program
if not os.fork(): escape()
os.close(held)
os.read(done, 1)
os.wait()
print('ready', flush=True)
time.sleep(60)
"""
WRAPPER = "trap 'exit 0' TERM; /bin/sleep 60 & /bin/sleep 60 & echo ready; wait"
SAVING = """
import os, signal, sys, time
# The signal may come while `print` writes, which cannot be entered again.
signal.signal(15, lambda *_: (time.sleep(0.3), os.write(1, b'saved\\n'), sys.exit()))
print('ready', flush=True)
time.sleep(60)
"""
SLOW_TO_END = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', {SAVING!r}])
time.sleep(60)
"""


@dataclass
class Bench:
    """A host, and a node's process on it that has started others."""

    host: LocalHost
    folder: Path
    ledger: Ledger

    async def start(self, *argv: str, group: str | None = "n1") -> Background:
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        process = await self.host.start("it", argv, log=log, folder=self.folder, group=group)
        assert await eventually(lambda: "ready" in tail(log, 5), BOUND_S)
        return process


@pytest.fixture(params=["control group", "session"])
def with_bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Bench], Awaitable[None]]], None]:
    """Run a test's body with a host that has control groups, and with one that has none."""
    if request.param == "session":
        monkeypatch.setattr(families, "usable_parent", lambda: None)
    elif usable_parent() is None:
        pytest.skip("needs control groups of version 2, and the right to make them")

    def run(body: Callable[[Bench], Awaitable[None]]) -> None:
        async def all_of_it() -> None:
            with Ledger("test", tmp_path / "ledgers") as ledger:
                async with LocalHost(ledger, time.monotonic_ns) as host:
                    await body(Bench(host, tmp_path, ledger))

        asyncio.run(all_of_it())
        assert not list((tmp_path / "ledgers").iterdir()), "nothing is left to be cleaned up"

    return run


WithBench = Callable[[Callable[[Bench], Awaitable[None]]], None]


def test_a_family_is_the_process_and_what_it_started(with_bench: WithBench) -> None:
    async def body(bench: Bench) -> None:
        process = await bench.start("/bin/sh", "-c", WRAPPER)
        other = await bench.start("/bin/sh", "-c", WRAPPER)
        family, others = await bench.host.family(process), await bench.host.family(other)
        assert (len(family), len(others)) == (3, 3)
        assert process.identity in family
        assert not set(family) & set(others), "two processes of one node are two families"

    with_bench(body)


def test_what_is_killed_stopped_and_continued_is_the_whole_family(with_bench: WithBench) -> None:
    async def body(bench: Bench) -> None:
        process = await bench.start("/bin/sh", "-c", WRAPPER)
        family = await bench.host.family(process)
        assert await bench.host.pause(process)
        assert all(map(is_stopped, family))
        assert process.is_stopped
        os.kill(family[-1].pid, signal.SIGCONT)
        assert await eventually(lambda: not process.is_stopped, BOUND_S), "one of them runs"
        assert await bench.host.resume(process)
        assert not any(map(is_stopped, family))
        assert await bench.host.pause(process)
        assert await bench.host.kill(process, by="kill"), "also stopped ones"
        assert not any(map(is_alive, family))
        assert (process.ended_by, process.status) == ("kill", -signal.SIGKILL)

    with_bench(body)


def test_once_the_first_process_has_ended_the_others_are_ended(with_bench: WithBench) -> None:
    async def body(bench: Bench) -> None:
        process = await bench.start("/bin/sh", "-c", WRAPPER)
        family = await bench.host.family(process)
        os.kill(process.pid, signal.SIGABRT)
        assert await within(BOUND_S, process.exited.wait())
        assert not any(map(is_alive, family))
        assert (process.ended_by, process.status) == (None, -signal.SIGABRT), "it ended by itself"

    with_bench(body)


def test_all_are_asked_to_end_and_have_time_to_do_so(with_bench: WithBench) -> None:
    async def body(bench: Bench) -> None:
        process = await bench.start(sys.executable, "-c", SLOW_TO_END)
        assert await bench.host.terminate(process, "terminate", BOUND_S)
        assert tail(bench.folder / "log", 1) == ["saved"], "the first of them had ended long before"
        assert process.ended_by == "terminate"

    with_bench(body)


def test_who_ignores_the_request_is_killed_after_it(with_bench: WithBench) -> None:
    async def body(bench: Bench) -> None:
        deaf = "(trap '' TERM; echo ready; while :; do /bin/sleep 1; done) & wait"
        process = await bench.start("/bin/sh", "-c", deaf)
        family = await bench.host.family(process)
        assert not await bench.host.terminate(process, "terminate", 0.3)
        assert await bench.host.kill(process, "kill")
        assert not any(map(is_alive, family))

    with_bench(body)


def escaped_from(process: Background) -> list[Identity]:
    """The processes that its program has sent away: they sleep, and descend from nobody of the family."""
    found = subprocess.run(["pgrep", "-x", "sleep"], capture_output=True, text=True, check=False).stdout
    alive = [identify(int(pid)) for pid in found.split()]
    own = Path(f"/proc/{process.pid}/cgroup").read_text()
    return [one for one in alive if one is not None and Path(f"/proc/{one.pid}/cgroup").read_text() == own]


@needs_groups
def test_what_left_its_session_and_its_environment_is_killed_all_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        with Ledger("test", tmp_path / "ledgers") as ledger:
            async with LocalHost(ledger, time.monotonic_ns) as host:
                process = await Bench(host, tmp_path, ledger).start(sys.executable, "-c", ESCAPED)
                (escaped,) = escaped_from(process)
                assert escaped in await host.family(process)
                assert await host.pause(process)
                assert is_stopped(escaped)
                assert await host.kill(process, by="kill")
                assert not is_alive(escaped)

    asyncio.run(run())


DYING_HARNESS = """
import asyncio, os, sys, time
from pathlib import Path
from harness.hosts.ledger import Ledger
from harness.hosts.local import LocalHost
folder = Path(sys.argv[1])
async def main():
    host = await LocalHost(Ledger("test", folder / "ledgers"), time.monotonic_ns).__aenter__()
    argv = [sys.executable, "-c", sys.argv[2]]
    process = await host.start("it", argv, log=folder / "log", folder=folder, group="n1")
    while "ready" not in (folder / "log").read_text(): await asyncio.sleep(0.01)
    print(*[member.pid for member in await host.family(process)], flush=True)
    os.kill(os.getpid(), 9)
asyncio.run(main())
"""


@needs_groups
def test_clean_ends_what_left_its_session_and_its_environment_after_the_harness_died(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", DYING_HARNESS, str(tmp_path), ESCAPED]
    died = subprocess.run(argv, capture_output=True, text=True, check=False)
    family = [identify(int(pid)) for pid in died.stdout.split()]
    assert len(family) == 2, died.stderr
    assert all(family), "both outlive the harness"
    (removed,) = clean(tmp_path / "ledgers")
    assert not removed.problems
    assert [thing.partition(" /")[0] for thing in removed.things] == ["control group"]
    assert not any(one is not None and is_alive(one) for one in family)
    assert not list((tmp_path / "ledgers").iterdir())


@needs_groups
def test_a_group_is_removed_with_the_groups_in_it(tmp_path: Path) -> None:
    parent = usable_parent()
    assert parent is not None
    group = group_of(parent, f"test{os.getpid()}", "n 1").make()
    assert " " not in group.path.name
    inner = ControlGroup(group.path / "1").make()
    with subprocess.Popen([*inner.entering(), "/bin/sleep", "60"]) as sleeper:
        while not group.members():
            time.sleep(0.01)
        assert [member.pid for member in group.members()] == [sleeper.pid]
        assert not group.is_over()
        assert group.end()
    assert not group.path.exists()
    assert group.end(), "again"


def test_where_there_is_no_version_2_there_is_no_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "self").mkdir()
    monkeypatch.setattr(groups, "PROC", tmp_path)
    assert usable_parent() is None
    (tmp_path / "mounts").write_text("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n")
    (tmp_path / "self/cgroup").write_text("1:cpu:/\n")
    assert usable_parent() is None
    (tmp_path / "mounts").write_text(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    (tmp_path / "self/cgroup").write_text("0::/../../elsewhere\n")
    assert usable_parent() is None, "its group is not visible here"
    (tmp_path / "self/cgroup").write_text("0::/\n")
    assert usable_parent() is None, "no list of processes"
    (tmp_path / groups.PROCESSES).touch()
    assert usable_parent() == tmp_path
