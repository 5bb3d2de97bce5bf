"""The loop in real time, on asyncio: between the interpreter and real clients and faults.

In each step, first everything is recorded, in order; then each invocation begins as a task of one group.
`record` returns only when the line has reached the kernel, so no request leaves before its invocation would
survive a SIGKILL of the harness.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from harness.errors import raised
from harness.interpreter.interpreter import Interpreter, InterpreterError, check_completion
from history import Operation
from history.units import SECOND_NS

_LONGEST_WAIT_S = 1.0
"""The longest wait before the loop looks at the clock again, even if nothing is due."""


async def drive(
    interpreter: Interpreter,
    *,
    perform: Callable[[Operation], Awaitable[Operation]],
    record: Callable[[Operation], Any],
    clock: Callable[[], int],
    log: Callable[[str], Any],
) -> None:
    """Drive an interpreter until it is done.

    Args:
        perform: carries out an invocation and returns its completion. It must bound its own time, and end
            when it is cancelled. If it raises, what happened is unknown: the completion is `info` with the
            exception as its error, for clients and nemesis.
        record: writes one operation; it is synchronous, so the line is written when it returns.
        clock: monotonic nanoseconds since the run began, at real pace.
        log: takes the generator's log lines.

    At the end, in any case, no task is left, and every operation in flight has been recorded: with its
    completion, if that had arrived, or else as `info` with the error "interrupted". The caller may then
    `switch` the interpreter to another generator, for example the final heal, and drive again.

    Raises:
        GeneratorError: the generator failed.
        InterpreterError: `perform` returned no completion of its invocation.
        asyncio.CancelledError: this was cancelled (Ctrl-C).
        Exception: what `record`, `clock` or `log` raised (a full disk). If it was `record`, nothing
            more is recorded: the history ends with the last line that was written.
    """
    await _Loop(interpreter, perform, record, clock, log).run()


class _Loop:
    """The state of one call of `drive`."""

    def __init__(
        self,
        interpreter: Interpreter,
        perform: Callable[[Operation], Awaitable[Operation]],
        record: Callable[[Operation], Any],
        clock: Callable[[], int],
        log: Callable[[str], Any],
    ) -> None:
        self._interpreter = interpreter
        self._perform = perform
        self._record = record
        self._clock = clock
        self._log = log
        self._completions: list[Operation] = []
        self._failure: InterpreterError | None = None
        self._wake = asyncio.Event()
        self._recording = True
        """False once `record` has raised."""

    async def run(self) -> None:
        failure: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                tasks: set[asyncio.Task[None]] = set()  # only for cancelling all of it; the group keeps them
                try:
                    await self._turn(group, tasks)
                except Exception as error:  # noqa: BLE001 - see below
                    # The error that stopped the loop is raised below, when nothing is in flight any more, and
                    # not wrapped in the group's ExceptionGroup.
                    failure = error
                    for task in tasks:
                        task.cancel()
        finally:
            self._settle()
        if failure is not None:
            raise failure

    async def _turn(self, group: asyncio.TaskGroup, tasks: set[asyncio.Task[None]]) -> None:
        while True:
            self._wake.clear()
            arrived, self._completions = self._completions, []
            step = self._interpreter.step(self._clock(), arrived)
            self._write(step.record)
            for text in step.logs:
                self._log(text)
            if step.error is not None:
                raise step.error
            if step.done:
                return
            for invocation in step.dispatch:
                task = group.create_task(self._carry_out(invocation))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await self._wait(step.wake_at)
            if self._failure is not None:
                raise self._failure

    async def _carry_out(self, invocation: Operation) -> None:
        try:
            completion = await self._perform(invocation)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the run is being stopped; `_settle` records it
            completion = _unknown(invocation, "cancelled from within")
        except Exception as error:  # noqa: BLE001 - see below
            # An error in a client or a fault leaves its effect unknown, which is what `info` says.
            completion = _unknown(invocation, raised(error))
        try:
            check_completion(invocation, completion)
            self._completions.append(completion)
        except InterpreterError as error:
            self._failure = error  # a defect of `perform`: `_turn` stops the run
        self._wake.set()

    async def _wait(self, wake_at: int | None) -> None:
        """Wait until a completion arrives, `wake_at` comes, or the longest wait is over."""
        seconds = _LONGEST_WAIT_S
        if wake_at is not None:
            seconds = min(seconds, max(0, wake_at - self._clock()) / SECOND_NS)
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    def _write(self, operations: tuple[Operation, ...]) -> None:
        for operation in operations:
            try:
                self._record(operation)
            except BaseException:
                self._recording = False
                raise

    def _settle(self) -> None:
        """Complete all operations that are still in flight; after an orderly end there are none."""
        if not self._interpreter.pending:
            return
        step = self._interpreter.interrupt(self._clock(), self._completions)
        if self._recording:
            self._write(step.record)


def _unknown(invocation: Operation, error: str) -> Operation:
    return msgspec.structs.replace(invocation, type="info", value=None, error=" ".join(error.split()))
