"""What a report takes of memory, for each operation of its history."""

from __future__ import annotations

import tracemalloc
from typing import cast

import numpy as np
import pytest

from history import Columns, History, Recording
from history.history import INVOKE, OK, Codes
from reports.counts import tables
from reports.html import render
from reports.plots.measured import completed, throughput
from tests.reports import synthetic

MOST_BYTES = 54
"""A position, two times, an outcome, a process, a kind, and whose it is, make 30; times without an ok reply
take 19 more, and that is the most. Each further column of numbers would take 8."""


def recording(operations: int) -> Recording:
    """Operations of ten clients on a hundred keys, in the narrow columns of a long history."""
    lines = 2 * operations
    line = np.arange(lines)
    operation = line // 20 * 10 + line % 10  # ten invocations, then their completions
    type_ = np.where(line % 20 < 10, INVOKE, OK).astype(np.int8)

    def narrow(numbers: Codes) -> Codes:
        return cast(Codes, numbers.astype(np.int16))

    columns = Columns(
        time=line * 50_000,
        process=narrow(line % 10),
        type=type_,
        f=narrow(operation % 2),
        f_names=("write", "read"),
        key=narrow(operation % 100),
        keys=tuple(f"k{number}" for number in range(100)),
        value=np.full(lines, -1),
        values=(),
        error=np.full(lines, -1),
        errors=(),
        node=narrow(operation % 3),
        nodes=("n1", "n2", "n3"),
        raft_index=np.full(lines, -1),
    )
    return Recording(("n1", "n2", "n3"), History.from_columns(columns))


def peak_bytes(operations: int) -> int:
    """The greatest memory that a report of so long a run takes besides its history."""
    run = recording(operations)
    assert len(run.history.pairs) == 2 * operations
    tracemalloc.start()
    try:
        assert render(run, [], synthetic.about())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_report_takes_few_bytes_for_each_operation_of_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (completed, tables, throughput):
        monkeypatch.setattr(module, "AT_ONCE", 1 << 12)
    peak_bytes(1_000)  # what is loaded and compiled once
    few, many = 50_000, 200_000
    a_operation = (peak_bytes(many) - peak_bytes(few)) / (many - few)
    assert a_operation <= MOST_BYTES, f"{a_operation:.0f} bytes for each operation"
