"""Long keys are explained as short ones are: the same culprit, and a core that is impossible."""

from __future__ import annotations

from random import Random

import pytest

from checkers.linearizability.answer import Answer
from checkers.registry.linearizability.by_search import explain as explaining
from checkers.registry.linearizability.by_search.explain import decide, explain
from tests.checkers.linearizability.oracle import arbitrary_operations, linearizable, plausible_operations

BUDGET = 100_000


def test_a_long_key_has_the_culprit_that_a_short_one_has(monkeypatch: pytest.MonkeyPatch) -> None:
    refuted = 0
    for seed in range(900):
        random = Random(seed)
        operations = arbitrary_operations(random) if seed % 2 else plausible_operations(random, mutate=True)
        monkeypatch.setattr(explaining, "LONG", 10**9)
        answer = decide(operations, BUDGET)[0]
        short = explain(operations, BUDGET) if answer is Answer.NOT_LINEARIZABLE else None
        monkeypatch.setattr(explaining, "LONG", 0)
        assert decide(operations, BUDGET)[0] is answer, seed
        if short is None:
            continue
        long = explain(operations, BUDGET)
        assert long.culprit == short.culprit, seed
        assert not linearizable(long.core), seed
        refuted += 1
    assert refuted > 100


def test_whatever_lies_between_two_contradicting_blocks_is_left_out() -> None:
    """Thousands of operations after a stale one, of which the evidence shows none."""
    from checkers.registry.linearizability.by_search.presence import PresenceEffect, PresenceOperation

    operations = []
    for number in range(explaining.LONG):
        at = 2 * number
        operations.append(PresenceOperation(PresenceEffect.SET, f"r{number}", at, at + 1, "register"))
    end = 2 * explaining.LONG
    stale = PresenceOperation(PresenceEffect.READ, "r7", end, end + 1, "lookup")
    found = explain([*operations, stale], BUDGET)
    assert found.culprit == stale
    assert len(found.core) <= 4
    assert not linearizable(found.core)
