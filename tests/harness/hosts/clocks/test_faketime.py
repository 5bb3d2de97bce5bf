"""Clocks of a process's own, by the real libfaketime, and what an event loop does under them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from harness.hosts import agent
from harness.hosts.clocks import ownclock
from harness.hosts.clocks.faketime import Faketime
from harness.hosts.host import Background, HostError, eventually
from harness.hosts.ledger import Ledger, clean
from harness.hosts.local import LocalHost
from harness.hosts.removal import SHARED_MEMORY
from tests.harness.hosts import ticking

BOUND_S = 20.0
HELD_UP_MS = 100.0
"""What a clock may go back at a change on a busy machine; a rate by itself would take it back by 500 ms."""
pytestmark = pytest.mark.skipif(agent.faketime() is None, reason="no libfaketime here")


def lines_of(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def with_clock(
    folder: Path,
    body: Callable[[LocalHost, Faketime], Awaitable[None]],
    *,
    drifts: bool = True,
    library: str | None = None,
) -> None:
    """Run a body with a clock that is prepared; afterwards nothing of it is left."""

    async def run() -> None:
        with Ledger("test", folder / "ledgers") as ledger:
            async with asyncio.timeout(60), LocalHost(ledger, time.monotonic_ns) as host:
                found = library or agent.faketime() or ""
                clock = Faketime(host, "n1", folder / "clock", found, sys.executable, drifts=drifts)
                try:
                    await clock.fit()
                    await body(host, clock)
                finally:
                    await clock.end()
            left = [path for path in os.listdir(ownclock.SHARED) if ledger.token in path]
            assert left == []
        assert list((folder / "ledgers").iterdir()) == []

    asyncio.run(run())


async def ticks(host: LocalHost, clock: Faketime, folder: Path, *arguments: str) -> tuple[Background, Path]:
    """Start the program on a clock that begins now."""
    await clock.begin()
    log = folder / "ticks"
    argv = [sys.executable, ticking.__file__, *arguments]
    process = await host.start("it", argv, log=log, folder=folder, environment=clock.environment)
    assert await eventually(lambda: bool(lines_of(log)), BOUND_S)
    return process, log


@pytest.mark.parametrize("percent", [80, 120])
def test_an_event_loop_waits_as_long_as_its_own_clock_says(tmp_path: Path, percent: int) -> None:
    async def body(host: LocalHost, clock: Faketime) -> None:
        _, log = await ticks(host, clock, tmp_path, "loop", "0.2")
        await clock.set_rate(percent)
        began = len(lines_of(log)) + 1  # the one under way has seen both
        assert await eventually(lambda: len(lines_of(log)) >= began + 9, BOUND_S)
        after = lines_of(log)[began:]
        own, of_host = (after[-1][name] - after[0][name] for name in ("at", "host_at"))
        assert own / of_host == pytest.approx(percent / 100, abs=0.06), after
        assert min(line["own"] for line in after) >= 0.199, "no sleep ends before its time"

    with_clock(tmp_path, body)


def test_a_change_of_rate_is_no_leap_and_busy_threads_go_on(tmp_path: Path) -> None:
    """Read by two threads without a pause, since it is between two reads that a clock leaps."""
    back_ms: list[float] = []

    async def body(host: LocalHost, clock: Faketime) -> None:
        process, log = await ticks(host, clock, tmp_path, "threads")
        for percent in (80, 120, 100, 120, 80, 100):
            await asyncio.sleep(0.25)
            back_ms.append(await clock.set_rate(percent) / 1e6)
        assert await host.terminate(process, "test", BOUND_S)
        _, whole, *readers = lines_of(log)
        assert len(readers) == 2
        for reader in readers:
            assert reader["reads"] > 300, "neither thread waits for ever for the other"
            assert reader["back"] * 1e3 <= max(back_ms) + HELD_UP_MS, (reader, back_ms)
        drifted = whole["own"] - whole["host"]
        assert abs(drifted) < 0.2 * whole["host"] + 0.1, "the clock is where its rates have led it"

    with_clock(tmp_path, body)


def test_an_event_loop_goes_on_when_its_clock_goes_back(tmp_path: Path) -> None:
    """What was due comes as much later; nothing is lost, and no loop spins meanwhile."""

    async def body(host: LocalHost, clock: Faketime) -> None:
        _, log = await ticks(host, clock, tmp_path, "loop", "0.3")
        count = len(lines_of(log))
        await clock._write("-1.5 x1.00")  # a jump, which `set_rate` takes care not to make
        assert await eventually(lambda: len(lines_of(log)) > count + 2, BOUND_S)
        late = max(lines_of(log), key=lambda line: float(line["host"]))
        assert 1.5 < late["host"] < 3, "later by what the clock went back"
        assert late["used"] < 0.3, "asleep meanwhile"
        assert [line for line in lines_of(log) if line["at"] < late["at"]], "the clock is behind what it was"
        after = lines_of(log)[lines_of(log).index(late) + 1 :]
        assert 0.25 < min(line["host"] for line in after) < 0.6, "and all is as before"

    with_clock(tmp_path, body)


def test_where_only_the_wall_clock_jumps_the_monotonic_clock_is_the_hosts(tmp_path: Path) -> None:
    async def body(host: LocalHost, clock: Faketime) -> None:
        await clock.set(3600)
        await clock.begin()
        shows = "import time; print(time.time(), time.monotonic())"
        log = tmp_path / "shown"
        process = await host.start(
            "it", [sys.executable, "-c", shows], log=log, folder=tmp_path, environment=clock.environment
        )
        assert await eventually(lambda: not process.is_running, BOUND_S)
        wall, monotonic = map(float, log.read_text().split())
        assert wall - time.time() == pytest.approx(3600, abs=10)
        assert monotonic == pytest.approx(time.monotonic(), abs=10)

    with_clock(tmp_path, body, drifts=False)


def test_a_library_that_begins_clocks_elsewhere_than_asked_is_refused(tmp_path: Path) -> None:
    """A library that is not there is not loaded, and the clock is the host's."""

    async def body(host: LocalHost, clock: Faketime) -> None:
        raise AssertionError("it was accepted")

    with pytest.raises(HostError, match=r"clocks cannot drift here: .*does not let a clock begin"):
        with_clock(tmp_path, body, library=str(tmp_path / "libfaketime.so.1"))


