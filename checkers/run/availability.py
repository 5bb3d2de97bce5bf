"""Availability: how long a node, or the whole system, gave clients no `ok` reply.

A node, or the whole system, is *unavailable* from an `ok` reply (or the first request) until the next one (or
the end of the record), if in that time a request to it was pending that got no `ok`. A time without any
request does not count. After each fault and each heal, the time until the first `ok` of a later request is
measured, for any operation and for writes.

A verdict needs a bound for the whole system: the run's option `unavailable_bound_s`, or this checker's own
`bound_s`; without one, the checker only measures. A time that is longer than the bound is a violation only if
the harness itself ran for longer than the bound within it, without a stall (`stalls`). The checker works on
any history, whatever its operations are.

A run may also state the least share of its requests that get an `ok` reply (`least_ok_share`), as Maelstrom's
option `--availability` does. A request in which the harness itself stalled may count as either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from checkers.run.faults import fault_operations
from checkers.run.stalls import Stalls
from checkers.run.writes import WRITES, are_writes
from checkers.verdict import Evidence, Mark, Unjudged, Validity, Verdict
from checkers.words import seconds, sentence
from history import NEMESIS, History, Recording
from history.history import INVOKE, OK
from history.nemesis import FaultKinds
from history.units import SECOND_NS

LEAST_OK_SHARE = "least_ok_share"
"""The option of a recording that states the least share of requests that must get an `ok` reply, 0 to 1."""

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
        is_write = are_writes(history, self.writes)[begun]
        overall = longest(history, begun)
        by_node = {
            node: _figures(history, begun[columns.node[begun] == code])
            for code, node in enumerate(columns.nodes)
        }
        bound = recording.options.get("unavailable_bound_s", self.bound_s)
        bound_s = float(bound) if isinstance(bound, int | float) else None
        evidence: tuple[Evidence, ...] = ()
        mark: Mark
        if overall is None:
            mark, summary = Unjudged.NOT_EXERCISED, "no client sent a request"
        else:
            longest_s = overall.nanoseconds / SECOND_NS
            times = tuple(int(columns.time[place]) for place in overall[1:])
            began = seconds(times[0])
            summary = f"the longest time without an ok reply was {longest_s:.3f} s; it began at {began}"
            if bound_s is None:
                mark = Unjudged.ONLY_MEASURES
            elif longest_s <= bound_s:
                mark = Validity.VALID
                if not ((columns.type == OK) & (columns.process != NEMESIS)).any():
                    mark, summary = (
                        Unjudged.NOT_EXERCISED,
                        "no client got an ok reply within the short record",
                    )
            elif (proven := _proven(recording, begun, bound_s)) is None:
                mark = Validity.UNKNOWN
                summary += f"; the bound is {bound_s:g} s, but {Stalls.of(recording).in_words(*times)}"
            else:
                mark = Validity.INVALID
                evidence = (_evidence(history, proven),)
                summary = f"{evidence[0].title}; the bound is {bound_s:g} s"
            least = recording.options.get(LEAST_OK_SHARE)
            if isinstance(least, int | float):
                share_mark, words = _share(recording, begun, least)
                mark = max(share_mark, mark, key=_WORST_LAST.index)
                summary = f"{words}; {summary}"
                if share_mark is Validity.INVALID:
                    evidence = (
                        Evidence("too few requests got an ok reply", f"{sentence(words)}."),
                        *evidence,
                    )
        return Verdict.marked(
            checker=self.name,
            mark=mark,
            summary=summary,
            evidence=evidence,
            measures={
                "overall": _figures(history, begun),
                "writes": _figures(history, begun[is_write]),
                "by_node": by_node,
                "recoveries": list(recoveries(recording, begun, is_write)),
            },
            caveats=()
            if bound_s is not None or LEAST_OK_SHARE in recording.options
            else ("no bound was stated, so availability was measured and not judged",),
        )


_WORST_LAST: tuple[Mark, ...] = (
    Unjudged.ONLY_MEASURES,
    Unjudged.NOT_EXERCISED,
    Validity.VALID,
    Validity.UNKNOWN,
    Validity.INVALID,
)


def _share(recording: Recording, begun: Integers, least: float) -> tuple[Mark, str]:
    """Whether enough requests got an `ok` reply, and what came of them in words."""
    history, stalls = recording.history, Stalls.of(recording)
    time, ends = history.columns.time, history.pairs[begun]
    in_vain = begun[(ends < 0) | (history.columns.type[ends] != OK)]
    until = np.where(history.pairs[in_vain] < 0, time[-1], time[history.pairs[in_vain]])
    stalled = sum(
        stalls.within(int(since), int(end)) > 0 for since, end in zip(time[in_vain], until, strict=True)
    )
    answered = len(begun) - len(in_vain)
    words = f"{answered:,} of {len(begun):,} requests got an ok reply ({answered / len(begun):.2%})"
    bound = f"at least {least:.2%} must" if least < 1 else "all must"
    if answered >= least * len(begun):
        return Validity.VALID, words
    if answered + stalled >= least * len(begun):
        doubt = f"the harness itself stalled during {stalled} of the others"
        return Validity.UNKNOWN, f"{words}, {bound}, and {doubt}"
    return Validity.INVALID, f"{words}, and {bound}"


def _proven(recording: Recording, begun: Integers, bound_s: float) -> Stretch | None:
    """The longest time without an `ok` reply that was longer than the bound by no stall of the harness."""
    time, stalls, bound_ns = recording.history.columns.time, Stalls.of(recording), int(bound_s * SECOND_NS)
    too_long = [
        one
        for one in stretches(recording.history, begun)
        if one.nanoseconds > bound_ns
        and stalls.ran_longer_than(bound_ns, int(time[one.after]), int(time[one.until]))
    ]
    return max(too_long, key=lambda one: one.nanoseconds, default=None)


def _evidence(history: History, stretch: Stretch) -> Evidence:
    since, until = (seconds(int(history.columns.time[place])) for place in stretch[1:])
    numbers = [history.number(place) for place in stretch[1:]]
    text = (
        f"From operation {numbers[0]} (at {since}) to operation {numbers[1]} "
        f"(at {until}), no client got an ok reply."
    )
    lasted_s = stretch.nanoseconds / SECOND_NS
    title = f"no client got an ok reply for {lasted_s:.3f} s, from {since} to {until}"
    return Evidence(title, text, tuple(dict.fromkeys(numbers)))


def longest(history: History, begun: Integers) -> Stretch | None:
    """The longest time without an `ok` reply to these invocations (ascending); length 0 if all got one."""
    if not len(begun):
        return None
    nothing = Stretch(0, int(begun[0]), int(begun[0]))
    return max(stretches(history, begun), key=lambda one: one.nanoseconds, default=nothing)


def stretches(history: History, begun: Integers) -> list[Stretch]:
    """Every time between two `ok` replies to these invocations (ascending) in which one of them waited."""
    columns = history.columns
    ends = history.pairs[begun]
    ok = (ends >= 0) & (columns.type[ends] == OK)
    vain = begun[~ok]
    if not len(vain):
        return []
    last = len(columns.time) - 1
    is_mark = np.zeros(last + 1, dtype=bool)
    is_mark[ends[ok]] = True
    is_mark[[begun[0], last]] = True
    marks = np.flatnonzero(is_mark)
    # A request without `ok` makes every stretch unavailable that overlaps the time from its begin to its end.
    closed = np.where(ends[~ok] >= 0, ends[~ok], last)
    first = np.maximum(np.searchsorted(marks, vain, side="right") - 1, 0)
    final = np.searchsorted(marks, closed, side="left")
    change = np.zeros(len(marks) + 1, dtype=np.int32)
    np.add.at(change, first, 1)
    np.add.at(change, np.maximum(final, first + 1), -1)
    waiting = np.flatnonzero(np.cumsum(change, dtype=np.int32)[: len(marks) - 1] > 0)
    after, until = marks[waiting], marks[waiting + 1]
    lengths = columns.time[until] - columns.time[after]
    return list(map(Stretch, lengths.tolist(), after.tolist(), until.tolist()))


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
        "after_operation": history.number(stretch.after),
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
            "operation": fault.invocation.index,
            "f": fault.f,
            "heals": kinds.is_healing(fault.f),
            "first_ok_s": _delay(columns.time, ends[after], at),
            "first_ok_write_s": _delay(columns.time, ends[after & is_write], at),
        }


def _delay(time: Integers, ends: Integers, at: int) -> float | None:
    return None if not len(ends) else (int(time[ends.min()]) - int(time[at])) / SECOND_NS
