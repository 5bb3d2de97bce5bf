"""Transactions in a few characters: `"T1 ax1 rx12 | T2 rx1"` and the like, as histories.

A step is `ax1` (append 1 to x), `wx1` (write 1 to x), `rx12` (read the list [1, 2], or of registers the
value 12), `rx` (read nothing), `rx?` (reply not known). A history is lines `process outcome: steps`, each
transaction whole before the next begins, or, with `together`, all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from checkers.transactions.isolation import Isolation
from checkers.verdict import Verdict
from history import History, Operation
from tests.checkers.builders import recording


def step(text: str, *, lists: bool) -> list[Any]:
    """`[f, key, value]` of one step."""
    f, key, rest = text[0], text[1], text[2:]
    if f == "a":
        return ["append", key, int(rest)]
    if f == "w":
        return ["w", key, int(rest)]
    if lists:
        return ["r", key, [int(digit) for digit in rest]]
    return ["r", key, int(rest) if rest else None]


def asked(steps: Sequence[list[Any]]) -> list[list[Any]]:
    """The same without what was read."""
    return [[f, key, None if f == "r" else value] for f, key, value in steps]


def history(*lines: str, together: bool = False, lists: bool = True) -> History:
    """Each line a transaction: an optional outcome (`fail:` or `info:`), and its steps."""
    invocations, completions = [], []
    for process, line in enumerate(lines):
        outcome, _, text = line.rpartition(":")
        steps = [step(word, lists=lists) for word in text.split()]
        invocations.append((process, "invoke", asked(steps)))
        completions.append((process, outcome or "ok", steps if not outcome else asked(steps)))
    rows = (
        [*invocations, *completions]
        if together
        else [row for pair in zip(invocations, completions, strict=True) for row in pair]
    )
    return History(
        [
            Operation(index, index, process, type_, "txn", None, value)  # type: ignore[arg-type]
            for index, (process, type_, value) in enumerate(rows)
        ]
    )


def judged(
    *lines: str, together: bool = False, lists: bool = True, consistency: str = "strict-serializable"
) -> Verdict:
    """The verdict on such a history."""
    checker = Isolation("list-append" if lists else "rw-register", consistency)
    return checker.check(recording(history(*lines, together=together, lists=lists)))


def anomalies(*lines: str, together: bool = False, lists: bool = True) -> set[str]:
    """The names of all that is wrong with it."""
    return set(judged(*lines, together=together, lists=lists).measures["anomalies"])
