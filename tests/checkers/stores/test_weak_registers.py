"""The judge of weak levels against trying every order of commits, on histories of broken replicas."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from checkers.transactions.consistency import DECIDED_WEAK
from checkers.transactions.weak.judging import WeakIsolation
from checkers.verdict import Validity
from history import History
from tests.checkers.builders import recording
from tests.checkers.stores.weak_orders import EveryCommitOrder
from tests.checkers.stores.weak_registers import broken_history
from tests.marks import first_in_ci


def lines(history: History) -> list[str]:
    """A history as a person reads it."""
    return [f"{op.index} p{op.process} {op.type} {op.value}" for op in history]


def as_some_tools_record(history: History) -> History:
    """The same history from a tool whose process goes on after `info`: a later client takes its number."""
    number: dict[int, int] = {}
    free: list[int] = []
    process = []
    for op in history:
        if op.process not in number:
            number[op.process] = free.pop() if free else op.process
        process.append(number[op.process])
        if op.type == "info":
            free.append(number[op.process])
    return History.from_columns(replace(history.columns, process=np.array(process)), foreign=True)


def compared(seeds: range, *, goes_on: bool = False) -> Counter[tuple[str, bool]]:
    """Judge the histories of these seeds at each level; how often each level was kept.

    Args:
        goes_on: whether processes go on after `info`; histories in which none does are left out.
    """
    found: Counter[tuple[str, bool]] = Counter()
    for seed in seeds:
        history = broken_history(seed)
        if goes_on:
            history, own = as_some_tools_record(history), history
            if history.columns.process.tolist() == own.columns.process.tolist():
                continue
        truth = EveryCommitOrder(history)
        for level in DECIDED_WEAK:
            verdict = WeakIsolation(level).judge(recording(history))
            kept = truth.keeps(level)
            if verdict.validity is Validity.UNKNOWN and kept:
                assert not any(t.reads for t in truth.txns), (seed, level)
            elif verdict.validity is Validity.UNKNOWN:
                initial = 98 if "initial=98" in verdict.summary else 99
                assert EveryCommitOrder(history, initial).keeps(level), (seed, level)
            else:
                claim = verdict.validity is Validity.VALID
                assert claim == kept, "\n".join([f"seed {seed}, {level}: {verdict}", *lines(history)])
            assert bool(verdict.evidence) or kept, (seed, level)
            found[level, kept] += 1
    return found


def test_no_broken_store_is_missed_and_no_order_of_commits_is_denied() -> None:
    found = compared(range(300))
    assert all(found[level, kept] > 10 for level in DECIDED_WEAK for kept in (True, False)), found


def test_what_comes_after_a_missing_reply_is_judged_as_every_order_judges_it() -> None:
    found = compared(range(3_000), goes_on=True)
    assert all(found["pram", kept] > 10 for kept in (True, False)), found


@pytest.mark.parametrize("chunk", first_in_ci(range(80), 4))
def test_of_twenty_thousand_histories_each_is_judged_as_every_order_judges_it(chunk: int) -> None:
    compared(range(1_000 + 250 * chunk, 1_250 + 250 * chunk))
