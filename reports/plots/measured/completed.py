"""The completed operations of clients, some at a time, so that charts of ten million take little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from history.history import OK, Codes
from reports.spans import AT_ONCE, PENDING, Mask, Spans

BUCKETS = 90
"""The number of slices of time for which a chart of latencies has quantiles."""


@dataclass(frozen=True)
class Completed:
    """Operations that ended, in the order in which they began: arrays of the same length. Times are in ns."""

    place: Codes
    """The position of each in the `Spans`."""
    begin: Codes
    latency: Codes
    type: npt.NDArray[np.int8]
    f: Codes

    def __len__(self) -> int:
        return len(self.place)

    def only(self, chosen: Codes | Mask) -> Completed:
        """Those at these positions, or where this is true."""
        return Completed(
            self.place[chosen], self.begin[chosen], self.latency[chosen], self.type[chosen], self.f[chosen]
        )

    @classmethod
    def joined(cls, parts: Sequence[Completed]) -> Completed:
        """All of at least one part."""
        columns = ("place", "begin", "latency", "type", "f")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


@dataclass(frozen=True)
class CompletedOperations:
    """All of a run. Iterating gives them in parts of some `AT_ONCE`; no slice of time is divided."""

    spans: Spans
    end_of_run: int

    def __iter__(self) -> Iterator[Completed]:
        spans = self.spans
        low = 0
        for high in edges(spans.begin, self.end_of_run)[1:]:
            if high - low < AT_ONCE and high < len(spans.begin):
                continue
            place = low + np.flatnonzero(spans.client[low:high] & (spans.type[low:high] != PENDING))
            if len(place):
                begin, latency = spans.begin[place], spans.end[place]
                latency -= begin
                yield Completed(place, begin, latency, spans.type[place], spans.f[place])
            low = high


def edges(begin: Codes, end_of_run: int) -> list[int]:
    """Where each slice of time that holds anything begins among operations in the order of their beginnings,
    and at last their number."""
    length = max(end_of_run, 1)
    last = int(begin[-1]) * BUCKETS // length if len(begin) else -1
    first_ns = [-(-number * length // BUCKETS) for number in range(1, last + 1)]
    return sorted({0, *np.searchsorted(begin, np.array(first_ns, dtype=np.int64)).tolist(), len(begin)})


@dataclass(frozen=True)
class Totals:
    """What the axes and panels of a chart need to know of all completed operations."""

    by_f: Codes
    """The number of operations of each kind, by its code."""
    ok_by_f: Codes
    shortest: int
    """The shortest latency in nanoseconds."""
    shortest_above_0: int | None
    longest: int

    @property
    def operations(self) -> int:
        """The number of all of them."""
        return int(self.by_f.sum())

    @property
    def range(self) -> Codes:
        """The latencies between which all others are; of those above 0, if there are such."""
        return np.array([self.shortest_above_0 or 0, self.longest], dtype=np.int64)

    @classmethod
    def of(cls, parts: CompletedOperations) -> Totals | None:
        """The totals of all; None if there is no operation."""
        kinds = len(parts.spans.columns.f_names)
        by_f, ok_by_f = np.zeros(kinds, dtype=np.int64), np.zeros(kinds, dtype=np.int64)
        ranges: list[tuple[int, int]] = []
        above_0: list[int] = []
        for part in parts:
            by_f += np.bincount(part.f, minlength=kinds)
            ok_by_f += np.bincount(part.f[part.type == OK], minlength=kinds)
            ranges.append((int(part.latency.min()), int(part.latency.max())))
            if ranges[-1][1] > 0:
                above_0.append(int(part.latency[part.latency > 0].min()))
        if not ranges:
            return None
        shortest, longest = min(low for low, _ in ranges), max(high for _, high in ranges)
        return cls(by_f, ok_by_f, shortest, min(above_0, default=None), longest)


def extremes(begin: Codes, latency: Codes, end_of_run: int) -> Codes:
    """Positions of the fastest and the slowest in each slice of time: the first of equally fast ones, and the
    last of equally slow ones."""
    found = []
    for low, high in pairwise(edges(begin, end_of_run)):
        own = latency[low:high]
        found += [low + int(np.argmin(own)), high - 1 - int(np.argmax(own[::-1]))]
    return np.unique(np.array(found, dtype=np.int64))
