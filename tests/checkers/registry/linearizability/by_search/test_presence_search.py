"""The engine and its reduction agree with brute force; what is shown of a violation is one by itself."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkers.linearizability.answer import Answer
from checkers.linearizability.item_search import ItemModel, ItemProblem, search_items
from checkers.registry.linearizability.by_search.explain import _Units, decide, explain
from checkers.registry.linearizability.by_search.presence import (
    PresenceEffect,
    PresenceOperation,
    unconditional,
    until,
)
from tests.checkers.linearizability.oracle import arbitrary_operations, linearizable, plausible_operations

BUDGET = 100_000
GENERATORS = {
    "arbitrary": arbitrary_operations,
    "correct": plausible_operations,
    "mutated": lambda random: plausible_operations(random, mutate=True),
}

READ, SET, CHANGE, REMOVE = (
    PresenceEffect.READ,
    PresenceEffect.SET,
    PresenceEffect.CHANGE,
    PresenceEffect.REMOVE,
)


def op(effect: PresenceEffect, id_: str | None, invoked: int, completed: int | None) -> PresenceOperation:
    return PresenceOperation(effect, id_, invoked, completed, effect.value)


def answer(*operations: PresenceOperation) -> Answer:
    return decide(operations, BUDGET)[0]


@pytest.mark.parametrize("kind", GENERATORS)
@settings(max_examples=400)
@given(random=st.randoms(use_true_random=False))
def test_the_search_agrees_with_brute_force(kind: str, random: Random) -> None:
    operations = GENERATORS[kind](random)
    expected = Answer.LINEARIZABLE if linearizable(operations) else Answer.NOT_LINEARIZABLE
    assert answer(*operations) is expected


def test_the_search_agrees_with_brute_force_on_thousands_more() -> None:
    verdicts = dict.fromkeys(Answer, 0)
    for seed in range(6000):
        random = Random(seed)
        kind = random.choice(list(GENERATORS))
        operations = GENERATORS[kind](random)
        found = answer(*operations)
        assert (found is Answer.LINEARIZABLE) == linearizable(operations), (seed, operations)
        verdicts[found] += 1
    assert verdicts[Answer.NOT_LINEARIZABLE] > 500
    assert verdicts[Answer.LINEARIZABLE] > 3000


def test_what_is_shown_of_a_violation_is_impossible_by_itself_and_small() -> None:
    sizes = []
    for seed in range(4000):
        operations = arbitrary_operations(Random(seed), most=9)
        if answer(*operations) is Answer.LINEARIZABLE:
            continue
        found = explain(operations, BUDGET)
        assert not linearizable(found.core), (seed, operations, found)
        before = max((o.ended for o in operations if o.ended < found.culprit.ended), default=-1)
        assert linearizable(until(operations, before)), (seed, operations, found)
        assert not linearizable(until(operations, found.culprit.ended)), (seed, operations, found)
        known = until(operations, found.culprit.ended)
        assert set(found.core) <= {*known, *unconditional(known)}
        sizes.append(len(found.core))
    assert len(sizes) > 500
    assert sum(sizes) / len(sizes) < 2.5


def test_leaving_out_what_shrinking_may_leave_out_never_makes_a_violation() -> None:
    """The heart of sound evidence: a linearizable history has no part that shrinking could show."""
    tried = 0
    for seed in range(4000):
        random = Random(seed)
        operations = plausible_operations(random, most=7)
        assert linearizable(operations), "the generator is wrong"
        units = _Units.of(operations)
        if not units.all:
            continue
        group = random.sample(units.all, random.randint(1, len(units.all)))
        rest = units.without(list(operations), sorted(group, key=lambda unit: min(o.invoked for o in unit)))
        tried += len(rest) < len(operations)
        assert linearizable(rest), (seed, operations, group)
    assert tried > 2000


# ---- by hand -----------------------------------------------------------------------------------------


def test_a_read_of_a_replaced_id_is_not_linearizable() -> None:
    assert answer(op(SET, "a", 0, 1), op(SET, "b", 2, 3), op(READ, "a", 4, 5)) is Answer.NOT_LINEARIZABLE


def test_a_read_beside_the_replacement_may_see_either() -> None:
    for seen in "ab":
        assert answer(op(SET, "a", 0, 1), op(SET, "b", 2, 5), op(READ, seen, 3, 4)) is Answer.LINEARIZABLE


def test_two_reads_may_not_see_a_replacement_undone() -> None:
    history = (op(SET, "a", 0, 1), op(SET, "b", 2, 9), op(READ, "b", 3, 4), op(READ, "a", 5, 6))
    assert answer(*history) is Answer.NOT_LINEARIZABLE


def test_an_unacknowledged_register_may_be_seen_much_later_but_only_once_in_a_row() -> None:
    late = (op(SET, "a", 0, None), op(READ, None, 1, 2), op(READ, "a", 3, 4))
    assert answer(*late) is Answer.LINEARIZABLE
    assert (
        answer(*late, op(SET, "b", 5, 6), op(READ, "b", 7, 8), op(READ, "a", 9, 10))
        is Answer.NOT_LINEARIZABLE
    )


def test_one_unacknowledged_deregister_empties_the_key_once() -> None:
    once = (op(REMOVE, None, 0, None), op(SET, "a", 1, 2), op(READ, None, 3, 4))
    assert answer(*once) is Answer.LINEARIZABLE
    assert answer(*once, op(SET, "b", 5, 6), op(READ, None, 7, 8)) is Answer.NOT_LINEARIZABLE


def test_a_deregister_that_found_nothing_is_a_read_of_nothing() -> None:
    assert answer(op(SET, "a", 0, 1), op(REMOVE, None, 2, 3)) is Answer.NOT_LINEARIZABLE
    assert answer(op(SET, "a", 0, 3), op(REMOVE, None, 1, 2)) is Answer.LINEARIZABLE


def test_twenty_clients_on_one_key_are_judged_within_a_small_budget() -> None:
    """Twenty registers at once, all seen, over and over; then the same with one stale read."""
    operations: list[PresenceOperation] = []
    at = 0
    for round_ in range(40):
        ids = [f"r{round_}.{number}" for number in range(20)]
        operations += [op(SET, id_, at + n, at + 40 + n) for n, id_ in enumerate(ids)]
        operations += [op(READ, id_, at + 20 + n, at + 60 + n) for n, id_ in enumerate(ids)]
        at += 80
    result, configurations = decide(operations, BUDGET)
    assert result is Answer.LINEARIZABLE
    assert configurations < 2000
    stale = op(READ, "r5.3", at, at + 1)
    assert answer(*operations, stale) is Answer.NOT_LINEARIZABLE
    found = explain([*operations, stale], BUDGET)
    assert found.culprit == stale
    assert len(found.core) == 3


def test_a_budget_that_runs_out_is_no_answer() -> None:
    operations = [op(SET, "a", 0, 1), op(SET, "b", 2, 3), op(READ, "b", 4, 5)]
    assert decide(operations, 0)[0] is Answer.GAVE_UP


def test_unacknowledged_operations_do_not_blow_up_the_search() -> None:
    """Hundreds of registers and deregisters of unknown outcome pile up on one key."""
    operations: list[PresenceOperation] = []
    at = 0
    for number in range(300):
        operations.append(op(SET, f"lost{number}", at, None))
        operations.append(op(REMOVE, None, at + 1, None))
        operations.append(op(SET, f"kept{number}", at + 2, at + 3))
        operations.append(op(READ, f"kept{number}" if number % 3 else None, at + 4, at + 5))
        at += 6
    result, configurations = decide(operations, BUDGET)
    assert result is Answer.LINEARIZABLE
    assert configurations < 2000


def test_an_update_needs_something_to_be_there() -> None:
    assert answer(op(CHANGE, "b", 0, 1)) is Answer.NOT_LINEARIZABLE
    assert answer(op(CHANGE, "b", 0, 3), op(SET, "a", 1, 2)) is Answer.LINEARIZABLE
    gone = (op(SET, "a", 0, 1), op(REMOVE, "a", 2, 3))
    assert answer(*gone, op(CHANGE, "b", 4, 5)) is Answer.NOT_LINEARIZABLE
    assert answer(*gone, op(CHANGE, "b", 4, None)) is Answer.LINEARIZABLE
    assert answer(*gone, op(CHANGE, "b", 4, None), op(READ, "b", 5, 6)) is Answer.NOT_LINEARIZABLE


def test_an_unacknowledged_register_that_nobody_saw_may_be_what_an_update_found() -> None:
    history = (op(SET, "a", 0, None), op(CHANGE, "b", 1, 2), op(REMOVE, "b", 3, 4), op(CHANGE, "c", 5, 6))
    assert answer(*history[:3]) is Answer.LINEARIZABLE
    assert answer(*history) is Answer.NOT_LINEARIZABLE
    assert answer(*history, op(SET, "d", 0, None)) is Answer.LINEARIZABLE


def test_a_register_between_two_updates_is_not_placed_too_early() -> None:
    """Placed as soon as the key holds something, the second register would be lost to the second update."""
    history = (op(SET, "a", 0, 5), op(SET, "b", 1, 20), op(REMOVE, "a", 6, 7), op(CHANGE, "c", 8, 9))
    assert answer(*history) is Answer.LINEARIZABLE
    assert answer(*history, op(READ, None, 10, 11)) is Answer.NOT_LINEARIZABLE


def test_a_hundred_updates_of_many_clients_are_judged_within_a_small_budget() -> None:
    operations: list[PresenceOperation] = []
    at = 0
    for round_ in range(30):
        ids = [f"r{round_}.{number}" for number in range(8)]
        puts = [SET, CHANGE, CHANGE, SET, CHANGE, CHANGE, CHANGE, SET]
        operations += [
            op(put, id_, at + n, at + 20 + n) for n, (put, id_) in enumerate(zip(puts, ids, strict=True))
        ]
        operations += [op(READ, id_, at + 10 + n, at + 30 + n) for n, id_ in enumerate(ids)]
        operations.append(op(REMOVE, None, at + 40, None))
        at += 41
    result, configurations = decide(operations, BUDGET)
    assert result is Answer.LINEARIZABLE
    assert configurations < 20_000


def test_what_updates_break_is_told_with_what_they_lacked() -> None:
    history = [op(SET, "a", 0, 1), op(REMOVE, "a", 2, 3), op(CHANGE, "b", 4, 5), op(READ, "b", 6, 7)]
    found = explain(history, BUDGET)
    assert found.culprit == history[2]
    assert list(found.core) == [history[2]]
    assert "an update changes only what is there" in found.reason
    stale = [op(SET, "a", 0, 1), op(CHANGE, "b", 2, 3), op(READ, "a", 4, 5)]
    shown = explain(stale, BUDGET).core
    assert [(o.id, o.invoked) for o in shown] == [("a", 0), ("b", 2), ("a", 4)]


def test_the_engine_knows_only_tables() -> None:
    """A lock: acquire and release in turn; kinds 0 and 1, states free and held."""
    lock = ItemModel(step=((1, -1), (-1, 0)), eager=((False, False), (False, False)))
    alternating = ItemProblem(calls=(0, 1, 4, 5), rets=(2, 3, 6, 7), kinds=(0, 1, 0, 1))
    assert search_items(alternating, lock, BUDGET).answer is Answer.LINEARIZABLE
    twice = ItemProblem(calls=(0, 2), rets=(1, 3), kinds=(0, 0))
    assert search_items(twice, lock, BUDGET).answer is Answer.NOT_LINEARIZABLE
