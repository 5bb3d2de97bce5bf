"""Histories of list-append as files hold them: read, and judged at every level."""

from __future__ import annotations

import pytest

from checkers.transactions.consistency import MODELS, ONLY_REGISTERS
from checkers.transactions.isolation import Isolation
from checkers.verdict import Validity
from history.formats.reading import read
from tests.checkers.builders import recording

OF_LISTS = [model for model in MODELS if model not in ONLY_REGISTERS]
INTERLEAVED = """\
; T1 appends 1 and 2, T2 appends 3, all at once; then x is [1 3 2]. No order of T1 and T2 gives that.
{:type :invoke, :f :txn, :value [[:append :x 1] [:append :x 2]], :process 0}
{:type :invoke, :f :txn, :value [[:append :x 3]], :process 1}
{:type :ok, :f :txn, :value [[:append :x 1] [:append :x 2]], :process 0}
{:type :ok, :f :txn, :value [[:append :x 3]], :process 1}
{:type :invoke, :f :txn, :value [[:r :x nil]], :process 2}
{:type :ok, :f :txn, :value [[:r :x [1 3 2]]], :process 2}
"""
WITHOUT_F = """\
{:type :invoke, :value [[:append :x 1]], :process 0, :index 0}
{:type :ok, :value [[:append :x 1]], :process 0, :index 1}
{:type :invoke, :value [[:r :x nil]], :process 0, :index 2}
{:type :ok, :value [[:r :x [1]]], :process 0, :index 3}
"""


@pytest.mark.parametrize("model", OF_LISTS)
def test_interleaved_appends_are_invalid_from_read_committed_up(model: str) -> None:
    """Read uncommitted orders the last writes of transactions alone (Adya's G0), and these have an order."""
    verdict = Isolation("list-append", model).check(recording(read(None, INTERLEAVED).history))
    allowed = model.endswith("read-uncommitted")
    assert verdict.validity is (Validity.VALID if allowed else Validity.INVALID)


@pytest.mark.parametrize("model", OF_LISTS)
def test_transactions_without_an_f_are_judged(model: str) -> None:
    verdict = Isolation("list-append", model).check(recording(read(None, WITHOUT_F).history))
    assert verdict.validity is Validity.VALID
