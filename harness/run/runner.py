"""The life of one run of real processes: set up, drive, collect, tear down.

After an interruption (Ctrl-C), a failing generator or a lost node, too, the cluster is healed, read back
and torn down, and the recording can be judged. Only if the history cannot be written any more does a run end
at once; `ackproof analyze` can still judge what was written until then.
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

from msgspec.structs import replace

from checkers.words import plural
from harness import generator as gen
from harness.client.carrying import Carrier
from harness.cluster.world import HostedWorld
from harness.drivers.asyncio_driver import drive
from harness.drivers.lag import sample_lag
from harness.drivers.own_use import sample_own_use
from harness.errors import CouldNotRun
from harness.hosts.ledger import clean
from harness.interpreter.interpreter import Interpreter
from harness.nemesis import Nemesis
from harness.nemesis.catalogue import kinds_of
from harness.nemesis.mechanisms.world import World
from harness.nemesis.targets import aims_at_leader
from harness.nemesis.view import NodeView
from harness.run.course import nemesis_for, work_and_faults
from harness.run.folder import RunFolder
from harness.run.parts import RunParts, parts_of, settle_bound_s
from harness.run.progress import HEALING, READING_BACK, WORKING, ProgressLine, Tally, Waiting
from harness.run.test import Test
from harness.run.watching.never_ok import NeverOk
from harness.run.watching.standstill import ended_at_standstill
from harness.run.watching.watch import RunWatch
from harness.run.worlds import world_of
from harness.systems.base import HasVersion, System, bounds, lacks, promises
from harness.systems.users_code import users_code
from harness.workload.final_reads import RECOVERY_BOUND_NS, share_done
from history import HistoryWriter, Operation, PolledStatus, ResourceSample
from history.nemesis import FaultKinds
from history.units import SECOND_NS

SHOW_EVERY_S = 0.25
POLL_EVERY_S = 0.1
FOLLOW_EVERY_S = 1.0
"""How often the leader is looked for, to be shown."""


class RunCourse(NamedTuple):
    """What a run does instead of the test's own work and faults."""

    nemesis: Nemesis
    main: Callable[[int], gen.GeneratorLike]
    """Makes the work and the faults; it is given the run's clock when the nodes have a leader."""


def drawn_seed() -> int:
    """A seed for a run without --seed, small enough to type."""
    return secrets.randbelow(1_000_000)


def run(
    test: Test,
    store: Path,
    *,
    command: Sequence[str],
    quiet: bool,
    course: RunCourse | None = None,
    stop_at_violation: bool = False,
) -> RunFolder:
    """Run a test. The folder then holds everything that happened; it is not judged yet.

    Args:
        course: what to do instead of the test's own work and faults. Healing and the final reads follow.
        stop_at_violation: whether to judge the run as it goes on, and to end it at its first violation.

    Raises:
        CouldNotRun: with a message that says what to do; nothing is left running.
        ValueError: the test names something that does not exist, or that the system does not have.
    """
    parts = parts_of(test)
    test = replace(test, settle_bound_s=settle_bound_s(test, parts.system))
    system_version = _version_of(parts.system)
    if course is None:
        nemesis = nemesis_for(test, parts.system)
        main = work_and_faults(test, parts.workload, nemesis.generator)
        course = RunCourse(nemesis, lambda _now: main)
    tally = Tally(FaultKinds(kinds_of(test.nemesis)))
    with ProgressLine(tally, test.time_limit_s, quiet=quiet) as progress:
        for removed in clean(store=store):
            progress.say(f"removed what an earlier run left behind: {removed}")
        folder = RunFolder.create(store, test)
        try:
            watch = None
            if stop_at_violation:
                local = test.nodes if test.world != "ssh" else ()  # remote traces come only at the end
                watch = RunWatch(parts.workload.watches(), folder, local, progress.say)
            folder.system_version = system_version
            asyncio.run(_Run(test, parts, folder, course, tally, progress, watch).run(command))
            folder.seal()
        except asyncio.CancelledError:  # by SIGTERM before the work, or while nodes are ended
            raise KeyboardInterrupt from None
        except OSError as error:
            raise CouldNotRun(
                f"cannot go on writing to {folder.path} ({error.strerror}); make room, then judge what there "
                f"is: ackproof analyze {folder.path}"
            ) from error
    return folder


