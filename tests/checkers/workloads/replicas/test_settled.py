"""Sets and counters that lag: what late reads must show, against a simulation that knows the truth."""

from __future__ import annotations

from itertools import chain, combinations
from random import Random

import pytest

from checkers.verdict import Validity, Verdict
from checkers.workloads.replicas.settled import SettledCounter, SettledSet
from history.nemesis import FINAL_HEAL
from tests.checkers.builders import HistoryBuilder, recording

NODES = ("n1", "n2")


def judged(checker: SettledSet | SettledCounter, built: HistoryBuilder) -> Verdict:
    """The verdict of a checker of two nodes."""
    return checker.check(recording(built, nodes=NODES, options={"nodes": list(NODES)}))


def additions(random: Random) -> tuple[HistoryBuilder, list[int], list[int]]:
    """Some additions; which were acknowledged, and which have an unknown outcome."""
    built, certain, possible = HistoryBuilder(), list[int](), list[int]()
    for number in range(random.randrange(1, 8)):
        amount = number if random.random() < 0.5 else -number
        built.invoke(number, "add", None, amount, node="n1")
        outcome = random.choice(("ok", "ok", "fail", "info"))
        built.complete(number, outcome)
        if outcome != "fail":
            (certain if outcome == "ok" else possible).append(amount)
    built.nemesis(FINAL_HEAL)
    built.wait(6000)
    return built, certain, possible


@pytest.mark.parametrize("seed", range(60))
def test_a_late_sum_is_right_if_some_choice_of_the_unknown_additions_gives_it(seed: int) -> None:
    random = Random(seed)
    built, certain, possible = additions(random)
    sums = {
        sum(certain) + sum(chosen)
        for chosen in chain.from_iterable(combinations(possible, n) for n in range(len(possible) + 1))
    }
    shown = random.choice((*sums, sum(certain) + random.randrange(-9, 9)))
    for node in NODES:
        built.do("read", None, None, shown, node=node)
    verdict = judged(SettledCounter(), built)
    if certain:
        assert (verdict.validity is Validity.INVALID) == (shown not in sums), seed
    if shown not in sums:
        assert verdict.validity is Validity.INVALID


@pytest.mark.parametrize("seed", range(60))
def test_a_late_read_of_a_set_lacks_nothing_and_shows_nothing_else(seed: int) -> None:
    random = Random(seed)
    built, certain, possible = additions(random)
    right = [*certain, *(one for one in possible if random.random() < 0.5)]
    lacking = random.choice([*certain, None])
    strange = 99 if random.random() < 0.3 else None
    built.do("read", None, None, [*right], node="n1")
    shown = [one for one in right if one != lacking] + ([strange] if strange is not None else [])
    built.do("read", None, None, shown, node="n2")
    verdict = judged(SettledSet(), built)
    wrong = strange is not None or (lacking is not None and lacking in certain)
    assert (verdict.validity is Validity.INVALID) == wrong, seed


def test_an_early_read_may_lag_and_shows_no_element_that_was_not_added() -> None:
    built = HistoryBuilder()
    built.do("add", None, 1, node="n1")
    built.do("read", None, None, [], node="n2")
    built.nemesis(FINAL_HEAL)
    built.wait(6000)
    for node in NODES:
        built.do("read", None, None, [1], node=node)
    assert judged(SettledSet(), built).validity is Validity.VALID
    built.do("read", None, None, [1, 2], node="n2")
    assert judged(SettledSet(), built).validity is Validity.INVALID


def test_a_node_that_was_not_read_late_leaves_the_verdict_open() -> None:
    built = HistoryBuilder()
    built.do("add", None, 1, node="n1")
    built.nemesis(FINAL_HEAL)
    built.do("read", None, None, [], node="n2")
    built.wait(6000)
    built.do("read", None, None, [1], node="n1")
    verdict = judged(SettledSet(), built)
    assert verdict.validity is Validity.UNKNOWN
    assert "no read of n2" in verdict.summary


def test_large_unknown_sums_have_bounds() -> None:
    built = HistoryBuilder()
    built.do("add", None, 1, node="n1")
    built.invoke(7, "add", None, 10**9, node="n1")
    built.complete(7, "info")
    built.nemesis(FINAL_HEAL)
    built.wait(6000)
    for node in NODES:
        built.do("read", None, None, 10**9 + 2, node=node)
    assert judged(SettledCounter(), built).validity is Validity.INVALID
