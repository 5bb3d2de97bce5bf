from typing import Any

import msgspec
import pytest

from harness import generator as gen
from harness.generator.base import Answer, Context, Generator
from harness.interpreter.interpreter import Interpreter, InterpreterError, Step
from history import NEMESIS, History, Operation, OperationType

NODES = ("n1", "n2", "n3")


def interpreter(generator: gen.GeneratorLike, threads: int = 2) -> Interpreter:
    return Interpreter(generator, threads=threads, nodes=NODES, seed=0)


def ended(invocation: Operation, kind: OperationType = "ok", **changes: Any) -> Operation:
    return msgspec.structs.replace(invocation, type=kind, **changes)


def brief(step: Step) -> list[tuple[int, int, str, str]]:
    return [(op.index, op.process, op.type, op.f) for op in step.record]


def test_completions_come_before_new_work_at_the_same_instant() -> None:
    run = interpreter(gen.repeat({"f": "a"}), threads=1)
    first = run.step(0)
    second = run.step(10, [ended(first.dispatch[0])])
    assert brief(second) == [(1, 0, "ok", "a"), (2, 0, "invoke", "a")]
    assert [op.time for op in second.record] == [10, 10]
    assert [op.index for op in second.dispatch] == [2]


def test_a_step_fills_every_free_thread_and_no_busy_one() -> None:
    run = interpreter(gen.clients(gen.repeat({"f": "a"})), threads=3)
    first = run.step(0)
    assert sorted(op.process for op in first.dispatch) == [0, 1, 2]
    assert run.step(5).dispatch == ()
    again = run.step(9, [ended(first.dispatch[1])])
    assert [op.process for op in again.dispatch] == [first.dispatch[1].process]


def test_an_unknown_outcome_ends_the_process_and_its_thread_goes_on_as_another() -> None:
    run = interpreter(gen.repeat({"f": "a"}), threads=1)
    processes = []
    invocation = run.step(0).dispatch[0]
    for now in range(1, 4):
        processes.append(invocation.process)
        invocation = run.step(now, [ended(invocation, "info")]).dispatch[0]
    assert processes == [0, 1, 2]
    run = interpreter(gen.on_threads([1], gen.repeat({"f": "a"})), threads=5)
    lost = run.step(0).dispatch[0]
    assert run.step(1, [ended(lost, "info")]).dispatch[0].process == 6


def test_the_nemesis_stays_the_nemesis() -> None:
    run = interpreter(gen.nemesis(gen.repeat({"f": "kill"})))
    invocation = run.step(0).dispatch[0]
    again = run.step(1, [ended(invocation, "info", value=["n1"])])
    assert [op.process for op in again.record] == [NEMESIS, NEMESIS]
    assert again.record[0].value == ["n1"]


def test_a_thread_speaks_to_one_node_unless_the_operation_names_another() -> None:
    run = interpreter(gen.each_thread([{"f": "a"}, {"f": "b", "node": "n2"}]), threads=4)
    first = run.step(0)
    assert {op.process: op.node for op in first.dispatch} == {0: "n1", 1: "n2", 2: "n3", 3: "n1"}
    second = run.step(1, [ended(op, "info") for op in first.dispatch])
    assert {op.node for op in second.dispatch} == {"n2"}
    run.switch(gen.each_thread({"f": "c"}))
    third = run.step(2, [ended(op) for op in second.dispatch])
    assert {op.process: op.node for op in third.dispatch} == {4: "n1", 5: "n2", 6: "n3", 7: "n1"}


def test_a_nemesis_operation_has_no_node_of_its_own() -> None:
    assert interpreter(gen.nemesis({"f": "kill"})).step(0).dispatch[0].node is None


def test_a_completion_keeps_what_the_client_learned() -> None:
    run = interpreter({"f": "a", "key": "k", "value": 1})
    invocation = run.step(0).dispatch[0]
    done = run.step(4, [ended(invocation, "fail", value=None, error="refused", node=None, raft_index=7)])
    completion = done.record[0]
    assert (completion.index, completion.time, completion.type) == (1, 4, "fail")
    assert (completion.value, completion.error, completion.raft_index) == (None, "refused", 7)
    assert completion.node == invocation.node
    assert done.done


def test_it_says_when_to_come_again() -> None:
    run = interpreter([gen.sleep(100), {"f": "a"}])
    first = run.step(0)
    assert (first.wake_at, first.done) == (100, False)
    second = run.step(100)
    assert (second.wake_at, second.done, len(second.dispatch)) == (None, False, 1)
    assert run.step(110, [ended(second.dispatch[0])]).done


def test_log_lines_come_out_of_the_step_and_enter_no_history() -> None:
    step = interpreter([gen.log("one"), {"f": "a"}, gen.log("two")]).step(0)
    assert step.logs == ("one", "two")
    assert brief(step) == [(0, step.record[0].process, "invoke", "a")]


def test_pending_shows_what_is_in_flight() -> None:
    run = interpreter(gen.clients(gen.repeat({"f": "a"})), threads=3)
    first = run.step(0)
    assert run.pending == first.dispatch
    run.switch(None)
    run.step(1, [ended(first.dispatch[1])])
    assert run.pending == (first.dispatch[0], first.dispatch[2])


# ---- what drivers and clients may not do --------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"process": 1}, "nothing is in flight"),
        ({"process": NEMESIS}, "nothing is in flight"),
        ({"f": "b"}, "does not repeat process, f and key"),
        ({"key": "other"}, "does not repeat process, f and key"),
        ({"type": "invoke"}, "must be ok or fail or info"),
        ({"type": "maybe"}, "must be ok or fail or info"),
    ],
)
def test_a_completion_that_matches_no_invocation_is_refused(change: dict[str, Any], problem: str) -> None:
    run = interpreter(gen.on_threads([0], {"f": "a", "key": "k"}))
    invocation = run.step(0).dispatch[0]
    with pytest.raises(InterpreterError, match=problem):
        run.step(1, [msgspec.structs.replace(ended(invocation), **change)])
    assert run.pending == (invocation,)
    assert run.step(1, [ended(invocation)]).done


