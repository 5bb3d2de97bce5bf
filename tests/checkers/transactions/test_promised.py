"""Transactions are judged by the model that the system states; by strict serializability without one."""

from __future__ import annotations

import pytest

from checkers.transactions.consistency import LIST_APPEND, RW_REGISTER
from checkers.transactions.promised import CONSISTENCY, PromisedIsolation, models_of
from checkers.verdict import Validity
from tests.checkers.builders import HistoryBuilder, recording


def write_skew() -> HistoryBuilder:
    """Two transactions at once, each of which reads what the other writes: no serial order explains them."""
    built = HistoryBuilder()
    first, second = [["r", "x", None], ["append", "y", 1]], [["r", "y", None], ["append", "x", 2]]
    built.invoke(0, "txn", None, first)
    built.invoke(1, "txn", None, second)
    built.ok(0, [["r", "x", []], ["append", "y", 1]])
    built.ok(1, [["r", "y", []], ["append", "x", 2]])
    built.do("txn", None, [["r", "x", None], ["r", "y", None]], [["r", "x", [2]], ["r", "y", [1]]])
    return built


@pytest.mark.parametrize(
    ("stated", "validity"),
    [
        ({}, Validity.INVALID),
        ({CONSISTENCY: "serializable"}, Validity.INVALID),
        ({CONSISTENCY: "snapshot-isolation"}, Validity.VALID),
        ({CONSISTENCY: "read-committed"}, Validity.VALID),
        ({CONSISTENCY: "no such model"}, Validity.INVALID),
    ],
)
def test_the_stated_model_judges(stated: dict[str, str], validity: Validity) -> None:
    verdict = PromisedIsolation(LIST_APPEND).check(recording(write_skew(), options=stated))
    assert verdict.validity is validity


def test_models_that_are_not_judged_for_lists_are_no_choice_there() -> None:
    assert "causal" in models_of(RW_REGISTER)
    assert "causal" not in models_of(LIST_APPEND)
