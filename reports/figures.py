"""The figures of a run: how much was done, how fast, how often the leader changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from history import Recording
from history.history import FAIL, INFO, OK
from reports.about import ReportAbout
from reports.faults import is_fault, took_effect
from reports.roles import TraceMarks
from reports.spans import PENDING, Mask, Span, Spans
from reports.text import NS_PER_S, count, duration, plural, seconds

READS = frozenset(
    {"lookup", "list", "read", "get", "stale-lookup", "stale-list", "final-list", "final-local"}
)
"""Operations that change nothing. Any other client operation counts as a write."""

DEFAULT_LAG_BOUND_MS = 100.0


@dataclass(frozen=True)
class Figure:
    """One number of the banner: what it is, its value, and how it was counted."""

    name: str
    value: str
    note: str = ""


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
class Lag:
    """How late the harness's own event loop woke, against the bound above which timings mean little."""

    bound_ns: float
    worst_ns: int
    worst_at: int
    over: int
    """How many samples lie above the bound."""
    samples: int

    @property
    def exceeded(self) -> bool:
        """Whether the report must say that timings are not to be trusted."""
        return self.over > 0

    @property
    def warning(self) -> str:
        """The sentence that says so."""
        over = f"{plural(self.over, 'sample')} of {count(self.samples)}"
        return (
            f"The harness's own event loop woke up to {duration(self.worst_ns)} late, at "
            f"{seconds(self.worst_at)}; {over} lie above the bound of {duration(self.bound_ns)}. "
            "Latencies and time-outs may be the harness's own, not the cluster's."
        )


def lag(recording: Recording) -> Lag | None:
    """The harness lag of a run; None if none was recorded."""
    if not recording.harness_lag:
        return None
    bound = recording.options.get("lag_bound_ms", DEFAULT_LAG_BOUND_MS)
    usable = isinstance(bound, int | float) and not isinstance(bound, bool) and bound > 0
    bound_ns = float(bound if usable else DEFAULT_LAG_BOUND_MS) * 1e6
    at, worst = max(recording.harness_lag, key=lambda sample: sample[1])
    over = sum(1 for _, late in recording.harness_lag if late > bound_ns)
    return Lag(bound_ns=bound_ns, worst_ns=worst, worst_at=at, over=over, samples=len(recording.harness_lag))


def stats(spans: Spans) -> list[OperationStats]:
    """A row for each client `f`, the most frequent first, and at the end the sum where there are several."""
    rows = []
    names = spans.columns.f_names
    for code in np.unique(spans.f[spans.client]).tolist():
        rows.append(_stats_row(spans, spans.client & (spans.f == code), names[code]))
    rows.sort(key=lambda row: (-row.total, row.f))
    if len(rows) > 1:
        rows.append(_stats_row(spans, spans.client, "all"))
    return rows


def _stats_row(spans: Spans, mask: Mask, name: str) -> OperationStats:
    types = spans.type[mask]
    ok = mask & (spans.type == OK)
    latencies = spans.end[ok] - spans.begin[ok]
    p50, p90, p99 = np.percentile(latencies, (50, 90, 99)).tolist() if len(latencies) else (None, None, None)
    return OperationStats(
        f=name,
        total=len(types),
        ok=int((types == OK).sum()),
        fail=int((types == FAIL).sum()),
        info=int((types == INFO).sum()),
        pending=int((types == PENDING).sum()),
        p50=p50,
        p90=p90,
        p99=p99,
        max=int(latencies.max()) if len(latencies) else None,
    )


def key_figures(
    recording: Recording, about: ReportAbout, spans: Spans, nemesis: list[Span], marks: TraceMarks
) -> list[Figure]:
    """The banner's numbers, each counted here from the recording."""
    names = spans.columns.f_names
    read_codes = [code for code, name in enumerate(names) if name in READS]
    writes = spans.client & ~np.isin(spans.f, read_codes)
    faults = [span for span in nemesis if is_fault(span)]
    effective = sum(1 for span in faults if took_effect(span))
    unsaid = sum(1 for span in faults if took_effect(span) is None)
    concurrency = recording.options.get("concurrency")
    processes = len(np.unique(spans.process[spans.client]))
    if isinstance(concurrency, int):
        clients = Figure("clients", count(concurrency), f"ran as {plural(processes, 'process', 'processes')}")
    else:
        clients = Figure("client processes", count(processes), "a client goes on as a new one after info")
    changes = marks.leader_changes()
    return [
        Figure("nodes", count(len(recording.nodes))),
        clients,
        Figure("duration", duration(about.duration_s * NS_PER_S)),
        Figure("operations", count(int(spans.client.sum())), "invoked by clients"),
        Figure("acknowledged writes", count(int((writes & (spans.type == OK)).sum()))),
        Figure("leader changes", "not known", "no node trace tells")
        if changes is None
        else Figure("leader changes", count(changes), "elections won after the first"),
        Figure(
            "faults that took effect",
            f"{effective} of {len(faults)}",
            f"{unsaid} did not say" if unsaid else "",
        ),
        Figure("seed", "none" if about.seed is None else str(about.seed)),
    ]