def test_one_operation_cannot_complete_twice() -> None:
    run = interpreter({"f": "a"})
    completion = ended(run.step(0).dispatch[0])
    with pytest.raises(InterpreterError, match="nothing is in flight"):
        run.step(1, [completion, completion])
    assert run.step(1, [completion]).done


def test_a_fault_can_only_end_in_info() -> None:
    run = interpreter(gen.nemesis({"f": "kill"}))
    invocation = run.step(0).dispatch[0]
    with pytest.raises(InterpreterError, match="must be info"):
        run.step(1, [ended(invocation, "ok")])


def test_time_never_goes_backwards() -> None:
    run = interpreter([gen.sleep(100), {"f": "a"}])
    run.step(50)
    with pytest.raises(InterpreterError, match="from 50 ns to 49 ns"):
        run.step(49)


def test_a_run_needs_threads_and_nodes() -> None:
    with pytest.raises(ValueError, match="threads is 0"):
        interpreter(None, threads=0)
    with pytest.raises(ValueError, match="nodes is empty"):
        Interpreter(None, threads=1, nodes=(), seed=0)


# ---- generators that fail -------------------------------------------------------------------------------


class Says(msgspec.Struct, frozen=True):
    """A generator of somebody else's, with a fixed answer."""

    answer: Any

    def op(self, context: Context) -> tuple[Answer, Generator]:
        return self.answer, self

    def update(self, context: Context, event: Operation) -> Generator:
        return self


class Raises(msgspec.Struct, frozen=True):
    """A generator that fails when it is given a completion."""

    def op(self, context: Context) -> tuple[Answer, Generator]:
        process = context.free_process()
        if process is None:
            return gen.PENDING, self
        return Operation(-1, context.now, process, "invoke", "a"), self

    def update(self, context: Context, event: Operation) -> Generator:
        if event.type == "ok":
            raise ZeroDivisionError("broken")
        return self


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("soon", "answered 'soon'"),
        (Operation(-1, 0, 0, "ok", "a"), "type 'ok', not `invoke`"),
        (Operation(-1, 0, 77, "invoke", "a"), "process 77, which is not free"),
        (Operation(-1, 0, 0, "invoke", ""), "whose f is ''"),
        (Operation(-1, 0, 0, "invoke", "a", node="n9"), "node 'n9', which is none of n1, n2, n3"),
        (gen.Pending(0), "asked again at 0 ns, which is not after now"),
        (gen.PENDING, "it would wait for ever"),
        (gen.LogLine("x"), "10000 log lines at one instant"),
    ],
)
def test_a_generator_that_breaks_its_contract_is_named(answer: Any, problem: str) -> None:
    error = interpreter(Says(answer)).step(0).error
    assert error is not None
    assert problem in str(error)
    assert "Says" in error.generator
    assert error.context is not None


def test_completions_are_kept_although_the_generator_fails_on_them() -> None:
    run = interpreter(Raises(), threads=2)
    first = run.step(0)
    failed = run.step(5, [ended(op) for op in first.dispatch])
    assert [op.type for op in failed.record] == ["ok", "ok"]
    assert failed.error is not None
    assert "raised ZeroDivisionError: broken" in str(failed.error)
    assert failed.done


def test_after_a_failure_another_generator_can_take_over() -> None:
    def fails_at_second(context: Context) -> dict[str, str]:
        if context.step == 1:
            raise RuntimeError("no more")
        return {"f": "a"}

    run = interpreter(gen.clients(fails_at_second), threads=2)
    failed = run.step(0)
    assert len(failed.dispatch) == 1
    assert failed.error is not None
    assert (failed.done, failed.wake_at) == (False, None)
    run.switch(gen.nemesis({"f": "heal"}))
    after = run.step(3, [ended(failed.dispatch[0])])
    assert brief(after)[-1] == (2, NEMESIS, "invoke", "heal")
    assert run.step(4, [ended(after.dispatch[0], "info")]).done


# ---- interruption ---------------------------------------------------------------------------------------


def test_an_interruption_ends_everything_in_flight_as_unknown() -> None:
    run = interpreter(gen.any(gen.clients(gen.repeat({"f": "a", "value": 1})), gen.nemesis({"f": "kill"})))
    history = list(run.step(0).record)
    arrived = ended(history[0], "info" if history[0].process == NEMESIS else "ok")
    cut = run.interrupt(7, [arrived])
    assert cut.done
    assert [op.error for op in cut.record] == [None, "interrupted", "interrupted"]
    assert [op.type for op in cut.record[1:]] == ["info", "info"]
    assert run.pending == ()
    history += cut.record
    run.switch(gen.phases(gen.nemesis({"f": "heal"}), gen.clients(gen.limit(2, gen.repeat({"f": "read"})))))
    step = run.step(8)
    while not step.done:
        history += step.record
        step = run.step(9, [ended(op, "ok" if op.is_client else "info") for op in step.dispatch])
    history += step.record
    assert [op.f for op in History(history) if op.type == "invoke"][-3:] == ["heal", "read", "read"]


def test_an_interruption_with_a_wrong_completion_changes_nothing() -> None:
    run = interpreter(gen.repeat({"f": "a"}), threads=1)
    invocation = run.step(0).dispatch[0]
    with pytest.raises(InterpreterError):
        run.interrupt(1, [ended(invocation, f="b")])
    assert run.step(2, [ended(invocation)]).dispatch != ()
