"""A first look at a system: one node is started, asked, worked with, ended and started again.

`ackproof systems check NAME` shows the steps. It judges nothing; it says what does not work before a test is
run, in the words of the step that failed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from harness import generator as gen
from harness.client.carrying import Carrier
from harness.client.data_types import READS, STALE_INSTANCE
from harness.cluster.world import HostedWorld
from harness.drivers.asyncio_driver import drive
from harness.errors import CouldNotRun
from harness.interpreter.interpreter import Interpreter
from harness.nemesis.mechanisms.world import DONE
from harness.run.test import Test
from harness.run.worlds import world_of
from harness.systems import client_for, fitting_workloads
from harness.systems.base import HasVersion, System, bounds
from harness.systems.users_code import users_code
from harness.workload import workload
from history import Operation
from history.units import MILLISECOND_NS, SECOND_NS

NODE = "n1"
PROGRAM, START, LEADER = "the program", "the start of one node", "a leader"
CLIENTS = 2
MOST_PROCESSES = 1000
"""More than one workload uses here."""
WORK_NS = SECOND_NS
BETWEEN_NS = 20 * MILLISECOND_NS
BY = "trial"
FEWEST_READS = 3
STEPS_OF_NODE = 7
"""Steps that are no workload's: the program, its start, a leader, two ends and two starts after them."""
"""With fewer reads of what was written nothing is said about them."""


class TrialStep(msgspec.Struct, frozen=True):
    """One thing that was tried."""

    what: str
    works: bool
    details: str


class _Failed(Exception):
    """A step failed, so later ones cannot be tried."""


def try_out(
    system: System, name: str, folder: Path, tell_share: Callable[[float], None] = lambda _: None
) -> list[TrialStep]:
    """Try what a run needs of a system, on one node; the last step may be one that failed.

    Args:
        name: the system as --system names it.
        folder: for the node's files.
        tell_share: is given, after each step, which share of the steps is done.
    """
    steps: list[TrialStep] = []
    try:
        if isinstance(system, HasVersion):
            with users_code(system, "version", (ValueError,)):
                steps.append(TrialStep(PROGRAM, True, system.version()))
        asyncio.run(_Trial(system, name, folder, steps, tell_share).run())
    except _Failed:
        pass
    except (CouldNotRun, ValueError) as error:
        steps.append(TrialStep(_next_after(steps, system), False, " ".join(str(error).split())))
    return steps


def _next_after(steps: Sequence[TrialStep], system: System) -> str:
    """The step that was tried when an error came."""
    done = [step.what for step in steps]
    if not done and isinstance(system, HasVersion):
        return PROGRAM
    if START not in done:
        return START
    return LEADER if LEADER not in done else f"what follows {done[-1]}"