def _version_of(system: System) -> str | None:
    """The version of the program under test; None if the system does not know it.

    Raises:
        CouldNotRun: the program is not there, or is of another version.
    """
    try:
        with users_code(system, "version", (ValueError,)):
            return system.version() if isinstance(system, HasVersion) else None
    except ValueError as error:
        raise CouldNotRun(str(error)) from error


class _Run:
    """One run, from its empty folder to the recording in it."""

    def __init__(
        self,
        test: Test,
        parts: RunParts,
        folder: RunFolder,
        course: RunCourse,
        tally: Tally,
        progress: ProgressLine,
        watch: RunWatch | None,
    ) -> None:
        self._test = test
        self._folder = folder
        self._parts = parts
        self._course = course
        self._nemesis = course.nemesis
        self._tally = tally
        self._progress = progress
        self._watch = watch
        self._start = time.monotonic_ns()
        self._lag: list[tuple[int, int]] = []
        self._own_use: list[ResourceSample] = []
        self._is_polled = "traces" in lacks(parts.system)
        self._statuses: list[PolledStatus] = []

    def _clock(self) -> int:
        return time.monotonic_ns() - self._start

    async def run(self, command: Sequence[str]) -> None:
        """Set up, drive, tear down, and store what is not written line by line."""
        _end_at_sigterm()
        self._folder.write_test(self._test, self._start, command, promises(self._parts.system))
        world = world_of(self._test, self._parts.system, self._folder.path / "nodes", self._clock)
        most_s = bounds(self._parts.system).start_s
        self._wait_for(
            Waiting(f"starting {plural(len(self._test.nodes), 'node')}", most_s, is_before_the_work=True)
        )
        try:
            folder, request_s = self._folder.path, bounds(self._parts.system).request_s
            async with (
                _background(self._show()),
                ended_at_standstill(folder, folder.parent, request_s),
                world,
            ):
                most_s = bounds(self._parts.system).leader_s
                self._wait_for(Waiting("waiting for a leader", most_s, is_before_the_work=True))
                await world.wait_for_leader(most_s)
                await self._work_and_break(world)
                self._wait_for(Waiting("ending nodes", bounds(self._parts.system).stop_s))
        finally:
            self._folder.write_lives(world.lives())
            self._folder.write_lag(self._lag)
            self._folder.write_own_use(self._own_use)
            if self._is_polled:
                self._folder.write_statuses(self._statuses)

    async def _work_and_break(self, world: HostedWorld) -> None:
        timeout_s = bounds(self._parts.system).request_s
        lag = sample_lag(lambda at, lag: self._lag.append((at, lag)), clock=self._clock)
        own_use = sample_own_use(self._own_use.append, clock=self._clock)
        watching = [self._watch.follow()] if self._watch is not None else []
        if self._is_polled:
            watching.append(self._poll(world))
        with HistoryWriter(self._folder.history_lines) as writer:
            retries, seed = self._parts.workload.retries, self._test.seed
            async with (
                Carrier(
                    self._parts.client,
                    retries,
                    world,
                    timeout_s,
                    seed,
                    threads=self._test.concurrency,
                    plain=self._test.plain_clients,
                ) as carrier,
                _background(lag, own_use, self._follow_leader(world), *watching),
            ):
                await self._drive(world, carrier, writer)

    async def _drive(self, world: HostedWorld, carrier: Carrier, writer: HistoryWriter) -> None:
        """The main phase, then the final one, which also follows a main phase that was cut short."""

        never_ok = NeverOk(bounds(self._parts.system).request_s, self._test.system)
        stops = [never_ok.found, *([self._watch.found] if self._watch is not None else [])]

        def record(operation: Operation) -> None:
            writer.append(operation)
            self._tally.add(operation)
            never_ok.see(operation)
            if self._watch is not None:
                self._watch.see(operation)

        async def perform(operation: Operation) -> Operation:
            if not operation.is_client:
                if aims_at_leader(operation):
                    await until_led(world, bounds(self._parts.system).calm_s[1])
                return await self._nemesis.perform(operation, world, self._test.seed)
            return await carrier.perform(operation)

        interpreter = Interpreter(
            self._main(), threads=self._test.concurrency, nodes=self._test.nodes, seed=self._test.seed
        )

        def log(text: str) -> None:
            self._wait_for(self._phase(text, interpreter))

        async def phase() -> None:
            await drive(interpreter, perform=perform, record=record, clock=self._clock, log=log)

        try:
            if await _unless_interrupted(phase(), *stops):
                return
            if never_ok.found.is_set():
                self._folder.write_ended_early(never_ok.why)
                raise CouldNotRun(never_ok.why)
            if self._watch is not None and self._watch.violation:
                self._progress.say(f"stopped at a violation: {self._watch.violation}")
                return
            self._progress.say("interrupted: healing and reading back; Ctrl-C again stops at once")
        except gen.GeneratorError as error:
            self._progress.say(f"{error}; healing and reading back")
            self._folder.write_ended_early(str(error))
        interpreter.switch(self._final())
        if not await _unless_interrupted(phase()):
            self._progress.say("interrupted again: reading back was cut short")

    def _main(self) -> gen.GeneratorLike:
        return gen.phases(gen.log(WORKING), self._course.main(self._clock()), self._final())

    def _final(self) -> gen.GeneratorLike:
        heal, read = gen.nemesis(self._nemesis.final), self._parts.workload.final
        return gen.phases(gen.log(HEALING), heal, gen.log(READING_BACK), read)

    async def _poll(self, world: HostedWorld) -> None:
        """Ask all nodes for their status, again and again."""
        last: dict[str, NodeView] = {}
        while True:
            for node, view in (await world.observe()).nodes.items():
                if view.role is not None and (view.role == "leader" or view != last.get(node)):
                    status = PolledStatus(node, self._clock(), view.role, view.term or 0, view.leader)
                    self._statuses.append(status)
                last[node] = view
            await asyncio.sleep(POLL_EVERY_S)

    def _phase(self, text: str, interpreter: Interpreter) -> Waiting:
        """What a phase that the generator logs waits for."""
        if text == HEALING:
            return Waiting(HEALING, bounds(self._parts.system).start_s)
        if text == READING_BACK:
            most_s = RECOVERY_BOUND_NS / SECOND_NS
            return Waiting(READING_BACK, most_s, lambda: share_done(interpreter.generator))
        return Waiting(text)

    def _wait_for(self, waiting: Waiting) -> None:
        self._progress.wait_for(waiting, self._clock())

    async def _show(self) -> None:
        while True:
            self._progress.show(self._clock())
            await asyncio.sleep(SHOW_EVERY_S)

    async def _follow_leader(self, world: HostedWorld) -> None:
        while True:
            view = await world.observe()
            leader = view.leader()
            term = view.nodes[leader].term if leader else None
            self._tally.leader = f"{leader} leads term {term}" if leader else "no leader"
            await asyncio.sleep(FOLLOW_EVERY_S)


