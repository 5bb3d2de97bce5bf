"""The bars of evidence say what was asked, and what was answered, for every data type."""

from __future__ import annotations

from typing import Any

import pytest

from ackproof.cli.output.bars import bars
from checkers.verdict import Evidence
from history import History, Operation


@pytest.mark.parametrize(
    ("f", "asked", "type_", "answered", "words"),
    [
        ("append", "x", "ok", None, 'append "x"'),
        ("put", "x", "ok", "x", 'put "x"'),
        ("get", None, "ok", "xy", 'get "xy"'),
        ("read", None, "ok", None, "read nil"),
        ("write", 1, "ok", 1, "write 1"),
        ("cas", [1, 2], "ok", False, "cas [1 2] -> false"),
        ("add", 1, "ok", True, "add 1 -> true"),
        ("contains", 0, "ok", False, "contains 0 -> false"),
        ("dequeue", None, "ok", None, "dequeue nil"),
        ("txn", [["r", "x", None]], "ok", [["r", "x", 3]], 'txn [["r" "x" 3]]'),
        ("append", "x", "info", None, 'append "x"'),
        ("acquire", None, "info", None, "acquire"),
        ("write", 1, "fail", 1, "write 1, failed"),
    ],
)
def test_an_operation_is_shown_with_what_it_asked_and_was_answered(
    f: str, asked: Any, type_: Any, answered: Any, words: str
) -> None:
    history = History(
        [Operation(0, 0, 3, "invoke", f, None, asked), Operation(1, 1, 3, type_, f, None, answered)]
    )
    line = bars(history, Evidence("title", "text", (0,)))
    assert line.split("|")[0].split(maxsplit=2)[2].strip() == words
