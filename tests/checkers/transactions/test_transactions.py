"""Histories of transactions that break a rule are refused with the operation and the rule."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.transactions.isolation import Isolation
from checkers.transactions.transactions import transactions
from checkers.verdict import IllegalOperation, Validity
from history import History, Operation
from tests.checkers.builders import recording


def pairs(*values: tuple[Any, Any], f: str = "txn") -> History:
    operations = []
    for process, (asked, told) in enumerate(values):
        at = 2 * process
        operations.append(Operation(at, at, process, "invoke", f, None, asked))
        operations.append(Operation(at + 1, at + 1, process, "ok", f, None, told))
    return History(operations)


APPEND_1 = [["append", "x", 1]]


@pytest.mark.parametrize(
    ("history", "operation", "rule"),
    [
        (pairs((None, None), f="read"), 0, "unknown f 'read'"),
        (pairs((APPEND_1, APPEND_1), (APPEND_1, APPEND_1)), 2, "1 is written to 'x' a second time"),
        (pairs((APPEND_1, [["append", "x", 2]])), 1, "steps are not its invocation's"),
        (pairs((APPEND_1, [["append", "y", 1]])), 1, "steps are not its invocation's"),
        (pairs((APPEND_1, [*APPEND_1, ["r", "x", [1]]])), 1, "steps are not its invocation's"),
        (pairs(([["r", "x", None]], [["r", "x", 1]])), 1, "what r reads is a list"),
        (pairs(([["r", "x", None]], [["r", "x", [[1]]]])), 1, "what r reads is a list"),
        (pairs(([["append", "x", None]], [["append", "x", None]])), 0, "the value of append"),
        (pairs(([["append", None, 1]], [["append", None, 1]])), 0, "the key of a step"),
        (pairs(([["w", "x", 1]], [["w", "x", 1]])), 0, "the f of a step is append or r"),
        (pairs((["append", "x", 1], APPEND_1)), 0, "a txn's value is a list of"),
        (pairs((None, APPEND_1)), 0, "a txn's value is a list of"),
        (pairs(("append", APPEND_1)), 0, "a txn's value is a list of"),
        (pairs(([["append", "x"]], [["append", "x"]])), 0, "a txn's value is a list of"),
        (pairs(([["append", "x", 1, 2]], [["append", "x", 1, 2]])), 0, "a txn's value is a list of"),
    ],
)
def test_what_is_no_transaction_is_refused(history: History, operation: int, rule: str) -> None:
    with pytest.raises(IllegalOperation, match=rule) as refusal:
        transactions(history, lists=True)
    assert refusal.value.operation == operation
    assert Isolation("list-append").check(recording(history)).validity is Validity.UNKNOWN


def test_texts_of_any_kind_are_keys_and_values() -> None:
    odd = 'a "quoted" [1,2], ünïcode\\'
    history = pairs(
        ([["append", odd, "é]"]], [["append", odd, "é]"]]),
        ([["append", odd, "1"]], [["append", odd, "1"]]),
        ([["append", odd, 1]], [["append", odd, 1]]),
        ([["r", odd, None]], [["r", odd, ["é]", "1", 1]]]),
    )
    txns = transactions(history, lists=True)
    assert [txns.value(version) for version in range(txns.versions)] == ["é]", "1", 1]
    assert txns.key_name(0) == odd
    assert Isolation("list-append").check(recording(history)).validity is Validity.VALID


def test_a_read_of_nothing_is_a_read_of_an_empty_list() -> None:
    history = pairs((APPEND_1, APPEND_1), ([["r", "x", None]], [["r", "x", None]]))
    assert Isolation("list-append").check(recording(history)).measures["anomalies"] == {
        "G-single-realtime": 1
    }


def test_one_list_continues_another_only_at_the_end_of_an_element() -> None:
    """`[1` is a beginning of the text `[12]`, and 1 is none of the list."""
    twelve, one = [["append", "x", 12]], [["append", "x", 1]]
    read: list[list[Any]] = [["r", "x", None]]
    history = pairs((twelve, twelve), (one, one), (read, [["r", "x", [1]]]), (read, [["r", "x", [12, 1]]]))
    assert Isolation("list-append").check(recording(history)).measures["anomalies"] == {
        "incompatible-order": 1
    }


def test_json_with_blanks_is_read_as_well() -> None:
    history = pairs((APPEND_1, APPEND_1), ([["r", "x", None]], [["r", "x", [1]]]))
    columns = history.columns
    spaced = tuple(text.replace(",", ", ") for text in columns.values)
    loose = History.from_columns(type(columns)(**{**columns.__dict__, "values": spaced}))
    assert Isolation("list-append").check(recording(loose)).validity is Validity.VALID
