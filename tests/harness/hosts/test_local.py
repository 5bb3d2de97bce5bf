from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.hosts.host import Background, StartError, eventually, within
from harness.hosts.ledger import Ledger
from harness.hosts.local import EssentialEndedError, LocalHost, tail
from harness.hosts.processes import identify

SLEEP = ["/bin/sleep", "60"]
WITH_HANDLER = """
import signal, sys, time
signal.signal(signal.SIGTERM, {handler})
print('ready', flush=True)
time.sleep(60)
"""


def on_sigterm(handler: str) -> list[str]:
    """A program that says `ready`, sleeps, and does this at SIGTERM."""
    return [sys.executable, "-c", WITH_HANDLER.format(handler=handler)]


DEAF = on_sigterm("signal.SIG_IGN")
POLITE = on_sigterm("lambda *_: sys.exit(0)")
CRASHING = on_sigterm("lambda *_: sys.exit(70)")


class Bench:
    """A host in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.ledger = Ledger("test", folder / "ledgers")
        self.host = LocalHost(self.ledger, time.monotonic_ns)

    async def start(self, argv: Sequence[str], *, essential: bool = False) -> Background:
        return await self.host.start(
            "it", argv, log=self.log, folder=self.folder, environment={"COLOUR": "blue"}, essential=essential
        )

    async def start_ready(self, argv: Sequence[str]) -> Background:
        process = await self.start(argv)
        assert await eventually(lambda: tail(self.log, 1) == ["ready"], 10)
        return process


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_output_and_errors_are_appended_to_the_log(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            for word in ("one", "two"):
                script = f"echo {word}; echo $COLOUR >&2; pwd"
                process = await bench.start(["/bin/sh", "-c", script])
                assert await within(5, process.exited.wait())
                assert (process.status, process.ended_by) == (0, None)

    asyncio.run(body())
    folder = str(bench.folder)
    assert bench.log.read_text().split() == ["one", "blue", folder, "two", "blue", folder]


def test_a_killed_process_is_gone_when_kill_returns_and_on_the_killers_account(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start(SLEEP)
            assert process.is_running
            assert await bench.host.kill(process, by="kill")
            assert identify(process.pid) is None
            assert (process.status, process.ended_by) == (-signal.SIGKILL, "kill")
            assert process.ended_at is not None
            assert process.started_at < process.ended_at
            assert await bench.host.kill(process, by="another"), "to kill what has ended changes nothing"
            assert process.ended_by == "kill"

    asyncio.run(body())


def test_an_unexpected_end_is_noticed_at_once_and_counted_as_unexpected(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start(SLEEP)
            os.kill(process.pid, signal.SIGKILL)
            assert await within(5, process.exited.wait())
            assert (process.status, process.ended_by) == (-signal.SIGKILL, None)

    asyncio.run(body())


def test_a_crash_while_being_asked_to_end_is_unexpected(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start_ready(CRASHING)
            assert await bench.host.terminate(process, "teardown", 5)
            assert (process.status, process.ended_by) == (70, None)

    asyncio.run(body())


def test_an_orderly_end_is_on_the_account_of_who_asked(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start_ready(POLITE)
            assert await bench.host.pause(process)
            assert await bench.host.terminate(process, "teardown", 5), "also while paused"
            assert (process.status, process.ended_by) == (0, "teardown")

    asyncio.run(body())


def test_terminating_waits_no_longer_than_its_bound(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start_ready(DEAF)
            assert not await bench.host.terminate(process, "teardown", 0.1)
            assert process.is_running

    asyncio.run(body())


def test_a_paused_process_is_stopped_and_a_resumed_one_goes_on(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start(SLEEP)
            assert await bench.host.pause(process)
            assert process.is_stopped
            assert await bench.host.resume(process)
            assert not process.is_stopped
            await bench.host.pause(process)
            assert await bench.host.kill(process, by="kill"), "SIGKILL reaches the paused too"
            assert not process.is_stopped
            assert not await bench.host.pause(process)

    asyncio.run(body())


def test_a_process_outlives_neither_the_host_nor_an_error_in_its_body(bench: Bench) -> None:
    processes: list[Background] = []

    async def body() -> None:
        async with bench.host:
            processes.append(await bench.start(SLEEP))
            processes.append(await bench.start_ready(DEAF))
            await bench.host.pause(processes[1])
            raise RuntimeError("the body fails")

    with pytest.raises(RuntimeError, match="the body fails"):
        asyncio.run(body())
    assert [(process.status, process.ended_by) for process in processes] == [(-9, "teardown")] * 2


def test_every_process_has_a_session_of_its_own(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start(SLEEP)
            assert os.getsid(process.pid) == process.pid

    asyncio.run(body())


def test_the_end_of_an_essential_process_ends_the_body(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            process = await bench.start(SLEEP, essential=True)
            os.kill(process.pid, signal.SIGTERM)
            await asyncio.sleep(30)

    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(body())
    assert raised.group_contains(EssentialEndedError, match="it ended with status -15")


def test_a_program_that_does_not_exist_is_a_clear_error(bench: Bench) -> None:
    async def body() -> None:
        async with bench.host:
            with pytest.raises(StartError, match=r"cannot start it \(/no/such\): .*No such file"):
                await bench.start(["/no/such"])

    asyncio.run(body())


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert tail(log, 3) == []
    log.write_text("".join(f"line {number}\n" for number in range(10_000)))
    assert tail(log, 2) == ["line 9998", "line 9999"]
