"""Availability: how long a node, or the whole system, gave clients no `ok` reply.

A node, or the whole system, is *unavailable* from an `ok` reply (or the first request) until the next one (or
the end of the record), if in that time a request to it was pending that got no `ok`. A time without any
request does not count. After each fault and each heal, the time until the first `ok` of a later request is
measured, for any operation and for writes.

A verdict `invalid` needs a bound for the whole system: the run's option `unavailable_bound_s`, or this
checker's own `bound_s`. The checker works on any history, whatever its operations are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.run.faults import fault_operations
from checkers.run.writes import WRITES
from checkers.verdict import Evidence, Validity, Verdict
from checkers.words import seconds
from history import NEMESIS, History, Recording
from history.history import INVOKE, OK
from history.nemesis import FaultKinds
from history.units import SECOND_NS

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Stretch(NamedTuple):
    """A time without an `ok` reply; `after` and `until` are positions in the history."""

    nanoseconds: int
    after: int
    until: int


@dataclass(frozen=True)
class Availability:
    """Measures times without an `ok` reply, and compares the longest with a bound if there is one."""

    name: str = "availability"
    writes: tuple[str, ...] = WRITES
    """The operations that are writes."""
    bound_s: float | None = None
    """The longest time without an `ok` reply that is allowed, where the run does not state one."""

    def check(self, recording: Recording) -> Verdict:
        """Judge any history; none is refused."""
        return self.judge(recording)

    def judge(self, recording: Recording) -> Verdict:
        """Find the longest times without an `ok` reply, and the times to recover."""
        history = recording.history
        columns = history.columns
        begun = np.flatnonzero((columns.type == INVOKE) & (columns.process != NEMESIS))
        is_write = np.isin(columns.f[begun], [columns.f_code(f) for f in self.writes])
        overall = longest(history, begun)
        by_node = {
            node: _figures(history, begun[columns.node[begun] == code])
            for code, node in enumerate(columns.nodes)
        }
        bound = recording.options.get("unavailable_bound_s", self.bound_s)
        bound_s = float(bound) if isinstance(bound, int | float) else None
        evidence: tuple[Evidence, ...] = ()
        if overall is None:
            validity, summary = Validity.UNKNOWN, "no client sent a request"
        else:
            longest_s = overall.nanoseconds / SECOND_NS
            validity = Validity.VALID
            since, until = (seconds(int(columns.time[place])) for place in overall[1:])
            summary = f"the longest time without an ok reply was {longest_s:.3f} s; it began at {since}"
            if bound_s is not None and longest_s > bound_s:
                validity = Validity.INVALID
                summary += f"; the bound is {bound_s:g} s"
                text = (
                    f"From operation {overall.after} (at {since}) to operation {overall.until} "
                    f"(at {until}), no client got an ok reply."
                )
                title = f"no client got an ok reply for {longest_s:.3f} s, from {since} to {until}"
                evidence = (Evidence(title, text, (overall.after, overall.until)),)
        return Verdict(
            checker=self.name,
            validity=validity,
            summary=summary,
            evidence=evidence,
            measures={
                "overall": _figures(history, begun),
                "writes": _figures(history, begun[is_write]),
                "by_node": by_node,
                "recoveries": list(recoveries(recording, begun, is_write)),
            },
            caveats=()
            if bound_s is not None
            else ("the run states no bound, so availability was measured and not judged",),
        )


def longest(history: History, begun: Integers) -> Stretch | None:
    """The longest time without an `ok` reply to these invocations (ascending); length 0 if all got one."""
    if not len(begun):
        return None
    columns = history.columns
    ends = history.pairs[begun]
    ok = (ends >= 0) & (columns.type[ends] == OK)
    last = len(columns.time) - 1
    marks = np.unique(np.concatenate([[begun[0]], ends[ok], [last]]))
    vain = begun[~ok]
    # A request without `ok` makes every stretch unavailable that overlaps the time from its begin to its end.
    closed = np.where(ends[~ok] >= 0, ends[~ok], last)
    first = np.maximum(np.searchsorted(marks, vain, side="right") - 1, 0)
    final = np.searchsorted(marks, closed, side="left")
    change = np.zeros(len(marks) + 1, dtype=np.int64)
    np.add.at(change, first, 1)
    np.add.at(change, np.maximum(final, first + 1), -1)
    waiting = np.cumsum(change)[: len(marks) - 1] > 0
    lengths = np.where(waiting, np.diff(columns.time[marks]), 0)
    if not len(lengths):
        return Stretch(0, int(begun[0]), int(begun[0]))
    place = int(lengths.argmax())
    return Stretch(int(lengths[place]), int(marks[place]), int(marks[place + 1]))


def _figures(history: History, begun: Integers) -> dict[str, Any]:
    stretch = longest(history, begun)
    if stretch is None:
        return {"asked": 0}
    ends = history.pairs[begun]
    ok = int(((ends >= 0) & (history.columns.type[ends] == OK)).sum())
    return {
        "asked": len(begun),
        "answered": ok,
        "longest_unavailable_s": stretch.nanoseconds / SECOND_NS,
        "after_operation": stretch.after,
    }


def recoveries(recording: Recording, begun: Integers, is_write: Flags) -> Iterable[dict[str, Any]]:
    """For each completed nemesis operation, how soon a request that began after it was answered."""
    history, kinds = recording.history, FaultKinds(recording.fault_kinds)
    columns = history.columns
    ends = history.pairs[begun]
    ok = (ends >= 0) & (columns.type[ends] == OK)
    for fault in fault_operations(history):
        at = fault.completion.index
        after = ok & (begun > at)
        yield {
            "operation": at,
            "f": fault.f,
            "heals": kinds.is_healing(fault.f),
            "first_ok_s": _delay(columns.time, ends[after], at),
            "first_ok_write_s": _delay(columns.time, ends[after & is_write], at),
        }


def _delay(time: Integers, ends: Integers, at: int) -> float | None:
    return None if not len(ends) else (int(time[ends.min()]) - int(time[at])) / SECOND_NS
