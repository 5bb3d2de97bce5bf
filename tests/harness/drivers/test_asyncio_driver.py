import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import msgspec
import pytest

from harness import generator as gen
from harness.drivers.asyncio_driver import drive
from harness.drivers.lag import sample_lag
from harness.interpreter.interpreter import Interpreter, InterpreterError
from history import NEMESIS, History, Operation
from history.units import MILLISECOND_NS
from tests.harness.generator.moves import names

Perform = Callable[[Operation], Awaitable[Operation]]


def ended(invocation: Operation) -> Operation:
    return msgspec.structs.replace(invocation, type="info" if invocation.process == NEMESIS else "ok")


async def at_once(invocation: Operation) -> Operation:
    return ended(invocation)


class Run:
    """One interpreter driven over real time, and what it recorded."""

    def __init__(self, generator: gen.GeneratorLike, threads: int = 2) -> None:
        self.interpreter = Interpreter(generator, threads=threads, nodes=("n1", "n2"), seed=0)
        self.made: list[Operation] = []
        self.lines: list[str] = []
        self._start = time.monotonic_ns()

    def clock(self) -> int:
        return time.monotonic_ns() - self._start

    def drive(
        self, perform: Perform = at_once, record: Callable[[Operation], Any] | None = None
    ) -> Coroutine[Any, Any, None]:
        return drive(
            self.interpreter,
            perform=perform,
            record=record or self.made.append,
            clock=self.clock,
            log=self.lines.append,
        )

    @property
    def history(self) -> History:
        return History(self.made)


def endings(history: History) -> list[tuple[str, str | None]]:
    return [(op.type, op.error) for op in history if op.type != "invoke"]


def test_a_run_is_driven_to_its_end() -> None:
    run = Run(
        gen.phases(gen.log("working"), gen.each_thread([{"f": "a"}, {"f": "b"}]), gen.nemesis({"f": "heal"}))
    )
    asyncio.run(run.drive())
    assert sorted(names(run.history)) == ["a", "a", "b", "b", "heal"]
    assert run.lines == ["working"]
    assert run.interpreter.pending == ()


def test_every_operation_is_recorded_before_it_is_performed() -> None:
    run = Run(gen.clients(gen.limit(40, gen.repeat({"f": "a"}))), threads=8)

    async def perform(invocation: Operation) -> Operation:
        assert run.made[invocation.index] == invocation
        await asyncio.sleep(0)
        return ended(invocation)

    asyncio.run(run.drive(perform))
    assert [kind for kind, _ in endings(run.history)] == ["ok"] * 40


def test_operations_of_different_threads_run_at_once() -> None:
    """Each waits for all five: one after the other, they would never end."""
    run = Run(gen.each_thread({"f": "a"}), threads=5)

    async def main() -> None:
        barrier = asyncio.Barrier(5)

        async def perform(invocation: Operation) -> Operation:
            await barrier.wait()
            return ended(invocation)

        await asyncio.wait_for(run.drive(perform), 10)

    asyncio.run(main())
    assert [op.type for op in run.history] == ["invoke"] * 5 + ["ok"] * 5


def test_it_keeps_the_generators_times() -> None:
    run = Run(gen.limit(4, gen.delay(20 * MILLISECOND_NS, gen.repeat({"f": "a"}))))
    asyncio.run(run.drive())
    times = [op.time for op in run.history if op.type == "invoke"]
    assert all(after - before >= 20 * MILLISECOND_NS for before, after in itertools.pairwise(times))


def test_a_client_that_raises_leaves_the_outcome_unknown() -> None:
    run = Run(gen.on_threads([0], gen.limit(2, gen.repeat({"f": "a", "value": 1}))))

    async def perform(invocation: Operation) -> Operation:
        raise ConnectionResetError("reset\nby peer")

    asyncio.run(run.drive(perform))
    assert endings(run.history) == [("info", "ConnectionResetError: reset by peer")] * 2
    assert [op.process for op in run.history if op.type == "invoke"] == [0, 2]
    assert run.history[1].value is None


def test_a_fault_that_raises_leaves_its_outcome_unknown() -> None:
    run = Run(gen.nemesis(gen.limit(2, gen.repeat({"f": "kill"}))))

    async def perform(invocation: Operation) -> Operation:
        raise PermissionError("not allowed")

    asyncio.run(run.drive(perform))
    assert endings(run.history) == [("info", "PermissionError: not allowed")] * 2


def test_a_cancellation_from_within_a_client_is_an_outcome_like_any_other() -> None:
    run = Run({"f": "a"})

    async def perform(invocation: Operation) -> Operation:
        raise asyncio.CancelledError

    asyncio.run(asyncio.wait_for(run.drive(perform), 10))
    assert endings(run.history) == [("info", "cancelled from within")]