async def until_led(world: World, bound_s: float) -> None:
    """Wait until a node says that it leads, at most for a time in seconds; not where no node states a role.

    On a busy machine an election may be going on at the moment of a fault that is aimed at the leader. It
    would strike another node, and the run would say nothing about lost leaders.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(bound_s):
            while True:
                view = await world.observe()
                if view.leader() is not None or all(node.role is None for node in view.nodes.values()):
                    return
                await asyncio.sleep(POLL_EVERY_S)


@contextlib.asynccontextmanager
async def _background(*endless: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless coroutines until the body ends; an error of theirs is raised then."""
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


async def _unless_interrupted(work: Coroutine[Any, Any, None], *stops: asyncio.Event) -> bool:
    """Await the work, which the first SIGINT or SIGTERM, or one of `stops`, ends early; whether it ran to
    its end."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    stoppers = [asyncio.create_task(_cancel_at(stop, task)) for stop in stops]
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
        for stopper in stoppers:
            stopper.cancel()
        loop.remove_signal_handler(signal.SIGINT)
        _end_at_sigterm()
    return True


def _end_at_sigterm() -> None:
    """From now on SIGTERM ends this task as Ctrl-C does; by itself it would leave the nodes running."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def _cancel_at(event: asyncio.Event, task: asyncio.Task[None]) -> None:
    await event.wait()
    task.cancel()
