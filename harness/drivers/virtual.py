"""The loop in virtual time: it reads no clock and never waits, so a run of hours is over in seconds.

A `VirtualWorld` is where operations happen and where time passes: the simulator of a whole cluster, or the
`LatencyWorld` below, which answers each operation after a latency. `simulate` tries a generator without a
cluster.
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
        """Begin an operation; a later `advance` returns its completion."""
        ...

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        """Let time pass up to `until`, or to the first instant at which operations complete, if sooner.

        Returns the time reached, and the completions of that instant. With `until=None` only a completion
        ends it; a world in which no completion will come returns none.
        """
        ...


class StalledError(Exception):
    """Operations are in flight, and the world will never complete them."""


def drive(
    interpreter: Interpreter,
    world: VirtualWorld,
    *,
    record: Callable[[Operation], Any],
    log: Callable[[str], Any] = lambda _: None,
    start: int = 0,
) -> int:
    """Drive an interpreter from `start` until it is done; return the time at the end.

    Each operation is recorded before it begins in the world.

    Raises:
        GeneratorError: the generator failed. Operations in flight have been recorded as `info`, so the
            caller may give the interpreter another generator and drive it on.
        StalledError: the world has no completion for the operations in flight; they have been recorded, too.
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
    """Answers each operation as a pure function says, after the latency that it says.

    `perform(invocation, now)` returns the completion and the nanoseconds until it arrives.
    """

    def __init__(self, perform: Callable[[Operation, int], tuple[Operation, int]]) -> None:
        self._perform = perform
        self._now = 0
        self._begun = 0
        self._coming: list[tuple[int, int, Operation]] = []

    def begin(self, now: int, invocation: Operation) -> None:
        """Begin an operation: how and when it ends is decided at once."""
        completion, latency = self._perform(invocation, now)
        if latency < 0:
            raise ValueError(f"a latency of {latency} ns, for {invocation}")
        heapq.heappush(self._coming, (now + latency, self._begun, completion))
        self._begun += 1

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        """Go on to the next completions; those of the same time come together, first begun first."""
        if not self._coming or (until is not None and until < self._coming[0][0]):
            self._now = self._now if until is None else until
            return self._now, ()
        self._now = self._coming[0][0]
        completions = []
        while self._coming and self._coming[0][0] == self._now:
            completions.append(heapq.heappop(self._coming)[2])
        return self._now, completions


def all_ok(latency_ns: int) -> Callable[[Operation, int], tuple[Operation, int]]:
    """A function for which every client operation is `ok`, and every nemesis operation `info`."""

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
    """The history of a generator in a `LatencyWorld`; by default every operation succeeds after 10 ns."""
    operations: list[Operation] = []
    drive(
        Interpreter(generator, threads=threads, nodes=nodes, seed=seed),
        LatencyWorld(all_ok(10) if perform is None else perform),
        record=operations.append,
        log=log,
    )
    return History(operations)