async def interrupted(run: Run, perform: Perform, begun: asyncio.Event) -> None:
    """Drive until `begun`, then interrupt as Ctrl-C does."""
    task = asyncio.create_task(run.drive(perform))
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_an_interrupted_run_has_a_whole_history_and_goes_on_with_its_final_phase() -> None:
    run = Run(gen.any(gen.clients(gen.repeat({"f": "a"})), gen.nemesis({"f": "cut"})), threads=3)
    performing = 0

    async def main() -> None:
        begun = asyncio.Event()

        async def hangs(invocation: Operation) -> Operation:
            nonlocal performing
            performing += 1
            if performing == 4:
                begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                performing -= 1
            raise AssertionError("unreachable")

        await interrupted(run, hangs, begun)
        assert performing == 0
        assert endings(run.history) == [("info", "interrupted")] * 4
        run.interpreter.switch(
            gen.phases(gen.nemesis({"f": "heal"}), gen.clients(gen.each_thread({"f": "read"})))
        )
        await run.drive()

    asyncio.run(main())
    assert names(run.history)[-4:] == ["heal", "read", "read", "read"]
    assert sorted(op.process for op in run.history if op.f == "read" and op.type == "ok") == [3, 4, 5]


def test_what_completed_before_an_interruption_counts_as_what_it_is() -> None:
    run = Run(gen.clients(gen.each_thread({"f": "a"})), threads=2)

    async def main() -> None:
        begun = asyncio.Event()

        async def perform(invocation: Operation) -> Operation:
            if invocation.process == 0:
                begun.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    return ended(invocation)  # its reply was there already
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        await interrupted(run, perform, begun)

    asyncio.run(main())
    assert sorted(endings(run.history), key=str) == [("info", "interrupted"), ("ok", None)]


def test_a_failing_generator_ends_the_run_with_a_whole_history() -> None:
    def fails_later(context: gen.Context) -> dict[str, str]:
        if context.step == 1:
            raise RuntimeError("no more")
        return {"f": "a"}

    run = Run(gen.clients(fails_later))
    with pytest.raises(gen.GeneratorError, match=r"fails_later.*no more"):
        asyncio.run(run.drive())
    assert endings(run.history) == [("info", "interrupted")]
    run.interpreter.switch(gen.nemesis({"f": "heal"}))
    asyncio.run(run.drive())
    assert names(run.history) == ["a", "heal"]


def test_a_full_disk_ends_the_run_and_nothing_is_recorded_or_begun_after_it() -> None:
    run = Run(gen.clients(gen.repeat({"f": "a"})), threads=3)
    performed: list[int] = []
    failed: list[int] = []

    def record(operation: Operation) -> None:
        if len(run.made) == 7 and not failed:
            failed.append(operation.index)
            raise OSError(28, "No space left on device")
        run.made.append(operation)

    async def perform(invocation: Operation) -> Operation:
        performed.append(invocation.index)
        await asyncio.sleep(0)
        return ended(invocation)

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(run.drive(perform, record))
    assert len(run.made) == 7
    assert max(performed) < 7
    assert run.interpreter.pending == ()


@pytest.mark.parametrize(
    "completion", [None, Operation(-1, 0, 0, "ok", "another"), Operation(-1, 0, 0, "invoke", "a")]
)
def test_a_completion_of_something_else_ends_the_run(completion: Any) -> None:
    run = Run(gen.on_threads([0, 1], gen.each_thread({"f": "a"})))

    async def perform(invocation: Operation) -> Operation:
        return completion if invocation.process == 0 else ended(invocation)

    with pytest.raises(InterpreterError):
        asyncio.run(run.drive(perform))
    assert sorted(endings(run.history), key=str) == [("info", "interrupted"), ("ok", None)]


def test_no_task_outlives_the_run() -> None:
    run = Run(gen.limit(20, gen.repeat({"f": "a"})))

    async def main() -> None:
        await run.drive()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_blocked_event_loop_shows_as_lag() -> None:
    samples: list[tuple[int, int]] = []

    async def main() -> None:
        sampler = asyncio.create_task(
            sample_lag(
                lambda at, lag: samples.append((at, lag)),
                clock=time.monotonic_ns,
                interval_ns=5 * MILLISECOND_NS,
            )
        )
        await asyncio.sleep(0.03)
        before = time.monotonic_ns()
        while time.monotonic_ns() - before < 100 * MILLISECOND_NS:
            pass  # what a loop must not do
        await asyncio.sleep(0.03)
        sampler.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sampler

    asyncio.run(main())
    lags = [lag for _, lag in samples]
    assert max(lags) > 90 * MILLISECOND_NS
    assert min(lags) >= 0
    assert [at for at, _ in samples] == sorted(at for at, _ in samples)
