"""The judge of list-append against trying every order, on histories of broken stores."""

from __future__ import annotations

from collections import Counter

import pytest

from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from tests.checkers.builders import recording
from tests.checkers.stores.list_append import broken_history, lines
from tests.checkers.stores.list_append_orders import EveryOrder, levels

EXACT = tuple(level for level in levels() if level.endswith(("committed", "serializable", "repeatable-read")))


def compared(seeds: range) -> Counter[tuple[bool, Validity]]:
    """Judge the histories of these seeds at each level; how often each verdict met each truth."""
    found: Counter[tuple[bool, Validity]] = Counter()
    for seed in seeds:
        history = broken_history(seed)
        truth = EveryOrder(history)
        for level in EXACT:
            verdict = Isolation("list-append", level).check(recording(history))
            kept = truth.keeps(level)
            wrong = Validity.INVALID if kept else Validity.VALID
            assert verdict.validity is not wrong, "\n".join([f"seed {seed}, {level}", *lines(history)])
            found[kept, verdict.validity] += 1
    return found


def test_no_broken_store_is_missed_and_no_order_is_denied() -> None:
    found = compared(range(200))
    assert found[False, Validity.UNKNOWN] == 0
    assert min(found[True, Validity.VALID], found[False, Validity.INVALID]) > 500, found


@pytest.mark.campaign
@pytest.mark.parametrize("chunk", range(20))
def test_of_twenty_thousand_broken_histories_each_is_judged_as_every_order_judges_it(chunk: int) -> None:
    found = compared(range(1_000 * chunk, 1_000 * (chunk + 1)))
    assert found[False, Validity.UNKNOWN] == 0
