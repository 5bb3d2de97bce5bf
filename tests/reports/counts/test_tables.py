"""The tables of a report, against counting the operations one by one."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from history import History, Operation
from history.nemesis import FaultKind
from history.units import MILLISECOND_NS as MS
from reports.counts.tables import CALM, by_fault, by_operation
from reports.faults import FaultPeriod, fault_periods
from reports.spans import Spans
from tests.reports import synthetic


def made(*rows: tuple[int, int, str]) -> History:
    """Rows (time in ms, process, type) of one kind of operation."""
    return History([Operation(i, at * MS, p, kind, "w") for i, (at, p, kind) in enumerate(rows)])  # type: ignore[arg-type]


def period(kind: str, begin: int, end: int) -> FaultPeriod:
    return FaultPeriod(kind, begin * MS, end * MS, 0, (), kind, True)


HISTORY = made(
    (0, 0, "invoke"),
    (10, 0, "ok"),  # before any fault
    (20, 1, "invoke"),
    (35, 1, "ok"),  # ends in the kill's period
    (50, 2, "invoke"),
    (60, 2, "fail"),  # in both faults
    (75, 3, "invoke"),
    (76, 3, "ok"),  # in the pause
    (95, 4, "invoke"),  # after all of them, and never completed
)
PERIODS = (period("kill", 30, 40), period("kill", 35, 62), period("pause", 55, 80))


def test_an_operation_counts_for_each_fault_that_it_met_and_else_as_calm() -> None:
    rows = {row.fault: row for row in by_fault(Spans.of(HISTORY), PERIODS, 100 * MS)}
    assert list(rows) == [CALM, "kill", "pause"]
    assert [(row.operations, row.ok) for row in rows.values()] == [(2, 1), (2, 1), (2, 1)]
    assert [row.lasted for row in rows.values()] == [50 * MS, 32 * MS, 25 * MS]
    assert [row.periods for row in rows.values()] == [0, 2, 1]
    assert (rows[CALM].p99, rows["kill"].p99, rows["pause"].p99) == (10 * MS, 15 * MS, 1 * MS)
    assert rows["kill"].slowdown == 1.5
    assert rows[CALM].slowdown is None


def test_a_row_says_what_its_fault_does_where_the_run_knows_it() -> None:
    kinds = (FaultKind("kill", "kill", "start", about="ends a process"),)
    spans = Spans.of(HISTORY)
    assert [row.about for row in by_fault(spans, PERIODS, 100 * MS, kinds)] == ["", "ends a process", ""]


def test_a_run_without_faults_has_no_figures_by_fault() -> None:
    assert by_fault(Spans.of(HISTORY), (), 100 * MS) == []


def test_a_fault_that_no_operation_met_has_a_row_without_latencies() -> None:
    [_, row] = by_fault(Spans.of(HISTORY), (period("kill", 85, 90),), 100 * MS)
    assert (row.operations, row.ok_share, row.p50, row.slowdown) == (0, None, None, None)


def test_figures_by_fault_agree_with_counting_one_by_one() -> None:
    history = synthetic.recording(5).history
    spans = Spans.of(history)
    end = 30_000 * MS
    periods = fault_periods(spans.nemesis(), end)
    operations = [spans.span(place) for place in np.flatnonzero(spans.client).tolist()]
    for row in by_fault(Spans.of(history), periods, end):
        own = [one for one in periods if one.kind == row.fault or row.fault == CALM]
        met = [
            operation
            for operation in operations
            if (row.fault == CALM)
            != any(
                one.begin <= (end if operation.end is None else operation.end) and operation.begin <= one.end
                for one in own
            )
        ]
        ok = [
            operation.end - operation.begin
            for operation in met
            if operation.outcome == "ok" and operation.end is not None
        ]
        assert (row.operations, row.ok) == (len(met), len(ok))
        assert row.p99 is not None
        assert np.isclose(row.p99, np.percentile(ok, 99))


def test_names_that_no_encoding_can_hold_are_counted_like_any_other() -> None:
    strange = History([Operation(0, 0, 0, "invoke", "\ud800"), Operation(1, 5, 0, "ok", "\ud800")])
    [row] = by_operation(Spans.of(strange))
    assert (row.f, row.ok, row.max) == ("\ud800", 1, 5)


def test_a_report_is_made_without_pandas() -> None:
    code = "\n".join(
        [
            "import sys",
            "from reports.html import render",
            "from tests.reports import synthetic",
            "assert '<table' in render(synthetic.recording(), [], synthetic.about())",
            "print('pandas' in sys.modules)",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
