"""The judge of list-append against trying every order, on histories of broken stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from checkers.transactions.graph import placing
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from history import History
from tests.checkers.builders import recording
from tests.checkers.stores.list_append import broken_history, lines, unread_history
from tests.checkers.stores.list_append_orders import LEVELS, PREFIXES, EveryOrder, levels
from tests.marks import first_in_ci

Found = Counter[tuple[bool, Validity]]


def compared(make: Callable[[int], History], seeds: range, *, all_prefixes: bool = True) -> Found:
    """Judge the histories of these seeds at each level; how often each verdict met each truth.

    Without `all_prefixes`, each history is judged with one prefix of the levels, in turns.
    """
    found: Found = Counter()
    for seed in seeds:
        history = make(seed)
        truth = EveryOrder(history)
        for level in levels() if all_prefixes else [PREFIXES[seed % len(PREFIXES)] + one for one in LEVELS]:
            verdict = Isolation("list-append", level).check(recording(history))
            kept = truth.keeps(level)
            wrong = Validity.INVALID if kept else Validity.VALID
            assert verdict.validity is not wrong, "\n".join([f"seed {seed}, {level}", *lines(history)])
            if verdict.validity is Validity.UNKNOWN:
                assert kept, verdict.summary
                assert "none of" in verdict.summary, verdict.summary  # nothing was read
            found[kept, verdict.validity] += 1
    return found


def test_no_broken_store_is_missed_and_no_order_is_denied() -> None:
    found = compared(broken_history, range(300), all_prefixes=False)
    assert min(found[True, Validity.VALID], found[False, Validity.INVALID]) > 500, found


def test_appends_that_no_read_shows_are_placed_exactly_if_they_can_be() -> None:
    found = compared(unread_history, range(60), all_prefixes=False)
    assert min(found[True, Validity.VALID], found[False, Validity.INVALID]) > 100, found


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("chunk", first_in_ci(range(20), 1))
def test_of_twenty_thousand_broken_histories_each_is_judged_as_every_order_judges_it(chunk: int) -> None:
    compared(broken_history, range(1_000 * chunk, 1_000 * (chunk + 1)))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("chunk", first_in_ci(range(4), 1))
def test_of_two_thousand_histories_of_unread_appends_each_is_judged_so(chunk: int) -> None:
    compared(unread_history, range(500 * chunk, 500 * (chunk + 1)))


def test_what_is_not_found_within_the_budget_is_unknown_and_never_valid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = Isolation("list-append", "snapshot-isolation")
    recordings = [recording(unread_history(seed)) for seed in range(60)]
    decided = [judge.check(one).validity for one in recordings]
    monkeypatch.setattr(placing, "LOOKS", 1)
    cut_short = [judge.check(one) for one in recordings]
    given_up = [verdict for verdict in cut_short if "within the budget" in verdict.summary]
    assert len(given_up) > 10
    assert all(verdict.validity is Validity.UNKNOWN for verdict in given_up)
    for known, verdict in zip(decided, cut_short, strict=True):
        assert verdict in given_up or verdict.validity is known
