"""The total queue: against all ways to tell which enqueue each element that came out is from."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.elements.total_queue import TotalQueue
from history import History
from tests.checkers.builders import HistoryBuilder, recording
from tests.checkers.sequential import replies, side_by_side


def queued(
    random: Random, steps: int = 60, *, values: int = 1000, at_least_once: bool = False
) -> HistoryBuilder:
    """A queue under clients, drained at the end; with `at_least_once` it may give what it gave before."""
    held: list[Any] = []
    given: list[Any] = []
    fresh = iter(range(steps))

    def invent() -> tuple[str, str | None, Any]:
        if random.random() < 0.4:
            return "dequeue", None, None
        return "enqueue", None, next(fresh) % values

    def effect(f: str, _key: str | None, value: Any) -> Any:
        if f == "enqueue":
            held.append(value)
            return None
        if at_least_once and given and random.random() < 0.2:
            return random.choice(given)
        if not held:
            return None
        given.append(held.pop(random.randrange(len(held))))
        return given[-1]

    built = side_by_side(random, steps, invent, effect, lost=0.05)
    built.do("drain", None, None, held)
    return built


def test_what_comes_out_in_the_end_is_valid() -> None:
    said: Counter[Validity] = Counter()
    for seed in range(300):
        built = queued(Random(seed), values=Random(seed).choice([3, 1000]))
        verdict = TotalQueue(exactly_once=True).check(recording(built))
        said[verdict.validity] += 1
    # Unknown: a dequeue whose reply was lost took something.
    assert said[Validity.INVALID] == 0, said
    assert min(said[Validity.VALID], said[Validity.UNKNOWN]) > 50, said


def test_an_element_left_out_of_the_drain_is_lost_or_was_taken_unseen() -> None:
    said: Counter[Validity] = Counter()
    for seed in range(300):
        built = queued(Random(seed))
        last = built.operations[-1]
        acknowledged = {
            begun_op.value for end, begun_op in _ended(built) if end.f == "enqueue" and end.type == "ok"
        }
        kept = [value for value in last.value if value in acknowledged]
        if not kept:
            continue
        gone = Random(seed).choice(kept)
        built.operations[-1] = msgspec.structs.replace(last, value=[v for v in last.value if v != gone])
        verdict = TotalQueue().check(recording(built))
        said[verdict.validity] += 1
        if verdict.validity is Validity.INVALID:
            assert any(f"put in {gone!r} and " in one.text for one in verdict.evidence), verdict
            assert built.history().number(last.index) in verdict.evidence[0].operations
        else:
            assert verdict.measures["unseen"] > 0
            answered = {begun.index for end, begun in _ended(built) if end.type != "info"}
            dequeues = {op.index for op in built.operations if op.type == "invoke" and op.f == "dequeue"}
            assert dequeues - answered
    assert min(said.values()) > 20, said
    assert set(said) == {Validity.INVALID, Validity.UNKNOWN}


def _ended(built: HistoryBuilder) -> list[tuple[Any, Any]]:
    history = built.history()
    return [(op, history.invocation(op)) for op in history if op.type != "invoke"]


def arbitrary(random: Random) -> History:
    """A few operations with any overlaps and any replies, then perhaps a sign of emptiness."""
    built = HistoryBuilder()
    busy: set[int] = set()
    for process in range(random.randrange(2, 7)):
        f = random.choice(["enqueue", "dequeue"])
        built.invoke(process, f, None, random.choice("ab") if f == "enqueue" else None)
        busy.add(process)
        while busy and random.random() < 0.5:
            _end(random, built, busy)
    while busy and random.random() < 0.9:
        _end(random, built, busy)
    if random.random() < 0.8:
        built.do("drain", None, None, random.choice([[], [], ["a"], ["b"]]))
    return built.history()


def _end(random: Random, built: HistoryBuilder, busy: set[int]) -> None:
    process = random.choice(sorted(busy))
    busy.discard(process)
    outcome = random.choice(["ok", "ok", "ok", "fail", "info"])
    took = next(op.f for op in reversed(built.operations) if op.process == process) == "dequeue"
    built.complete(process, outcome, random.choice("ab") if took and outcome == "ok" else None)


def explained(history: History) -> bool:
    """Whether some choice of an enqueue for each element taken out leaves nothing of what must have come out.

    The enqueue must not have failed, nor begun after the element was out. What must have come out is what was
    acknowledged before a drain began; a dequeue without reply may have taken one more.
    """
    asked = [(op, history.completion(op)) for op in history if op.type == "invoke"]
    puts = [(op, end) for op, end in asked if op.f == "enqueue" and (end is None or end.type != "fail")]
    takes = [(end.value, end.index) for op, end in asked if op.f == "dequeue" and end and end.type == "ok"]
    drains = [(op, end) for op, end in asked if op.f == "drain" and end]
    unseen = sum(op.f == "dequeue" and (end is None or end.type == "info") for op, end in asked)
    for _, end in drains:
        takes += [(value, end.index) for value in end.value]
    must = {
        place
        for place, (_, end) in enumerate(puts)
        if end and end.type == "ok" and any(end.index < drain.index for drain, _ in drains)
    }
    if len(takes) > len(puts):
        return False
    for chosen in permutations(range(len(puts)), len(takes)):
        fits = all(
            puts[place][0].value == value and puts[place][0].index < at
            for place, (value, at) in zip(chosen, takes, strict=True)
        )
        if fits and len(must - set(chosen)) <= unseen:
            return True
    return False


def test_exactly_what_no_choice_explains_is_invalid() -> None:
    said: Counter[bool] = Counter()
    kinds: Counter[str] = Counter()
    for seed in range(4000):
        history = arbitrary(Random(seed))
        verdict = TotalQueue(exactly_once=True).check(recording(history))
        right = explained(history)
        assert (verdict.validity is not Validity.INVALID) == right, (seed, verdict)
        said[right] += 1
        kinds.update(kind for kind in ("unexpected", "lost", "duplicated") if verdict.measures[kind])
    assert min(said.values()) > 500, said
    assert min(kinds.values()) > 100, kinds


def test_at_least_once_is_blamed_only_where_once_is_asked_for() -> None:
    seen = 0
    for seed in range(100):
        built = queued(Random(seed), at_least_once=True)
        verdict = TotalQueue().check(recording(built))
        assert verdict.validity is not Validity.INVALID
        strict = TotalQueue(exactly_once=True).check(recording(built))
        assert (strict.validity is Validity.INVALID) == (verdict.measures["duplicated"] > 0)
        seen += verdict.measures["duplicated"] > 0
    assert seen > 30


def test_what_nobody_put_in_or_only_in_vain_is_unexpected() -> None:
    built = queued(Random(4))
    at = next(at for at in replies(built, "dequeue") if built.operations[at].value is not None)
    built.operations[at] = msgspec.structs.replace(built.operations[at], value=-5)
    verdict = TotalQueue().check(recording(built))
    assert "took out -5, but no client put it in" in verdict.evidence[0].text
    refused = HistoryBuilder()
    refused.do("enqueue", None, 1, None, "fail")
    refused.do("dequeue", None, None, 1)
    (evidence,) = TotalQueue().check(recording(refused)).evidence
    assert evidence.operations == (0, 2)
    assert "operation 0, which was to put it in, failed" in evidence.text


def test_without_a_sign_that_the_queue_was_empty_what_is_missing_may_be_left() -> None:
    for told, error, validity in (
        (None, "empty", Validity.INVALID),
        (None, "exhausted", Validity.INVALID),
        ("exhausted", None, Validity.INVALID),
        (None, "connection refused", Validity.UNKNOWN),
    ):
        built = HistoryBuilder()
        built.do("enqueue", None, 1)
        built.do("enqueue", None, 2)
        built.do("dequeue", None, None, 2)
        built.do("dequeue", None, None, told, "fail", error=error)
        assert TotalQueue().check(recording(built)).validity is validity
    built = HistoryBuilder()
    built.do("drain", None, None, [])
    built.do("enqueue", None, 1)
    assert TotalQueue().check(recording(built)).measures["left"] == 1


def test_what_was_recovered_is_counted_and_a_queue_that_gave_nothing_shows_nothing() -> None:
    built = HistoryBuilder()
    built.do("enqueue", None, 1, None, "info")
    built.do("dequeue", None, None, 1)
    verdict = TotalQueue().check(recording(built))
    assert (verdict.validity, verdict.measures["recovered"]) == (Validity.VALID, 1)
    built = HistoryBuilder()
    built.do("drain", None, None, [])
    assert TotalQueue().check(recording(built)).validity is Validity.UNKNOWN


def test_what_it_cannot_judge_is_refused_with_the_operation() -> None:
    for f, result, where in (("drain", 7, 1), ("peek", None, 0)):
        built = HistoryBuilder()
        built.do(f, None, None, result)
        with pytest.raises(IllegalOperation, match=f"operation {where}: "):
            TotalQueue().judge(recording(built))