class _Trial:
    """The steps on a node that runs."""

    def __init__(
        self,
        system: System,
        name: str,
        folder: Path,
        steps: list[TrialStep],
        tell_share: Callable[[float], None],
    ) -> None:
        self._system = system
        self._tell_share = tell_share
        self._expected = STEPS_OF_NODE + len(fitting_workloads(system))
        is_apart = system.links == "addresses" and os.geteuid() == 0
        self._test = Test(nodes=(NODE,), world="netns" if is_apart else "local", system=name, nemesis=())
        self._folder = folder
        self._steps = steps
        self._start = time.monotonic_ns()
        self._processes = 0

    def _clock(self) -> int:
        return time.monotonic_ns() - self._start

    async def run(self) -> None:
        """All steps, in order."""
        async with world_of(self._test, self._system, self._folder, self._clock) as world:
            seconds = self._clock() / SECOND_NS
            status = await world.status(NODE)
            said = "gives no status any more" if status is None else f"says {status.role}, term {status.term}"
            self._note(START, status is not None, f"answers after {seconds:.1f} s, {said}")
            await world.wait_for_leader(bounds(self._system).leader_s)
            self._note(LEADER, True, f"{NODE}, as the system counts")
            for name in fitting_workloads(self._system):
                await self._work(world, name)
            processes = world.processes
            await self._act("an end by SIGTERM", lambda: processes.terminate(NODE, BY))
            ended = [life for life in world.lives() if life.ended_by is None and life.status is not None]
            if ended:
                said = ", ".join(str(life.status) for life in ended)
                self._note("the exit status", False, f"{said}; the system names others (stop_statuses)")
            await self._act("a start after it", lambda: processes.start(NODE))
            await self._act("an end by SIGKILL", lambda: processes.kill(NODE, BY))
            await self._act("a start after it", lambda: processes.start(NODE))

    async def _work(self, world: HostedWorld, name: str) -> None:
        """Some operations of one workload: at least one of each kind must have been answered."""
        work = workload(name, (NODE,), CLIENTS)
        done: list[Operation] = []
        main = gen.clients(gen.time_limit(WORK_NS, gen.stagger(BETWEEN_NS, work.generator)))
        interpreter = Interpreter(main, threads=CLIENTS, nodes=(NODE,), seed=1)
        timeout_s = bounds(self._system).request_s
        self._processes += MOST_PROCESSES  # a process of an earlier workload is not taken up again
        shift = self._processes

        async with Carrier(client_for(self._system, work), work.retries, world, timeout_s) as carrier:

            async def perform(one: Operation) -> Operation:
                shifted = replace(one, process=one.process + shift)
                return replace(await carrier.perform(shifted), process=one.process)

            await drive(
                interpreter,
                perform=perform,
                record=done.append,
                clock=self._clock,
                log=lambda _: None,
            )
        asked = Counter(one.f for one in done if one.type == "invoke")
        answered = Counter(one.f for one in done if one.type == "ok")
        silent = [f for f in asked if not answered[f]]
        counts = ", ".join(f"{answered[f]} of {asked[f]} {f}" for f in asked)
        error = next((one.error for one in done if one.f in silent and one.error), None)
        if error is None and work.data_type != STALE_INSTANCE and shows_nothing(done):
            error = "reads show nothing of what was written"
        details = counts if error is None else f"{counts}; {error}"
        self._note(f"workload {name}", not silent and error is None, details, stop=False)

    async def _act(self, what: str, act: Callable[[], Awaitable[str | None]]) -> None:
        began = self._clock()
        result = await act()
        seconds = (self._clock() - began) / SECOND_NS
        self._note(what, result == DONE, f"after {seconds:.1f} s" if result == DONE else str(result))

    def _note(self, what: str, works: bool, details: str, *, stop: bool = True) -> None:
        self._steps.append(TrialStep(what, works, details))
        self._tell_share(min(len(self._steps) / self._expected, 1.0))
        if stop and not works:
            raise _Failed


def shows_nothing(history: Sequence[Operation]) -> bool:
    """Whether reads of keys that had been written were all empty, as if they were not understood."""
    written: set[str | None] = set()
    asked_after_write: set[int] = set()
    values = []
    for one in history:
        if one.f in READS and one.type == "invoke" and one.key in written:
            asked_after_write.add(one.process)
        elif one.f in READS and one.type == "ok" and one.process in asked_after_write:
            values.append(one.value)
        elif one.type == "ok" and one.f not in READS and one.value not in (None, False):
            written.add(one.key)
        if one.type != "invoke":
            asked_after_write.discard(one.process)
    return len(values) >= FEWEST_READS and not any(values)


def works(steps: list[TrialStep]) -> bool:
    """Whether every step worked."""
    return all(step.works for step in steps)


def lines(steps: list[TrialStep]) -> Iterator[str]:
    """The steps, a line each."""
    width = max(len(step.what) for step in steps)
    for step in steps:
        yield f"{'works' if step.works else 'FAILS'}  {step.what:<{width}}  {step.details}"
