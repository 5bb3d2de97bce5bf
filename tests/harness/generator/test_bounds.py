from collections.abc import Callable

import msgspec
import pytest

from harness import generator as gen
from harness.drivers.virtual import simulate
from history import Operation
from tests.harness.generator.moves import begun, invocations, names


def fails_until(time: int) -> Callable[[Operation, int], tuple[Operation, int]]:
    """Ends `fail` when begun before `time`, else `ok`; after 10 ns."""

    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="ok" if now >= time else "fail"), 10

    return perform


def test_limit_ends_after_that_many_operations() -> None:
    assert names(simulate(gen.limit(4, gen.repeat({"f": "a"})))) == ["a"] * 4
    assert names(simulate(gen.limit(0, gen.repeat({"f": "a"})))) == []


def test_log_lines_do_not_count_against_a_limit() -> None:
    lines: list[str] = []
    history = simulate(gen.limit(2, gen.cycle([gen.log("x"), {"f": "a"}])), log=lines.append)
    assert (names(history), lines) == (["a", "a"], ["x", "x"])


def test_once_is_the_first_operation() -> None:
    assert names(simulate(gen.once([{"f": "a"}, {"f": "b"}]))) == ["a"]


def test_until_ok_ends_with_the_first_success() -> None:
    history = simulate(gen.until_ok(gen.repeat({"f": "read"})), threads=1, perform=fails_until(25))
    assert [op.type for op in history if op.type != "invoke"] == ["fail", "fail", "fail", "ok"]


def test_until_ok_leaves_what_is_in_flight_to_end() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="ok"), 10 * (op.process + 1)

    history = simulate(gen.until_ok(gen.repeat({"f": "read"})), threads=3, perform=perform)
    assert begun(history) == [(0, "read")] * 3
    assert [op.time for op in history if op.type == "ok"] == [10, 20, 30]


def test_until_ok_heeds_only_its_own_operations() -> None:
    """A success on another thread, of another generator, does not end it."""

    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        success = op.f == "other" or now >= 40
        return msgspec.structs.replace(op, type="ok" if success else "fail"), 10

    trying = gen.on_threads([0], gen.until_ok(gen.repeat({"f": "trying"})))
    others = gen.on_threads([1], gen.limit(3, gen.repeat({"f": "other"})))
    history = simulate(gen.any(trying, others), threads=2, perform=perform)
    assert [op.time for op in invocations(history) if op.f == "trying"] == [0, 10, 20, 30, 40]


def test_until_ok_ignores_a_later_success_of_others_on_the_same_process() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        success = op.f == "other" or now >= 40
        return msgspec.structs.replace(op, type="ok" if success else "fail"), 10

    trying = gen.until_ok(gen.repeat({"f": "trying"}))
    history = simulate(gen.flip_flop(trying, gen.repeat({"f": "other"})), threads=1, perform=perform)
    assert names(history) == ["trying", "other", "trying", "other", "trying", "other"]


def test_until_ok_goes_on_after_an_unknown_outcome_as_a_new_process() -> None:
    def perform(op: Operation, now: int) -> tuple[Operation, int]:
        return msgspec.structs.replace(op, type="info" if now == 0 else "ok"), 10

    history = simulate(gen.until_ok(gen.repeat({"f": "read"})), threads=1, perform=perform)
    assert [(op.process, op.type) for op in history] == [(0, "invoke"), (0, "info"), (1, "invoke"), (1, "ok")]


@pytest.mark.parametrize("count", [-1, 1.0, True, "3"])
def test_a_limit_that_is_no_count_is_refused(count: object) -> None:
    with pytest.raises(gen.GeneratorError, match="limit: the count is"):
        gen.limit(count, {"f": "a"})  # type: ignore[arg-type]
