"""Which operations write, of one operation and of a history alike."""

from __future__ import annotations

from typing import Any

import pytest

from checkers.run.writes import are_writes, is_write
from history import History, Operation

TXN_WRITES = ("txn",)


@pytest.mark.parametrize(
    ("f", "value", "writes", "expected"),
    [
        ("write", "v1", ("write",), True),
        ("read", "v1", ("write",), False),
        ("txn", [["r", 1, None], ["append", 1, 2]], TXN_WRITES, True),
        ("txn", [["r", 1, [2]], ["r", 2, None]], TXN_WRITES, False),
        ("txn", [], TXN_WRITES, True),
    ],
)
def test_a_transaction_of_reads_alone_writes_nothing(
    f: str, value: Any, writes: tuple[str, ...], expected: bool
) -> None:
    assert is_write(f, value, writes) is expected
    invoked = Operation(index=0, time=0, process=0, type="invoke", f=f, value=value)
    done = Operation(index=1, time=1, process=0, type="ok", f=f, value=value)
    assert are_writes(History([invoked, done]), writes).tolist() == [expected, expected]
