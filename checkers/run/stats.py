"""Stats: how many operations of each kind ended `ok`, `fail` or `info`, and how long they took.

It only measures. That operations of each kind succeeded at all is for the checker `vacuity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from checkers.verdict import Unjudged, Verdict
from checkers.words import plural
from history import NEMESIS, Recording
from history.history import FAIL, INVOKE, OK
from history.units import MILLISECOND_NS

QUANTILES = (0.5, 0.9, 0.99, 1.0)


@dataclass(frozen=True)
class Stats:
    """Counts by `f` and outcome; latency quantiles of the `ok` ones, in milliseconds."""

    name: str = "stats"

    def check(self, recording: Recording) -> Verdict:
        """Count the operations, and measure their latencies."""
        columns, pairs = recording.history.columns, recording.history.pairs
        invoked = np.flatnonzero((columns.type == INVOKE) & (columns.process != NEMESIS))
        completed = pairs[invoked]
        pending = completed < 0
        outcome = np.where(pending, INVOKE, columns.type[completed])
        latency = np.where(pending, 0, columns.time[completed] - columns.time[invoked])
        kind = columns.f[invoked]

        by_f: dict[str, dict[str, Any]] = {}
        for code in np.unique(kind).tolist():
            mine = kind == code
            ok = mine & (outcome == OK)
            milliseconds = latency[ok] / MILLISECOND_NS
            total, n_ok = int(np.count_nonzero(mine)), int(np.count_nonzero(ok))
            n_fail = int(np.count_nonzero(mine & (outcome == FAIL)))
            by_f[columns.f_names[code]] = {
                "count": total,
                "ok": n_ok,
                "fail": n_fail,
                # What was never completed may or may not have happened, as any `info`.
                "info": total - n_ok - n_fail,
                "latency_ms": {
                    f"p{quantile * 100:g}": round(float(value), 3)
                    for quantile, value in zip(QUANTILES, np.quantile(milliseconds, QUANTILES), strict=True)
                }
                if n_ok
                else {},
            }
        return self._verdict(by_f)

    def _verdict(self, by_f: dict[str, dict[str, Any]]) -> Verdict:
        totals = {
            outcome: sum(row[outcome] for row in by_f.values()) for outcome in ("count", "ok", "fail", "info")
        }
        summary = plural(totals["count"], "operation") + ": {ok:,} ok, {fail:,} fail, {info:,} info".format(
            **totals
        )
        return Verdict.marked(self.name, Unjudged.ONLY_MEASURES, summary, measures={"by_f": by_f, **totals})
