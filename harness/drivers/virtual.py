"""The loop in virtual time: no clock and no waiting, so a run of hours takes as long as its operations.

A `VirtualWorld` is where operations happen and where time passes: the simulator of a whole cluster,
or, here, `LatencyWorld`, which merely answers each operation after a latency. `simulate` is how
generators are tried without a cluster.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from harness.generator.base import GeneratorLike
from harness.interpreter.interpreter import Interpreter
from history import NEMESIS, History, Operation


class VirtualWorld(Protocol):
    """Where operations happen. Times are nanoseconds since the run began."""

    def begin(self, now: int, invocation: Operation) -> None:
        """An operation begins; its completion comes out of a later `advance`."""
        ...

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        """Let time pass up to `until`, or to the first instant at which operations complete, if sooner.

        Gives the time reached, and the completions of that instant. `until=None`: only a completion ends
        it; a world in which none will ever come returns no completions.
        """
        ...


class StalledError(Exception):
    """Operations are in flight, but the world will never complete them."""


def drive(
    interpreter: Interpreter,
    world: VirtualWorld,
    *,
    record: Callable[[Operation], Any],
    log: Callable[[str], Any] = lambda _: None,
    start: int = 0,
) -> int:
    """Drive an interpreter from `start` until it is done; gives the time then.

    Each operation is recorded before it begins in the world.

    Raises:
        GeneratorError: the generator failed; what was in flight has been recorded as `info`, so the
            interpreter may be given another generator and be driven on from its time.
        StalledError: the world has no completion for what is in flight; likewise.
    """
    now = start
    completions: Sequence[Operation] = ()
    while True:
        step = interpreter.step(now, completions)
        for operation in step.record:
            record(operation)
        for text in step.logs:
            log(text)
        failure: Exception | None = step.error
        if failure is None:
            if step.done:
                return now
            for invocation in step.dispatch:
                world.begin(now, invocation)
            now, completions = world.advance(step.wake_at)
            if step.wake_at is None and not completions:
                failure = StalledError(f"nothing will complete {', '.join(map(str, interpreter.pending))}")
        if failure is not None:
            for operation in interpreter.interrupt(now).record:
                record(operation)
            raise failure


class LatencyWorld:
    """Answers each operation with what a pure function says, after the latency it says.

    `perform(invocation, now)` gives the completion and the nanoseconds until it arrives.
    """

    def __init__(self, perform: Callable[[Operation, int], tuple[Operation, int]]) -> None:
        self._perform = perform
        self._now = 0
        self._begun = 0
        self._coming: list[tuple[int, int, Operation]] = []

    def begin(self, now: int, invocation: Operation) -> None:
        """Decide at once how it will end."""
        completion, latency = self._perform(invocation, now)
        if latency < 0:
            raise ValueError(f"a latency of {latency} ns, for {invocation}")
        heapq.heappush(self._coming, (now + latency, self._begun, completion))
        self._begun += 1

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        """Pass to the next completions, those of equal times together, in the order they began."""
        if not self._coming or (until is not None and until < self._coming[0][0]):
            self._now = self._now if until is None else until
            return self._now, ()
        self._now = self._coming[0][0]
        completions = []
        while self._coming and self._coming[0][0] == self._now:
            completions.append(heapq.heappop(self._coming)[2])
        return self._now, completions


def all_ok(latency_ns: int) -> Callable[[Operation, int], tuple[Operation, int]]:
    """Every client operation is `ok`, every nemesis operation `info`, after the same latency."""

    def perform(invocation: Operation, now: int) -> tuple[Operation, int]:  # noqa: ARG001 - the signature is its caller's
        kind = "info" if invocation.process == NEMESIS else "ok"
        return msgspec.structs.replace(invocation, type=kind), latency_ns

    return perform


def simulate(
    generator: GeneratorLike,
    *,
    threads: int = 3,
    nodes: Sequence[str] = ("n1", "n2", "n3"),
    seed: int = 0,
    perform: Callable[[Operation, int], tuple[Operation, int]] | None = None,
    log: Callable[[str], Any] = lambda _: None,
) -> History:
    """The history of a generator against a world of latencies; by default all is well after 10 ns."""
    operations: list[Operation] = []
    drive(
        Interpreter(generator, threads=threads, nodes=nodes, seed=seed),
        LatencyWorld(all_ok(10) if perform is None else perform),
        record=operations.append,
        log=log,
    )
    return History(operations)
