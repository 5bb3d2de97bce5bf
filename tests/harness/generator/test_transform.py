from typing import Any

import msgspec
import pytest

from harness import generator as gen
from harness.drivers.virtual import simulate
from harness.generator.base import Context
from history import Operation
from tests.harness.generator.moves import invocations, names


def test_map_changes_what_is_made() -> None:
    def keyed(op: Operation) -> Operation:
        return msgspec.structs.replace(op, key="k")

    assert [(op.f, op.key) for op in invocations(simulate(gen.map(keyed, [{"f": "a"}, {"f": "b"}])))] == [
        ("a", "k"),
        ("b", "k"),
    ]


def test_f_map_renames_and_leaves_the_rest() -> None:
    schedule = [{"f": "start"}, {"f": "stop"}, {"f": "probe"}]
    assert names(simulate(gen.f_map({"start": "cut", "stop": "heal"}, schedule))) == ["cut", "heal", "probe"]


def test_filter_leaves_out_what_is_not_kept() -> None:
    items = [{"f": "a", "value": n} for n in range(6)]
    kept = gen.filter(lambda op: op.value % 2 == 0, items)
    assert [op.value for op in invocations(simulate(kept))] == [0, 2, 4]


def test_filter_draws_anew_until_it_keeps_one() -> None:
    def drawn(context: Context) -> dict[str, Any]:
        return {"f": "a", "value": context.draw.below(100, "value")}

    kept = gen.limit(20, gen.filter(lambda op: op.value < 5, drawn))
    values = [op.value for op in invocations(simulate(kept))]
    assert len(values) == 20
    assert max(values) < 5


def test_a_filter_that_keeps_nothing_says_so() -> None:
    with pytest.raises(gen.GeneratorError, match="kept none of 10000"):
        simulate(gen.filter(lambda op: False, gen.repeat({"f": "a"})))


def test_log_lines_pass_through_untouched() -> None:
    lines: list[str] = []
    inner = [gen.log("hello"), {"f": "a"}]
    simulate(gen.f_map({"a": "b"}, gen.filter(lambda op: True, inner)), log=lines.append)
    assert lines == ["hello"]


def broken(op: Operation) -> Any:
    raise KeyError(op.f)


def not_an_operation(op: Operation) -> Any:
    return {"f": op.f}


@pytest.mark.parametrize(
    ("generator", "problem"),
    [
        (gen.map(broken, {"f": "a"}), "map by .*broken.*raised KeyError"),
        (gen.map(not_an_operation, {"f": "a"}), "map by .*not_an_operation.*not an Operation"),
        (gen.filter(broken, {"f": "a"}), "filter by .*broken.*raised KeyError"),
    ],
)
def test_a_defect_names_the_function(generator: gen.Generator, problem: str) -> None:
    with pytest.raises(gen.GeneratorError, match=problem):
        simulate(generator)
