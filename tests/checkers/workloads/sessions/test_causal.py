"""Causal consistency: agreed with the definition, by trying every order of every causal past."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random

import pytest

from checkers.verdict import IllegalOperation, Validity
from checkers.workloads.sessions.causal import Causal, CausalOperation, anomalies
from tests.checkers.builders import HistoryBuilder, recording


def causally_consistent(operations: list[CausalOperation]) -> bool:
    """For each read some order of its causal past respects causality and ends in what it read."""
    count = len(operations)
    before = [[False] * count for _ in range(count)]
    for i, first in enumerate(operations):
        for j, second in enumerate(operations):
            same_session = first.session == second.session and i < j
            wrote = first.is_write and not second.is_write
            feeds = wrote and (first.key, first.value) == (second.key, second.value)
            before[i][j] = i != j and (same_session or feeds)
    for k in range(count):
        for i in range(count):
            for j in range(count):
                before[i][j] |= before[i][k] and before[k][j]
    if any(before[i][i] for i in range(count)):
        return False
    for read, op in enumerate(operations):
        if op.is_write:
            continue
        past = [i for i in range(count) if before[i][read] and operations[i].is_write]
        if not any(
            _ends_in(order, operations, op)
            for order in permutations(past)
            if not any(before[b][a] for n, a in enumerate(order) for b in order[n + 1 :])
        ):
            return False
    return True


def _ends_in(order: tuple[int, ...], operations: list[CausalOperation], read: CausalOperation) -> bool:
    state = None
    for place in order:
        if operations[place].key == read.key:
            state = operations[place].value
    return bool(state == read.value)


def test_the_patterns_are_found_exactly_where_no_order_explains_a_read() -> None:
    said: Counter[bool] = Counter()
    kinds: Counter[str] = Counter()
    for seed in range(6000):
        random = Random(seed)
        operations: list[CausalOperation] = []
        count = random.randrange(2, 8)
        writes = [("xy"[random.randrange(2)], f"v{n}") for n in range(random.randrange(1, 5))]
        left = list(writes)
        for index in range(count):
            session = random.randrange(3)
            if left and random.random() < 0.5:
                key, value = left.pop(0)
                operations.append(CausalOperation(session, True, key, value, index))
            else:
                key = random.choice("xy")
                values = [value for k, value in writes if k == key]
                seen = random.choice([None, *values])
                operations.append(CausalOperation(session, False, key, seen, index))
        found = anomalies(operations)
        assert (not found) == causally_consistent(operations), (seed, operations, found)
        said[not found] += 1
        kinds.update(one.kind for one in found)
    assert min(said.values()) > 800, said
    assert len(kinds) == 4
    assert min(kinds.values()) > 50, kinds


def forwarded(*, late: bool) -> HistoryBuilder:
    """p1 writes a question; p2 reads it and writes an answer; p3 sees the answer, and perhaps no question."""
    built = HistoryBuilder()
    for process, f, key, value, result in (
        (1, "write", "question", "q", None),
        (2, "read", "question", None, "q"),
        (2, "write", "answer", "a", None),
        (3, "read", "answer", None, "a"),
        (3, "read", "question", None, None if late else "q"),
    ):
        built.invoke(process, f, key, value)
        built.ok(process, result)
    return built


def test_an_answer_without_its_question_is_invalid() -> None:
    assert Causal().check(recording(forwarded(late=False))).validity is Validity.VALID
    verdict = Causal().check(recording(forwarded(late=True)))
    assert verdict.validity is Validity.INVALID
    assert verdict.evidence[0].operations == (0, 8)


def test_a_write_of_unknown_outcome_counts_if_it_was_read() -> None:
    built = HistoryBuilder()
    built.do("write", "x", "a", None, "info")
    built.do("read", "x", None, "a")
    built.do("write", "y", "b", None, "info")
    built.do("read", "y", None, None)
    assert Causal().check(recording(built)).validity is Validity.VALID


def test_what_it_cannot_judge_is_refused_with_the_operation() -> None:
    twice = HistoryBuilder()
    twice.do("write", "x", "a")
    twice.do("write", "x", "a")
    with pytest.raises(IllegalOperation, match="operation 2"):
        Causal().judge(recording(twice))
    strange = HistoryBuilder()
    strange.do("cas", "x", ["a", "b"])
    assert Causal().check(recording(strange)).validity is Validity.UNKNOWN
