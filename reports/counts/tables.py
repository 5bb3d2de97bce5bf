"""The tables of a report: operations by kind, and figures by fault compared with times without one.

Both are counted from the DataFrame of the history (`history.frame`). pandas is loaded when that is made, so
that a command that makes no report starts without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from history import Recording
from history.frame import frame
from history.history import Codes, History
from history.nemesis import FaultKind
from reports.faults import FaultPeriod
from reports.spans import Mask

if TYPE_CHECKING:
    import pandas as pd

QUANTILES = np.array([0.5, 0.9, 0.99])
PENDING = "pending"
CALM = "no fault"
"""The name of the row for operations that met no fault."""


@dataclass(frozen=True)
class OperationStats:
    """One row of the table of operations. Latencies are of `ok` completions, in ns; None without any."""

    f: str
    total: int
    ok: int
    fail: int
    info: int
    pending: int
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True)
class FaultStats:
    """One row of the figures by fault: the client operations that were under way during its periods."""

    fault: str
    about: str
    """What the fault does, in a few words; empty where it is not known."""
    periods: int
    lasted: int
    """Nanoseconds in which the fault was present; of the row without a fault, in which none was."""
    operations: int
    ok: int
    p50: float | None
    p99: float | None
    slowdown: float | None
    """p99 as a multiple of p99 without a fault; None where either is missing, and in that row itself."""

    @property
    def ok_share(self) -> float | None:
        """The share of operations that were ok; None if there was no operation."""
        return self.ok / self.operations if self.operations else None


def operation_tables(
    recording: Recording, periods: Sequence[FaultPeriod], end_of_run: int
) -> tuple[list[OperationStats], list[FaultStats]]:
    """Both tables of a report. The DataFrame behind them is gone when they are made, as it may be large."""
    table = operations_table(recording.history)
    return by_operation(table), by_fault(table, periods, end_of_run, recording.fault_kinds)


def operations_table(history: History) -> pd.DataFrame:
    """The clients' rows of `history.frame`, with the outcome `pending` where an operation never completed."""
    table = frame(history, columns=("who", "f", "outcome", "invoked_ns", "completed_ns", "latency_ns"))
    client = table.pop("who") == "client"
    table = table if client.all() else table.loc[client]
    outcome = table["outcome"].cat.add_categories([PENDING])
    return table.assign(
        outcome=outcome.mask(table["completed_ns"].isna(), PENDING),
        latency_ns=table["latency_ns"].astype("float64"),
    )


def by_operation(table: pd.DataFrame) -> list[OperationStats]:
    """A row for each `f`, the most frequent first, and at the end the sum where there are several."""
    counts = table.groupby(["f", "outcome"], observed=False).size().unstack()
    acknowledged = table.loc[table["outcome"] == "ok", ["f", "latency_ns"]]
    latency = acknowledged.groupby("f", observed=False)["latency_ns"]
    quantiles = latency.quantile(QUANTILES).unstack()
    slowest = latency.max()
    rows = [
        _operation_row(name, counts.loc[name], quantiles.loc[name].to_list(), slowest.loc[name])
        for name in counts.index[counts.sum(axis="columns") > 0]
    ]
    rows.sort(key=lambda row: (-row.total, row.f))
    if len(rows) > 1:
        ok = acknowledged["latency_ns"]
        rows.append(_operation_row("all", counts.sum(), ok.quantile(QUANTILES).to_list(), ok.max()))
    return rows


def _operation_row(
    name: str, counts: pd.Series[int], quantiles: Sequence[float], slowest: float
) -> OperationStats:
    p50, p90, p99 = quantiles if counts["ok"] else (None, None, None)
    return OperationStats(
        f=name,
        total=int(counts.sum()),
        ok=int(counts["ok"]),
        fail=int(counts["fail"]),
        info=int(counts["info"]),
        pending=int(counts["pending"]),
        p50=p50,
        p90=p90,
        p99=p99,
        max=int(slowest) if counts["ok"] else None,
    )


def by_fault(
    table: pd.DataFrame,
    periods: Sequence[FaultPeriod],
    end_of_run: int,
    kinds: Sequence[FaultKind] = (),
) -> list[FaultStats]:
    """A row for the times without a fault, then one for each kind of fault; none if there was no fault.

    An operation that was under way in the periods of several faults counts for each of them.
    """
    if not periods:
        return []
    begin = table["invoked_ns"].to_numpy()
    end = table["completed_ns"].fillna(end_of_run).to_numpy(dtype=np.int64)
    everything = _merged(periods)
    about = {kind.name: kind.about for kind in kinds}
    is_calm = ~_overlaps(begin, end, everything)
    calm = _fault_row(CALM, "", 0, end_of_run - _length(everything), table[is_calm], None)
    rows = [calm]
    for kind in dict.fromkeys(period.kind for period in periods):
        own = [period for period in periods if period.kind == kind]
        merged = _merged(own)
        met = table[_overlaps(begin, end, merged)]
        words = about.get(kind, "")
        rows.append(_fault_row(kind, words, len(own), _length(merged), met, calm.p99))
    return rows


def _fault_row(
    fault: str, about: str, periods: int, lasted: int, met: pd.DataFrame, calm_p99: float | None
) -> FaultStats:
    latency = met.loc[met["outcome"] == "ok", "latency_ns"]
    p50, p99 = latency.quantile([0.5, 0.99]).to_list() if len(latency) else (None, None)
    return FaultStats(
        fault=fault,
        about=about,
        periods=periods,
        lasted=lasted,
        operations=len(met),
        ok=len(latency),
        p50=p50,
        p99=p99,
        slowdown=p99 / calm_p99 if p99 and calm_p99 else None,
    )


def _merged(periods: Sequence[FaultPeriod]) -> list[tuple[int, int]]:
    """The times in which at least one of the periods lasted, in order and apart from one another."""
    merged: list[tuple[int, int]] = []
    for period in sorted(periods, key=lambda period: period.begin):
        if merged and period.begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], period.end))
        else:
            merged.append((period.begin, period.end))
    return merged


def _length(times: Sequence[tuple[int, int]]) -> int:
    return sum(end - begin for begin, end in times)


def _overlaps(begin: Codes, end: Codes, times: Sequence[tuple[int, int]]) -> Mask:
    """Which of the operations were under way at any of the times."""
    starts = np.array([start for start, _ in times])
    stops = np.array([stop for _, stop in times])
    first = np.searchsorted(stops, begin)  # the first time that ends no earlier than the operation begins
    candidate = np.minimum(first, len(times) - 1)
    found: Mask = (first < len(times)) & (starts[candidate] <= end)
    return found
