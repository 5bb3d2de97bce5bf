from collections.abc import Sequence

import pytest

from harness import generator as gen
from harness.drivers.virtual import LatencyWorld, StalledError, all_ok, drive, simulate
from harness.interpreter.interpreter import Interpreter
from history import NEMESIS, History, Operation
from history.units import SECOND_NS
from tests.harness.generator.moves import begun


def interpreter(generator: gen.GeneratorLike) -> Interpreter:
    return Interpreter(generator, threads=2, nodes=("n1", "n2"), seed=0)


def test_hours_of_virtual_time_pass_at_once() -> None:
    hour = 3600 * SECOND_NS
    history = simulate(gen.cycle([gen.sleep(hour), {"f": "a"}], times=24))
    assert [time for time, _ in begun(history)] == [hour * n for n in range(1, 25)]


def test_a_run_ends_when_its_last_operation_has() -> None:
    made: list[Operation] = []
    end = drive(
        interpreter([{"f": "a"}, {"f": "b"}]), LatencyWorld(all_ok(30)), record=made.append, start=100
    )
    assert end == 130
    assert [op.time for op in made] == [100, 100, 130, 130]


def test_completions_of_one_instant_come_together_in_the_order_they_began() -> None:
    world = LatencyWorld(all_ok(10))
    first, second = (Operation(n, 0, n, "invoke", "a") for n in range(2))
    world.begin(0, first)
    world.begin(0, second)
    assert world.advance(5) == (5, ())
    time, completions = world.advance(20)
    assert (time, [op.process for op in completions]) == (10, [0, 1])
    assert world.advance(20) == (20, ())


def test_an_operation_is_recorded_before_it_begins() -> None:
    seen: list[tuple[str, int]] = []

    class Watched(LatencyWorld):
        def begin(self, now: int, invocation: Operation) -> None:
            seen.append(("begun", invocation.index))
            super().begin(now, invocation)

    def record(op: Operation) -> None:
        if op.type == "invoke":
            seen.append(("recorded", op.index))

    drive(interpreter(gen.clients(gen.limit(6, gen.repeat({"f": "a"})))), Watched(all_ok(3)), record=record)
    begun_at = {index: at for at, (what, index) in enumerate(seen) if what == "begun"}
    recorded_at = {index: at for at, (what, index) in enumerate(seen) if what == "recorded"}
    assert len(begun_at) == 6
    assert all(recorded_at[index] < at for index, at in begun_at.items())


class Deaf:
    """A world that answers no operation."""

    def begin(self, now: int, invocation: Operation) -> None:
        pass

    def advance(self, until: int | None) -> tuple[int, Sequence[Operation]]:
        return until or 0, ()


def test_a_world_that_never_answers_is_reported_and_the_history_is_whole() -> None:
    made: list[Operation] = []
    with pytest.raises(StalledError, match=r"nothing will complete .*f='a'"):
        drive(interpreter({"f": "a"}), Deaf(), record=made.append)
    assert [(op.type, op.error) for op in History(made)] == [("invoke", None), ("info", "interrupted")]


def test_after_a_failing_generator_the_run_can_be_driven_on() -> None:
    def fails_later(context: gen.Context) -> dict[str, str]:
        if context.step == 3:
            raise RuntimeError("no more")
        return {"f": "a"}

    made: list[Operation] = []
    run, world = interpreter(gen.clients(fails_later)), LatencyWorld(all_ok(10))
    with pytest.raises(gen.GeneratorError, match="no more"):
        drive(run, world, record=made.append)
    assert run.pending == ()
    run.switch(gen.nemesis({"f": "heal"}))
    drive(run, LatencyWorld(all_ok(10)), record=made.append, start=made[-1].time)
    history = History(made)
    assert [op.f for op in history if op.process == NEMESIS] == ["heal", "heal"]
    assert [op.error for op in history if op.type == "info" and op.is_client] == ["interrupted"]


def test_a_negative_latency_is_refused() -> None:
    with pytest.raises(ValueError, match="latency of -1 ns"):
        simulate({"f": "a"}, perform=lambda op, now: (op, -1))
