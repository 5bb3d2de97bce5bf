"""Times without an ok reply: how long, how often, by node, and under which faults.

A time is one that the checker `availability` measures: from an ok reply, or the first request, until the next
ok reply, while a request waited that got none. Times shorter than `SHORTEST_NS` are left out, as with a few
clients each failed request would make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from checkers.run.availability import Integers, Stretch, stretches
from history import Recording
from history.history import OK
from history.units import SECOND_NS
from reports.faults import FaultPeriod
from reports.spans import READS, Spans

SHORTEST_NS = SECOND_NS // 10
MOST_LISTED = 25
MOST_NODES = 40
WITHOUT_FAULT = "no fault"
ALL = "all nodes"


@dataclass(frozen=True)
class Outage:
    """One time without an ok reply, in nanoseconds since the run began."""

    begin: int
    end: int
    waiting: int
    """How many requests were open in that time that got no ok reply."""
    first: int
    """The number of the first of them."""
    faults: tuple[str, ...]
    """The labels of the faults that were present."""

    @property
    def lasted(self) -> int:
        """Nanoseconds."""
        return self.end - self.begin


@dataclass(frozen=True)
class OutageRow:
    """The times without an ok reply of one part of the cluster, or under one fault."""

    name: str
    times: int
    longest: int
    """Nanoseconds, as is the total."""
    total: int
    begin: int
    """When the longest began, in nanoseconds since the run began; its end is `begin + longest`."""


@dataclass(frozen=True)
class Outages:
    """All of a run."""

    by_part: tuple[OutageRow, ...]
    """Any operation on any node, writes, and each node by itself; those without such a time have 0 times."""
    by_fault: tuple[OutageRow, ...]
    """Of all nodes together, by fault; a time with several faults counts for each."""
    listed: tuple[Outage, ...]
    """The longest of all nodes together, in their order."""
    hidden: int
    """How many shorter ones are not listed."""


def outages(recording: Recording, spans: Spans, periods: Sequence[FaultPeriod]) -> Outages | None:
    """The times without an ok reply; None for a run without a request."""
    begun = spans.index[spans.client]
    if not len(begun):
        return None
    columns = recording.history.columns
    reads = [code for code, name in enumerate(columns.f_names) if name in READS]
    everywhere = _found(recording, begun)
    parts = [
        (ALL, everywhere),
        ("writes", _found(recording, spans.index[spans.client & ~spans.of_kinds(reads)])),
    ]
    parts += [
        (node, _found(recording, begun[columns.node[begun] == columns.nodes.index(node)]))
        for node in recording.nodes[:MOST_NODES]
        if node in columns.nodes
    ]
    with_faults = [(one, _present(recording, one, periods)) for one in everywhere]
    kinds = dict.fromkeys(period.kind for _, present in with_faults for period in present)
    by_fault = [
        (kind, [one for one, present in with_faults if any(period.kind == kind for period in present)])
        for kind in kinds
    ]
    if without := [one for one, present in with_faults if not present]:
        by_fault.append((WITHOUT_FAULT, without))
    longest = sorted(with_faults, key=lambda one: -one[0].nanoseconds)[:MOST_LISTED]
    return Outages(
        by_part=tuple(_row(recording, name, found) for name, found in parts),
        by_fault=tuple(_row(recording, name, found) for name, found in by_fault),
        listed=tuple(
            _outage(recording, begun, one, present)
            for one, present in sorted(longest, key=lambda one: one[0].after)
        ),
        hidden=len(everywhere) - len(longest),
    )


def _found(recording: Recording, begun: Integers) -> list[Stretch]:
    if not len(begun):
        return []
    return [one for one in stretches(recording.history, begun) if one.nanoseconds >= SHORTEST_NS]


def _present(recording: Recording, one: Stretch, periods: Sequence[FaultPeriod]) -> list[FaultPeriod]:
    begin, end = _times(recording, one)
    return [period for period in periods if period.begin < end and period.end > begin]


def _times(recording: Recording, one: Stretch) -> tuple[int, int]:
    time = recording.history.columns.time
    return int(time[one.after]), int(time[one.until])


def _row(recording: Recording, name: str, found: Sequence[Stretch]) -> OutageRow:
    longest = max(found, key=lambda one: one.nanoseconds, default=Stretch(0, 0, 0))
    begin, _ = _times(recording, longest)
    return OutageRow(name, len(found), longest.nanoseconds, sum(one.nanoseconds for one in found), begin)


def _outage(recording: Recording, begun: Integers, one: Stretch, present: Sequence[FaultPeriod]) -> Outage:
    """One time with what waited in it."""
    history = recording.history
    ends = history.pairs[begun]
    is_vain = (ends < 0) | (history.columns.type[ends] != OK)
    waiting = begun[is_vain & (begun < one.until) & ((ends < 0) | (ends > one.after))]
    begin, end = _times(recording, one)
    labels = tuple(dict.fromkeys(period.label for period in present))
    return Outage(begin, end, len(waiting), int(np.min(waiting)), labels)
