"""The figures at the top of a report, and how late the harness itself was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checkers.words import count, plural
from history import Recording
from history.history import OK
from history.units import MILLISECOND_NS, SECOND_NS
from reports.about import ReportAbout
from reports.faults import is_fault, took_effect
from reports.roles import TraceMarks
from reports.spans import READS, Span, Spans
from reports.text import duration, seconds

DEFAULT_LAG_BOUND_MS = 100.0


@dataclass(frozen=True)
class Figure:
    """One number at the top of the report: its name, its value, and how it was counted."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Lag:
    """How late the harness's own event loop woke, against the bound above which timings mean little."""

    bound_ns: float
    worst_ns: int
    worst_at: int
    over: int
    """The number of samples above the bound."""
    samples: int

    @property
    def exceeded(self) -> bool:
        """Whether the report must say that timings are not to be trusted."""
        return self.over > 0

    @property
    def warning(self) -> str:
        """What a reader must know where the bound was exceeded."""
        over = f"{count(self.over)} of {plural(self.samples, 'sample')}"
        return (
            f"The harness itself was up to {duration(self.worst_ns)} late, at {seconds(self.worst_at)}: "
            f"{over} exceeded the bound of {duration(self.bound_ns)}. "
            "So a slow reply or a time-out may be the fault of the harness and not of the system."
        )


def lag(recording: Recording) -> Lag | None:
    """The harness lag of a run; None if none was recorded."""
    if not recording.harness_lag:
        return None
    bound = recording.options.get("lag_bound_ms", DEFAULT_LAG_BOUND_MS)
    usable = isinstance(bound, int | float) and not isinstance(bound, bool) and bound > 0
    bound_ns = float(bound if usable else DEFAULT_LAG_BOUND_MS) * MILLISECOND_NS
    at, worst = max(recording.harness_lag, key=lambda sample: sample[1])
    over = sum(1 for _, late in recording.harness_lag if late > bound_ns)
    return Lag(bound_ns=bound_ns, worst_ns=worst, worst_at=at, over=over, samples=len(recording.harness_lag))


def key_figures(
    recording: Recording, about: ReportAbout, spans: Spans, nemesis: list[Span], marks: TraceMarks
) -> list[Figure]:
    """The numbers at the top of the report, each counted from the recording."""
    names = spans.columns.f_names
    read_codes = [code for code, name in enumerate(names) if name in READS]
    writes = spans.client & ~spans.of_kinds(read_codes)
    faults = [span for span in nemesis if is_fault(span, recording.fault_kinds)]
    effective = sum(1 for span in faults if took_effect(span))
    unobserved = sum(1 for span in faults if took_effect(span) is None)
    concurrency = recording.options.get("concurrency")
    processes = len(np.unique(spans.process[spans.client]))
    if isinstance(concurrency, int):
        note = f"as {plural(processes, 'process', 'processes')}: a new one after each info"
        clients = Figure("clients", count(concurrency), note)
    else:
        clients = Figure("client processes", count(processes), "after info, a client goes on as a new one")
    changes = marks.leader_changes()
    return [
        Figure("nodes", count(len(recording.nodes))),
        clients,
        Figure("duration", duration(about.duration_s * SECOND_NS)),
        Figure("operations", count(int(spans.client.sum())), "begun by clients"),
        Figure("acknowledged writes", count(int((writes & (spans.type == OK)).sum()))),
        Figure("leader changes", "not known", "there is no node trace")
        if changes is None
        else Figure("leader changes", count(changes), "elections after the first"),
        Figure(
            "faults that took effect",
            f"{effective} of {len(faults)}",
            f"of {unobserved} it is not known" if unobserved else "",
        ),
        Figure("seed", "none" if about.seed is None else str(about.seed)),
    ]
