"""The tables of a report: operations by kind, and figures by fault compared with times without one.

Of ten million operations, counts are made some at a time, and only latencies of one row are held at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from history.history import FAIL, INFO, OK, Codes
from history.nemesis import FaultKind
from reports.faults import FaultPeriod
from reports.spans import AT_ONCE, OUTCOMES, PENDING, Mask, Spans

QUANTILES = (0.5, 0.9, 0.99)
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


def by_operation(spans: Spans) -> list[OperationStats]:
    """A row for each `f`, the most frequent first, and at the end the sum where there are several."""
    names = spans.columns.f_names
    counts = np.zeros((len(names), len(OUTCOMES)), dtype=np.int64)
    for part in _parts(spans):
        client = spans.client[part]
        code = spans.f[part][client].astype(np.int64) * len(OUTCOMES) + spans.type[part][client]
        counts += np.bincount(code, minlength=counts.size).reshape(counts.shape)
    found = [code for code in range(len(names)) if counts[code].any()]
    rows = [
        _operation_row(
            names[code],
            counts[code],
            _ok_latencies(spans, partial(_are_of, spans, code)),
        )
        for code in found
    ]
    rows.sort(key=lambda row: (-row.total, row.f))
    if len(rows) > 1:
        everything = _ok_latencies(spans, lambda part: np.ones(len(spans.f[part]), dtype=bool))
        rows.append(_operation_row("all", counts.sum(axis=0), everything))
    return rows


def _are_of(spans: Spans, code: int, part: slice) -> Mask:
    """Which of these operations are of the kind with this code."""
    found: Mask = spans.f[part] == code
    return found


def _parts(spans: Spans) -> Iterator[slice]:
    return (slice(low, low + AT_ONCE) for low in range(0, len(spans.index), AT_ONCE))


def _ok_latencies(spans: Spans, chosen: Callable[[slice], Mask]) -> Codes:
    """How long each client operation took that ended ok, in ns, of those that are chosen of a part."""
    found = array("q")
    for part in _parts(spans):
        own = spans.client[part] & (spans.type[part] == OK) & chosen(part)
        found.frombytes((spans.end[part][own] - spans.begin[part][own]).tobytes())
    return np.frombuffer(found, dtype=np.int64)


def _operation_row(name: str, counts: Codes, latencies: Codes) -> OperationStats:
    """The row; the latencies are sorted in part by it."""
    longest = int(latencies.max()) if len(latencies) else None
    p50, p90, p99 = _quantiles(latencies, QUANTILES)
    return OperationStats(
        f=name,
        total=int(counts.sum()),
        ok=int(counts[OK]),
        fail=int(counts[FAIL]),
        info=int(counts[INFO]),
        pending=int(counts[PENDING]),
        p50=p50,
        p90=p90,
        p99=p99,
        max=longest,
    )


def _quantiles(latencies: Codes, shares: Sequence[float]) -> list[float] | list[None]:
    """The quantiles in ns, None without latencies; these are sorted in part, as a copy would take memory."""
    if not len(latencies):
        return [None] * len(shares)
    found: list[float] = np.quantile(latencies, shares, overwrite_input=True).tolist()
    return found


def by_fault(
    spans: Spans,
    periods: Sequence[FaultPeriod],
    end_of_run: int,
    kinds: Sequence[FaultKind] = (),
) -> list[FaultStats]:
    """A row for the times without a fault, then one for each kind of fault; none if there was no fault.

    An operation that was under way in the periods of several faults counts for each of them.
    """
    if not periods:
        return []
    about = {kind.name: kind.about for kind in kinds}
    everything = _merged(periods)

    def met(times: Sequence[tuple[int, int]], part: slice) -> Mask:
        end = np.where(spans.type[part] == PENDING, end_of_run, spans.end[part])
        return spans.client[part] & _overlaps(spans.begin[part], end, times)

    def calm(part: slice) -> Mask:
        return spans.client[part] & ~met(everything, part)

    lasted = end_of_run - _length(everything)
    rows = [_fault_row(spans, CALM, "", 0, lasted, calm, None)]
    for kind in dict.fromkeys(period.kind for period in periods):
        own = [period for period in periods if period.kind == kind]
        merged = _merged(own)
        rows.append(
            _fault_row(
                spans,
                kind,
                about.get(kind, ""),
                len(own),
                _length(merged),
                partial(met, merged),
                rows[0].p99,
            )
        )
    return rows


def _fault_row(
    spans: Spans,
    fault: str,
    about: str,
    periods: int,
    lasted: int,
    met: Callable[[slice], Mask],
    calm_p99: float | None,
) -> FaultStats:
    latencies = _ok_latencies(spans, met)
    ok = len(latencies)
    p50, p99 = _quantiles(latencies, (0.5, 0.99))
    return FaultStats(
        fault=fault,
        about=about,
        periods=periods,
        lasted=lasted,
        operations=sum(int(met(part).sum()) for part in _parts(spans)),
        ok=ok,
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
