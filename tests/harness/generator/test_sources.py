from collections.abc import Callable
from typing import Any

import pytest

from harness import generator as gen
from harness.drivers.virtual import simulate
from harness.generator.base import Context
from tests.harness.generator.moves import begun, invocations, moves, names


def test_a_mapping_is_one_operation_with_the_rest_filled_in() -> None:
    history = simulate(
        {"f": "register", "key": "a", "value": {"id": "r1"}, "node": "n3"}, threads=1, nodes=("n1", "n3")
    )
    begin, end = history
    assert (begin.index, begin.time, begin.process, begin.type) == (0, 0, 0, "invoke")
    assert (begin.f, begin.key, begin.value, begin.node) == ("register", "a", {"id": "r1"}, "n3")
    assert (end.index, end.time, end.process, end.type) == (1, 10, 0, "ok")


def test_a_sequence_is_its_items_in_order() -> None:
    assert moves(simulate([{"f": "a"}, [{"f": "b"}, {"f": "c"}], [], None, {"f": "d"}], threads=1)) == [
        (0, 0, "a"),
        (10, 0, "b"),
        (20, 0, "c"),
        (30, 0, "d"),
    ]


def test_a_sequence_goes_on_while_its_last_operation_is_in_flight() -> None:
    assert begun(simulate([{"f": "a"}, {"f": "b"}], threads=2)) == [(0, "a"), (0, "b")]


def test_an_operation_waits_for_its_earliest_time() -> None:
    assert begun(simulate([{"f": "late", "time": 500}, {"f": "after"}], threads=1)) == [
        (500, "late"),
        (510, "after"),
    ]


def test_a_function_is_called_for_each_operation_until_it_returns_none() -> None:
    def counting(context: Context) -> dict[str, Any] | None:
        return {"f": "write", "value": context.step} if context.step < 4 else None

    assert [op.value for op in invocations(simulate(counting))] == [0, 1, 2, 3]


def test_a_generator_that_a_function_returns_is_used_up_before_the_next_call() -> None:
    def pairs(context: Context) -> list[dict[str, Any]] | None:
        return [{"f": "a", "value": context.step}, {"f": "b"}] if context.step < 4 else None

    history = simulate(pairs, threads=1)
    assert [(op.f, op.value) for op in invocations(history)] == [("a", 0), ("b", None), ("a", 2), ("b", None)]


def test_a_function_is_not_called_while_every_worker_is_busy() -> None:
    calls: list[int] = []

    def watched(context: Context) -> dict[str, Any] | None:
        calls.append(context.now)
        return {"f": "a"} if context.step < 2 else None

    simulate(watched, threads=1)
    assert calls == [0, 10, 20]


def test_an_operation_never_reaches_the_nemesis_unasked() -> None:
    history = simulate(gen.limit(200, gen.repeat({"f": "a"})), threads=3)
    assert {op.process for op in history} == {0, 1, 2}


def test_operations_spread_over_all_threads() -> None:
    one_at_a_time = gen.limit(3000, gen.delay(20, gen.repeat({"f": "a"})))
    counts = [0, 0, 0, 0, 0]
    for op in invocations(simulate(one_at_a_time, threads=5)):
        counts[op.process] += 1
    assert min(counts) > 500


def test_a_log_line_is_no_operation_and_needs_no_thread() -> None:
    lines: list[str] = []
    busy_then_log = [{"f": "a"}, gen.log("all busy"), {"f": "b"}]
    history = simulate(busy_then_log, threads=1, log=lines.append)
    assert lines == ["all busy"]
    assert begun(history) == [(0, "a"), (10, "b")]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ({}, "needs `f`"),
        ({"f": ""}, "`f` is ''"),
        ({"f": 3}, "`f` is 3"),
        ({"f": "a", "key": 7}, "`key` is 7, not a str"),
        ({"f": "a", "node": 1}, "`node` is 1, not a str"),
        ({"f": "a", "time": -1}, "`time` is -1"),
        ({"f": "a", "time": 1.5}, "`time` is 1.5"),
        ({"f": "a", "process": 0}, "`process` is not a field"),
        ({"f": "a", "value": object()}, "`value` cannot be written as JSON"),
    ],
)
def test_an_ill_typed_operation_is_refused_where_it_is_made(template: dict[str, Any], problem: str) -> None:
    with pytest.raises(gen.GeneratorError, match=problem) as refused:
        gen.mix({"f": "fine"}, template)
    assert refused.value.generator == "mix[1]"


def ill_typed(context: Context) -> dict[str, Any]:
    return {"key": "a"}


def raising(context: Context) -> dict[str, Any]:
    raise LookupError("no such service")


def exhausted_from_the_start(context: Context) -> list[Any]:
    return []


def returns_a_number(context: Context) -> int:
    return 17


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (ill_typed, "needs `f`"),
        (raising, "raised LookupError: no such service"),
        (exhausted_from_the_start, "return None"),
        (returns_a_number, "17 is no generator"),
    ],
)
def test_a_functions_defect_names_the_function_and_the_moment(
    function: Callable[[Context], Any], problem: str
) -> None:
    with pytest.raises(gen.GeneratorError, match=problem) as refused:
        simulate([gen.sleep(5), gen.mix(gen.clients(function))])
    assert refused.value.generator.endswith(f"test_sources.{function.__name__}")
    assert refused.value.context is not None
    assert refused.value.context.now == 5


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("register", "no generator"),
        (b"x", "no generator"),
        (5, "no generator"),
        (dict, "no generator"),
        ({"a", "b"}, "no fixed order"),
        (iter([{"f": "a"}]), "changes as it is read"),
        ([{"f": "a"}, 5], "no generator"),
    ],
)
def test_what_stands_for_no_generator_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(gen.GeneratorError, match=problem):
        gen.phases(value)


def test_nothing_is_a_generator_too() -> None:
    assert names(simulate(None)) == []
    assert names(simulate([])) == []
