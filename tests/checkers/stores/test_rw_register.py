"""The judge of rw-register against trying every order, on histories of broken stores."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from checkers.transactions.assumed import Assumed
from checkers.transactions.consistency import MODELS, SEARCHED, base_of
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from tests.checkers.builders import recording
from tests.checkers.stores.rw_register import broken_history, lines
from tests.checkers.stores.rw_register_orders import EveryOrder
from tests.marks import first_in_ci

LEVELS = tuple(model for model in MODELS if base_of(model) in SEARCHED)


def compared(
    seeds: range, *, duplicates: bool = False, initial: Any = None
) -> Counter[tuple[bool, Validity]]:
    """Judge the histories of these seeds at each level; how often each verdict met each truth."""
    found: Counter[tuple[bool, Validity]] = Counter()
    for seed in seeds:
        history = broken_history(seed, duplicates=duplicates, initial=initial)
        truth = EveryOrder(history, initial)
        for level in LEVELS:
            kept = truth.keeps(level)
            judge = Isolation("rw-register", level, Assumed(duplicates, initial))
            verdict = judge.check(recording(history))
            message = "\n".join([f"seed {seed}, {level}: {verdict.summary}", *lines(history)])
            assert verdict.validity is not (Validity.INVALID if kept else Validity.VALID), message
            assert verdict.validity is not Validity.UNKNOWN or is_foreign_or_unread(verdict.summary), message
            found[kept, verdict.validity] += 1
    return found


def is_foreign_or_unread(summary: str) -> bool:
    """Whether a verdict is unknown because nothing was read, or because of the initial value."""
    return "read anything" in summary or "--option initial" in summary


def test_no_broken_store_is_missed_and_no_order_is_denied() -> None:
    found = compared(range(150))
    assert min(found[True, Validity.VALID], found[False, Validity.INVALID]) > 200, found


def test_no_broken_store_is_missed_where_values_are_written_twice() -> None:
    found = compared(range(150), duplicates=True) + compared(range(661, 662), duplicates=True, initial=0)
    assert min(found[True, Validity.VALID], found[False, Validity.INVALID]) > 100, found


def test_no_broken_store_is_missed_where_registers_begin_at_zero() -> None:
    found = compared(range(60), initial=0)
    assert min(found[True, Validity.VALID], found[False, Validity.INVALID]) > 50, found
    both = compared(range(60), initial=0, duplicates=True)
    assert min(both[True, Validity.VALID], both[False, Validity.INVALID]) > 20, both


@pytest.mark.parametrize("duplicates", [False, True])
@pytest.mark.parametrize("chunk", first_in_ci(range(20), 1))
def test_of_twenty_thousand_broken_histories_each_is_judged_as_every_order_judges_it(
    chunk: int, duplicates: bool
) -> None:
    initial = None if chunk % 4 else 0
    compared(range(1_000 * chunk, 1_000 * (chunk + 1)), duplicates=duplicates, initial=initial)
