"""Compiled pairing agrees with the pairing by arrays, on histories that keep the rules and on others."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import history.history
from history import History, HistoryError, Operation
from history.kernels import Form
from history.pairing import paired

SEEDS = 300


def some_history(draw: Random) -> list[Operation]:
    """Up to twelve events of three clients and the nemesis; a third of these histories break a rule."""
    rows: list[Operation] = []
    pending: dict[int, Operation] = {}
    for index in range(draw.randint(0, 12)):
        process = draw.choice([-1, 0, 1, 2, 10**12])
        before = pending.pop(process, None)
        if before is None or draw.random() < 0.05:
            row = Operation(index, index, process, "invoke", draw.choice("rw"), draw.choice([None, "k", "l"]))
            pending[process] = row
        else:
            type_ = "info" if process == -1 else draw.choice(["ok", "ok", "ok", "fail", "info"])
            f = before.f if draw.random() < 0.97 else "other"
            key = before.key if draw.random() < 0.97 else "other"
            row = Operation(index, index, process, type_, f, key)  # type: ignore[arg-type]
        rows.append(row)
    return rows


@pytest.mark.parametrize("foreign", [False, True])
def test_compiled_pairing_agrees_with_that_by_arrays(monkeypatch: pytest.MonkeyPatch, foreign: bool) -> None:
    monkeypatch.setattr(history.history, "fitting", lambda work: Form.PLAIN)  # no compiled code there
    refused = 0
    for seed in range(SEEDS):
        rows = some_history(Random(seed))
        columns = unchecked_columns(rows)
        pairs = np.full(len(rows), -1, dtype=np.int64)
        last = np.full(64, -1, dtype=np.int64)
        codes = columns.process, columns.type, columns.f, columns.key
        is_paired = paired.plain(*codes, int(foreign), last, pairs)  # type: ignore[arg-type]
        try:
            expected = History.from_columns(columns, foreign=foreign).pairs
        except HistoryError:
            assert not is_paired, (seed, rows)
            refused += 1
        else:
            assert is_paired, (seed, rows)
            assert pairs.tolist() == expected.tolist(), (seed, rows)
    assert SEEDS // 10 < refused < SEEDS // 2


def unchecked_columns(rows: list[Operation]) -> history.history.Columns:
    """The columns of rows that may break a rule."""
    unchecked = History.__new__(History)
    unchecked._operations = rows
    return unchecked.columns


def test_a_long_history_is_paired_by_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history.history, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(history.history, "fitting", lambda work: Form.COMPILED)
    monkeypatch.setattr(history.history, "paired", None)  # so that a call of it would fail
    rows = [Operation(0, 0, 5, "invoke", "read"), Operation(1, 1, 5, "ok", "read")]
    assert History(rows).pairs.tolist() == [1, 0]
