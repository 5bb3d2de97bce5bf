"""The life of one run: set up, drive, collect, tear down.

Whatever happens in the middle (Ctrl-C, a failing generator, a lost node), the cluster is healed, read
back and torn down, and what was recorded can be judged. Only a history that cannot be written any more
ends a run at once; what it holds by then can still be judged with `ackproof analyze`.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness import generator as gen
from harness.client.codecs.exchange import Exchange
from harness.client.http import HttpTransport
from harness.cluster.kinds import HOSTED_WORLDS
from harness.cluster.world import HostedWorld
from harness.drivers.asyncio_driver import drive
from harness.drivers.lag import sample_lag
from harness.errors import CouldNotRun
from harness.hosts.ledger import clean
from harness.interpreter.interpreter import Interpreter
from harness.nemesis import Nemesis, nemesis_of
from harness.run.folder import RunFolder
from harness.run.progress import ProgressLine, Tally
from harness.run.test import Test
from harness.run.worlds import world_of
from harness.workload import Workload, workload
from history import HistoryWriter, Operation

FIRST_LEADER_BOUND_S = 30.0
CLIENT_PATIENCE_S = 0.5
"""How much longer than the node's own time-out a client waits for its reply."""
SHOW_EVERY_S = 0.25
OBSERVE_EVERY = 4
"""The leader is asked for at every so manieth showing."""
_NS = 1_000_000_000


class Course(NamedTuple):
    """What a run does instead of the test's own work and faults."""

    nemesis: Nemesis
    main: Callable[[int], gen.GeneratorLike]
    """Given the run's clock when the nodes have a leader."""


def drawn_seed() -> int:
    """A seed for a run that was given none; small enough to type."""
    return secrets.randbelow(1_000_000)


def run(
    test: Test, store: Path, *, command: Sequence[str], quiet: bool, course: Course | None = None
) -> RunFolder:
    """Run a test; the folder then holds everything that happened, not yet judged.

    Args:
        course: what to do; by default, what the test says. Healing and reading back follow either.

    Raises:
        CouldNotRun: with a message that says what to do; nothing is left running.
    """
    work = workload(test.workload, test.nodes, test.concurrency)
    if course is None:
        course = _course_of(
            test,
            work,
            nemesis_of(test.nemesis, HOSTED_WORLDS[test.hosts], test.nodes, test.schedule, test.seed),
        )
    tally = Tally()
    with ProgressLine(tally, test.time_limit_s, quiet=quiet) as progress:
        for removed in clean():
            progress.say(f"removed what an earlier run left behind: {removed}")
        folder = RunFolder.create(store, test)
        try:
            asyncio.run(_Run(test, folder, work, course, tally, progress).run(command))
        except OSError as error:
            raise CouldNotRun(
                f"cannot go on writing to {folder.path} ({error.strerror}); make room, then judge what there "
                f"is: ackproof analyze {folder.path}"
            ) from error
    return folder


class _Run:
    """One run, between an empty folder and a full one."""

    def __init__(
        self,
        test: Test,
        folder: RunFolder,
        work: Workload,
        course: Course,
        tally: Tally,
        progress: ProgressLine,
    ) -> None:
        self._test = test
        self._folder = folder
        self._work = work
        self._course = course
        self._nemesis = course.nemesis
        self._tally = tally
        self._progress = progress
        self._start = time.monotonic_ns()
        self._lag: list[tuple[int, int]] = []

    def _clock(self) -> int:
        return time.monotonic_ns() - self._start

    async def run(self, command: Sequence[str]) -> None:
        """Set up, drive, tear down, and store what is not stored yet."""
        self._folder.write_test(self._test, self._start, command)
        world = world_of(self._test, self._folder.path / "nodes", self._clock)
        try:
            async with world:
                self._tally.phase = "electing"
                await world.wait_for_leader(FIRST_LEADER_BOUND_S)
                await self._work_and_break(world)
        finally:
            self._folder.write_lives(world.lives())
            self._folder.write_lag(self._lag)

    async def _work_and_break(self, world: HostedWorld) -> None:
        timeout_s = self._test.request_timeout_ms / 1000 + CLIENT_PATIENCE_S
        lag = sample_lag(lambda at, lag: self._lag.append((at, lag)), clock=self._clock)
        with HistoryWriter(self._folder.history_lines) as writer:
            async with (
                HttpTransport(timeout_s, world.sockets) as transport,
                _background(lag, self._show(world)),
            ):
                await self._drive(world, transport, writer)

    async def _drive(self, world: HostedWorld, transport: HttpTransport, writer: HistoryWriter) -> None:
        """The main phase, then the final one; the final one also if the main one was cut short."""

        def record(operation: Operation) -> None:
            writer.append(operation)
            self._tally.add(operation)

        async def perform(operation: Operation) -> Operation:
            if not operation.is_client:
                return await self._nemesis.perform(operation, world, self._test.seed)
            return await self._ask(operation, world, transport)

        def log(text: str) -> None:
            self._tally.phase = text

        interpreter = Interpreter(
            self._main(), threads=self._test.concurrency, nodes=self._test.nodes, seed=self._test.seed
        )

        async def phase() -> None:
            await drive(interpreter, perform=perform, record=record, clock=self._clock, log=log)

        try:
            if await _unless_interrupted(phase()):
                return
            self._progress.say("interrupted: healing and reading back; Ctrl-C again stops at once")
        except gen.GeneratorError as error:
            self._progress.say(f"{error}; healing and reading back")
        interpreter.switch(self._final())
        if not await _unless_interrupted(phase()):
            self._progress.say("interrupted again: reading back was cut short")

    async def _ask(self, operation: Operation, world: HostedWorld, transport: HttpTransport) -> Operation:
        """A client's operation: one request, or more where the workload sends writes again."""
        exchange = Exchange.begin(self._work.codec, self._work.retries, operation)
        while True:
            reply = await transport.send(world.address(exchange.node), exchange.request())
            following = exchange.after(reply)
            if isinstance(following, Operation):
                return following
            exchange = following
            await asyncio.sleep(exchange.pause_ns / _NS)

    def _main(self) -> gen.GeneratorLike:
        return gen.phases(gen.log("working"), self._course.main(self._clock()), self._final())

    def _final(self) -> gen.GeneratorLike:
        return gen.phases(
            gen.log("healing"), gen.nemesis(self._nemesis.final), gen.log("reading back"), self._work.final
        )

    async def _show(self, world: HostedWorld) -> None:
        showings = 0
        while True:
            if showings % OBSERVE_EVERY == 0:
                view = await world.observe()
                leader = view.leader()
                term = view.nodes[leader].term if leader else None
                self._tally.leader = f"{leader} leads term {term}" if leader else "no leader"
            showings += 1
            self._progress.show(self._clock())
            await asyncio.sleep(SHOW_EVERY_S)


def _course_of(test: Test, work: Workload, nemesis: Nemesis) -> Course:
    """The workload's operations and the nemesis's faults, for as long as the test says."""
    mean_gap = round(_NS / test.rate)
    main = gen.any(gen.clients(gen.stagger(mean_gap, work.generator)), gen.nemesis(nemesis.generator))
    return Course(nemesis, lambda _now: gen.time_limit(round(test.time_limit_s * _NS), main))


@contextlib.asynccontextmanager
async def _background(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless coroutines beside the body, until it ends; a failure of theirs is raised then."""
    tasks = [asyncio.create_task(work) for work in endless]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error


async def _unless_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Await, while the first SIGINT or SIGTERM ends it early. Whether it ran to its end."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            task.cancel()
            raise
        return False
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return True