def test_what_a_dead_run_had_in_shared_memory_is_removed(tmp_path: Path) -> None:
    ledger = Ledger("test", tmp_path)
    name = f"{agent.SHARED_NAME}{ledger.token}-n1"
    ledger.making(SHARED_MEMORY, name)
    ledger.making(SHARED_MEMORY, f"{name}-never-made")
    ownclock.make(name)
    os.close(ledger._file)  # as at the death of its owner
    paths = [Path(path) for path in ownclock.paths(name)]
    assert all(path.exists() for path in paths)
    (removed,) = clean(tmp_path)
    assert (removed.things, removed.problems) == ((f"{SHARED_MEMORY} {name}",), ())
    assert not any(path.exists() for path in paths)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_ends_removes_its_nodes_shared_memory_and_no_others(tmp_path: Path) -> None:
    own, other = f"t{os.getpid()}-n1", f"t{os.getpid()}-n10"
    for token in (own, other):
        ownclock.make(agent.SHARED_NAME + token)
    try:
        agent.remove_shared(own)
        left = [name for name in os.listdir(ownclock.SHARED) if f"t{os.getpid()}-" in name]
        assert sorted(left) == [f"{agent.SHARED_NAME}{other}", f"sem.{agent.SHARED_NAME}{other}"]
        agent.remove_shared(own)
    finally:
        agent.remove_shared(other)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_where_commands_run_by_sudo_the_login_owns_its_nodes_shared_memory() -> None:
    name = f"{agent.SHARED_NAME}t{os.getpid()}-login"
    try:
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", ownclock.SOURCE, "make", name],
            env={**os.environ, "SUDO_UID": "65534", "SUDO_GID": "65534"},
            check=True,
            capture_output=True,
        )
        owners = {(os.stat(path).st_uid, os.stat(path).st_mode & 0o777) for path in ownclock.paths(name)}
        assert owners == {(65534, 0o600)}
    finally:
        ownclock.remove(name)
