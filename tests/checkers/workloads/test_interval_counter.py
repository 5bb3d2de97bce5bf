"""The interval counter: each read against all choices of which additions it may have seen."""

from __future__ import annotations

from collections import Counter
from itertools import product
from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.interval_counter import IntervalCounter
from history import History
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies, side_by_side


def counted(random: Random, steps: int, *, least: int = 1) -> HistoryBuilder:
    """A counter under clients, which add from `least` to 5 to it."""
    total = 0

    def invent() -> tuple[str, str | None, Any]:
        if random.random() < 0.4:
            return "read", None, None
        return (
            ("add", None, random.randrange(least, 6))
            if random.random() < 0.8
            else ("decrement", None, -least)
        )

    def effect(f: str, _key: str | None, value: Any) -> Any:
        nonlocal total
        total += {"read": 0, "add": value, "decrement": -(value or 0)}[f]
        return total if f == "read" else None

    return side_by_side(random, steps, invent, effect)


def possible(history: History) -> dict[int, tuple[int, int]]:
    """By answered read the least and the most of all sums, one for each choice of what it saw."""
    found = {}
    adds = [op for op in history if op.type == "invoke" and op.f != "read"]
    for read in history:
        if read.type != "ok" or read.f != "read":
            continue
        begun = history.invocation(read).index
        choices = []
        for add in adds:
            amount = add.value if add.f == "add" else -add.value
            ended = history.completion(add)
            if (ended is not None and ended.type == "fail") or add.index > read.index:
                continue
            certain = ended is not None and ended.type == "ok" and ended.index < begun
            choices.append([amount] if certain else [0, amount])
        sums = [sum(choice) for choice in product(*choices)]
        found[read.index] = min(sums), max(sums)
    return found


def test_a_read_is_blamed_exactly_if_it_lies_outside_all_choices() -> None:
    said: Counter[bool] = Counter()
    for seed in range(600):
        random = Random(seed)
        built = counted(random, random.randrange(8, 24), least=random.choice([0, -3]))
        reads = replies(built, "read")
        for at in reads:
            if random.random() < 0.4:
                off = built.operations[at].value + random.randrange(-4, 5)
                built.operations[at] = msgspec.structs.replace(built.operations[at], value=off)
        history = built.history()
        bounds = possible(history)
        wrong = [at for at in reads if not bounds[at][0] <= history[at].value <= bounds[at][1]]
        verdict = IntervalCounter().check(recording(history))
        assert verdict.measures["impossible"] == len(wrong), seed
        assert (verdict.validity is Validity.INVALID) == bool(wrong)
        assert {at for one in verdict.evidence for at in one.operations} >= set(
            map(history.number, wrong[:12])
        )
        said[bool(wrong)] += 1
    assert min(said.values()) > 100, said


def test_a_counter_that_counts_is_valid_and_one_that_lost_an_addition_is_not() -> None:
    for seed in range(100):
        built = counted(Random(seed), 300)
        assert IntervalCounter().check(recording(built)).validity is Validity.VALID
        built.do("add", None, 1000)
        lost = max(built.operations[at].value for at in replies(built, "read"))
        built.do("read", None, None, lost)
        verdict = IntervalCounter().check(recording(built))
        assert verdict.validity is Validity.INVALID
        assert "when the read began, the acknowledged additions came to" in verdict.evidence[0].text


def test_keys_are_counters_of_their_own_and_may_begin_at_a_number() -> None:
    built = HistoryBuilder()
    built.do("add", "x", 5)
    built.do("read", "x", None, 15)
    built.do("read", "y", None, 10)
    assert IntervalCounter(initial=10).check(recording(built)).validity is Validity.VALID
    assert IntervalCounter().check(recording(built)).measures["impossible"] == 2


def test_nothing_read_and_nothing_added_show_nothing() -> None:
    built = HistoryBuilder()
    built.do("add", None, 1)
    assert IntervalCounter().check(recording(built)).validity is Validity.UNKNOWN
    built = HistoryBuilder()
    built.do("read", None, None, 0)
    assert IntervalCounter().check(recording(built)).validity is Validity.UNKNOWN


@pytest.mark.parametrize(
    ("f", "value", "result", "where"),
    [("add", "1", None, 0), ("add", True, None, 0), ("read", None, None, 1), ("set", 1, None, 0)],
)
def test_what_it_cannot_judge_is_refused_with_the_operation(
    f: str, value: Any, result: Any, where: int
) -> None:
    built = HistoryBuilder()
    built.do(f, None, value, result)
    with pytest.raises(IllegalOperation, match=f"operation {where}: "):
        IntervalCounter().judge(recording(built))
