"""Long fork: reads agree exactly where some order of the writes shows what each of them saw."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.long_fork import LongFork
from reports.plots.cycle import cycle
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies, side_by_side

KEYS = 12


def written(random: Random, steps: int = 60, *, group: int = 3) -> HistoryBuilder:
    """A store of snapshots under clients: each key is written once, groups of keys are read."""
    held: dict[int, int] = {}
    fresh = iter(range(steps))

    def invent() -> tuple[str, str | None, Any]:
        if random.random() < 0.5 and (key := next(fresh)) < KEYS:
            return "txn", None, [["w", key, 1]]
        first = group * random.randrange(KEYS // group)
        keys = list(range(first, first + group))
        random.shuffle(keys)
        return "txn", None, [["r", key, None] for key in keys]

    def effect(_f: str, _key: str | None, value: Any) -> Any:
        for f, key, to in value:
            if f == "w":
                held[key] = to
        return [[f, key, held.get(key) if f == "r" else to] for f, key, to in value]

    return side_by_side(random, steps, invent, effect)


def test_reads_of_snapshots_are_valid() -> None:
    said: Counter[Validity] = Counter()
    for seed in range(300):
        said[LongFork().check(recording(written(Random(seed)))).validity] += 1
    assert said[Validity.VALID] > 250, said
    assert said[Validity.INVALID] == 0


def some_order(sights: list[dict[str, bool]]) -> bool:
    """Whether writes have an order of which each read saw a beginning, as far as it looked."""
    for order in permutations("abcd"):
        for sight in sights:
            saw = [sight[key] for key in order if key in sight]
            if sorted(saw, reverse=True) != saw:
                break
        else:
            return True
    return False


def test_a_fork_is_found_exactly_where_no_order_of_the_writes_shows_what_reads_saw() -> None:
    said: Counter[tuple[bool, int]] = Counter()
    for seed in range(3000):
        random = Random(seed)
        built = HistoryBuilder()
        for key in "abcd":
            built.do("write", None, [["w", key, 1]], [["w", key, 1]], random.choice(["ok", "ok", "info"]))
        sights = []
        for _ in range(random.randrange(2, 7)):
            keys = random.sample("abcd", random.randrange(1, 5) if seed % 2 else 2)
            sights.append({key: random.random() < 0.5 for key in keys})
            told = [["r", key, 1 if seen else None] for key, seen in sights[-1].items()]
            built.do("read", None, [["r", key, None] for key in keys], told)
        verdict = LongFork().check(recording(built))
        right = some_order(sights)
        assert (verdict.validity is not Validity.INVALID) == right, (seed, sights, verdict)
        if right:
            half = any(len(set(sight.values())) == 2 for sight in sights)
            assert verdict.validity is (Validity.VALID if half else Validity.UNKNOWN)
        said[right, 0 if right else len(verdict.evidence[0].links)] += 1
    assert said[True, 0] > 500, said
    assert said[False, 2] > 500, said
    assert said[False, 3] + said[False, 4] > 20, said  # reads that go round in a circle


def test_a_fork_is_a_circle_of_writes_to_be_drawn() -> None:
    built = HistoryBuilder()
    for key in "xy":
        built.do("txn", None, [["w", key, 1]], [["w", key, 1]])
    for x, y in ((1, None), (None, 1)):
        built.do("txn", None, [["r", "x", None], ["r", "y", None]], [["r", "x", x], ["r", "y", y]])
    (evidence,) = LongFork().check(recording(built)).evidence
    assert [(link.source, link.target) for link in evidence.links] == [(0, 2), (2, 0)]
    assert evidence.links[0].text == "operation 4 saw the write of 'x' and not that of 'y'"
    assert evidence.operations == (0, 2, 4, 6)
    assert cycle(evidence, built.history()) is not None


def test_two_reads_made_to_disagree_are_named() -> None:
    found = 0
    for seed in range(200):
        random = Random(seed)
        built = written(random)
        halves = []
        for at in replies(built, "txn"):
            steps = built.operations[at].value
            if steps[0][0] == "r" and {step[2] for step in steps} == {1, None}:
                halves.append(at)
        if not halves:
            continue
        at = random.choice(halves)
        built.operations[at] = msgspec.structs.replace(
            built.operations[at],
            value=[[f, key, None if seen else 1] for f, key, seen in built.operations[at].value],
        )
        history = built.history()
        same = {key for _, key, _ in history[at].value}
        others = [o for o in halves if o != at and {k for _, k, _ in history[o].value} == same]
        verdict = LongFork().check(recording(history))
        if any(
            sorted(history[o].value) == sorted([f, k, None if s else 1] for f, k, s in history[at].value)
            for o in others
        ):
            assert verdict.validity is Validity.INVALID, seed
            named = [one.operations for one in verdict.evidence if "fork" in one.title]
            assert any(history.number(at) in numbers for numbers in named), seed
            found += 1
    assert found > 20


def test_a_read_of_what_was_not_written_is_told() -> None:
    built = HistoryBuilder()
    built.do("txn", None, [["w", 1, 7]], [["w", 1, 7]], "fail")
    built.do("txn", None, [["w", 2, 7]], [["w", 2, 7]])
    asked, told = [["r", k, None] for k in (1, 2, 3, 4)], [["r", 1, 7], ["r", 2, 8], ["r", 3, 1], ["r", 4, 1]]
    built.do("txn", None, asked, told)
    built.do("txn", None, [["w", 4, 1]], [["w", 4, 1]])
    verdict = LongFork().check(recording(built))
    assert verdict.validity is Validity.INVALID
    texts = " ".join(one.text for one in verdict.evidence)
    for said in (
        "which was to write it, failed",
        "but the only write of that key, operation 2, wrote 7",
        "a value that no client wrote",
        "only after the read had ended",
    ):
        assert said in texts, said


W, R = ["w", 1, 1], ["r", 1, None]


@pytest.mark.parametrize(
    ("value", "result", "where"),
    [
        ([W, ["w", 2, 1]], None, 0),
        ([W, R], None, 0),
        ([R, R], None, 0),
        ([["w", 1, None]], None, 0),
        ([["append", 1, 1]], None, 0),
        ([[["w"], 1, 1]], None, 0),
        ([], None, 0),
        (None, None, 0),
        ([R], [["r", 2, None]], 1),
        ([R], None, 1),
    ],
)
def test_another_transaction_is_refused_with_the_operation(value: Any, result: Any, where: int) -> None:
    built = HistoryBuilder()
    built.do("txn", None, value, result)
    with pytest.raises(IllegalOperation, match=f"operation {where}: "):
        LongFork().judge(recording(built))


def test_a_key_that_is_written_twice_is_refused() -> None:
    built = HistoryBuilder()
    built.do("txn", None, [W], [W])
    built.do("txn", None, [["w", 1, 2]], [["w", 1, 2]])
    with pytest.raises(IllegalOperation, match="operation 2: 1 is written a second time, after operation 0"):
        LongFork().judge(recording(built))
