from collections import Counter

import msgspec
import pytest

from harness import generator as gen
from harness.drivers.virtual import simulate
from history import NEMESIS, Operation
from tests.harness.generator.moves import begun, invocations, moves


def test_clients_and_nemesis_run_side_by_side() -> None:
    history = simulate(
        gen.any(
            gen.clients(gen.limit(4, gen.repeat({"f": "write"}))),
            gen.nemesis(gen.limit(2, gen.repeat({"f": "kill"}))),
        ),
        threads=2,
    )
    assert {op.process for op in history if op.f == "write"} == {0, 1}
    assert {op.process for op in history if op.f == "kill"} == {NEMESIS}
    assert (
        sorted(begun(history))
        == [(0, "kill"), (0, "write"), (0, "write"), (10, "kill")] + [(10, "write")] * 2
    )


def test_a_generator_on_some_threads_stays_there() -> None:
    history = simulate(gen.on_threads([1, 3], gen.limit(6, gen.repeat({"f": "a"}))), threads=5)
    assert {op.process for op in history} == {1, 3}


def test_every_thread_gets_its_own_copy() -> None:
    history = simulate(gen.each_thread([{"f": "a"}, {"f": "b"}]), threads=3)
    per_process = {p: [op.f for op in invocations(history) if op.process == p] for p in range(3)}
    assert per_process == {0: ["a", "b"], 1: ["a", "b"], 2: ["a", "b"]}


def test_copies_keep_their_own_pace() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="ok"), 10 if op.process == 0 else 35

    history = simulate(gen.each_thread([{"f": "a"}, gen.sleep(20), {"f": "b"}]), threads=2, perform=perform)
    assert sorted(moves(history)) == [(0, 0, "a"), (0, 1, "a"), (20, 0, "b"), (35, 1, "b")]


def test_a_thread_whose_process_ended_goes_on_with_its_copy() -> None:
    assert sorted(
        moves(simulate(gen.each_thread([{"f": "a"}, {"f": "b"}]), threads=2, perform=lost_first))
    ) == [
        (0, 0, "a"),
        (0, 1, "a"),
        (10, 1, "b"),
        (10, 2, "b"),
    ]


def test_a_new_process_begins_a_copy_anew() -> None:
    assert sorted(
        moves(simulate(gen.each_process([{"f": "a"}, {"f": "b"}]), threads=2, perform=lost_first))
    ) == [
        (0, 0, "a"),
        (0, 1, "a"),
        (10, 1, "b"),
        (10, 2, "a"),
        (20, 2, "b"),
    ]


def test_a_process_that_ends_with_its_last_operation_still_begets_a_new_copy() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="info" if op.process == 0 else "ok"), 10

    assert moves(simulate(gen.each_process({"f": "a"}), threads=1, perform=perform)) == [
        (0, 0, "a"),
        (10, 1, "a"),
    ]


def test_a_new_copy_after_an_exhausted_one_runs_to_its_own_end() -> None:
    """Process 0 is through with its copy when it learns that its last outcome is unknown."""

    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="info" if (op.process, op.f) == (0, "b") else "ok"), 10

    history = simulate(gen.each_process([{"f": "a"}, gen.sleep(50), {"f": "b"}]), threads=1, perform=perform)
    assert moves(history) == [(0, 0, "a"), (50, 0, "b"), (60, 1, "a"), (110, 1, "b")]


def lost_first(op: Operation, now: int) -> tuple[Operation, int]:
    """The first operation of process 0 has an unknown outcome."""
    return msgspec.structs.replace(op, type="info" if op.process == 0 else "ok"), 10


def test_each_thread_covers_clients_not_the_nemesis() -> None:
    assert {op.process for op in simulate(gen.each_thread({"f": "a"}), threads=3)} == {0, 1, 2}
    assert [op.process for op in simulate(gen.nemesis(gen.each_thread({"f": "a"})))] == [NEMESIS, NEMESIS]


def test_each_thread_until_ok_retries_only_where_it_failed() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="fail" if op.process == 1 and now < 30 else "ok"), 10

    history = simulate(gen.each_thread(gen.until_ok(gen.repeat({"f": "read"}))), threads=3, perform=perform)
    assert Counter(op.process for op in invocations(history)) == {0: 1, 1: 4, 2: 1}


def test_reserve_deals_out_the_threads() -> None:
    history = simulate(
        gen.limit(
            300,
            gen.reserve(
                (2, gen.repeat({"f": "w"})), (1, gen.repeat({"f": "c"})), default=gen.repeat({"f": "r"})
            ),
        ),
        threads=5,
    )
    assert {op.process for op in history if op.f == "w"} == {0, 1}
    assert {op.process for op in history if op.f == "c"} == {2}
    assert {op.process for op in history if op.f == "r"} == {3, 4}


def test_reserve_ends_when_every_group_has() -> None:
    history = simulate(gen.reserve((1, gen.limit(2, gen.repeat({"f": "a"}))), default={"f": "b"}), threads=2)
    assert sorted(moves(history)) == [(0, 0, "a"), (0, 1, "b"), (10, 0, "a")]


@pytest.mark.parametrize("threads", [2, 3])
def test_reserving_more_threads_than_there_are_is_refused(threads: int) -> None:
    with pytest.raises(gen.GeneratorError, match=f"3 threads are reserved.*only {threads} are in view"):
        simulate(gen.clients(gen.reserve((3, {"f": "a"}), default={"f": "b"})), threads=threads)


def test_threads_that_are_not_in_view_are_refused() -> None:
    with pytest.raises(gen.GeneratorError, match="none of its threads is in view"):
        simulate(gen.nemesis(gen.clients({"f": "a"})))


def test_an_event_reaches_only_those_who_see_its_thread() -> None:
    """until_ok on thread 0 must not end by the success of thread 1's process of the same generator value."""

    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="ok" if op.process == 1 or now >= 20 else "fail"), 10

    tries = gen.until_ok(gen.repeat({"f": "a"}))
    history = simulate(gen.reserve((1, tries), (1, tries)), threads=2, perform=perform)
    assert Counter(op.process for op in invocations(history)) == {0: 3, 1: 1}
