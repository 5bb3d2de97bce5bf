"""The loop in real time, on asyncio: what stands between the interpreter and real clients and faults.

For each step: everything to be recorded is recorded, in order; then each invocation begins as a task
of one group. `record` returns only when the line has reached the kernel, so no request leaves
before its invocation would survive a kill of the harness.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from harness.interpreter.interpreter import Interpreter, InterpreterError, check_completion
from history import Operation

_LONGEST_WAIT_S = 1.0
"""However long nothing is due, look at the clock this often: no wait is without a bound."""


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
        perform: carries out an invocation and gives its completion. Must bound its own time, and end
            when it is cancelled. If it raises, nobody knows what happened: the completion is `info`,
            its error the exception, for clients and nemesis alike.
        record: writes one operation; synchronous, so that it is done when it returns.
        clock: monotonic nanoseconds since the run began, at real pace.
        log: takes the generator's log lines.

    However it ends, no task is left behind, and everything in flight has been recorded as `info` with
    the error "interrupted" (completions that had arrived, as what they are). The caller may then
    `switch` the interpreter to another generator, the final healing for instance, and drive again.

    Raises:
        GeneratorError: the generator failed.
        InterpreterError: `perform` returned no completion of its invocation.
        asyncio.CancelledError: this was cancelled (Ctrl-C).
        Exception: what `record`, `clock` or `log` raised (a full disk). If it was `record`, nothing
            more is recorded: the history ends with the last line that was written.
    """
    await _Loop(interpreter, perform, record, clock, log).run()


class _Loop:
    """The state of one `drive`."""

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
                    # Whatever stopped the loop is raised below, once nothing is in flight any more and
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
            # Whatever went wrong in a client or a fault, its effect is unknown: that is what `info` says.
            completion = _unknown(invocation, f"{type(error).__name__}: {error}")
        try:
            check_completion(invocation, completion)
            self._completions.append(completion)
        except InterpreterError as error:
            self._failure = error  # a defect of `perform`: `_turn` stops the run
        self._wake.set()

    async def _wait(self, wake_at: int | None) -> None:
        """Until a completion arrives, `wake_at` comes, or the longest wait is over."""
        seconds = _LONGEST_WAIT_S
        if wake_at is not None:
            seconds = min(seconds, max(0, wake_at - self._clock()) / 1e9)
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
        """Complete whatever is still in flight. After an orderly end there is nothing."""
        if not self._interpreter.pending:
            return
        step = self._interpreter.interrupt(self._clock(), self._completions)
        if self._recording:
            self._write(step.record)


def _unknown(invocation: Operation, error: str) -> Operation:
    return msgspec.structs.replace(invocation, type="info", value=None, error=" ".join(error.split()))
