"""When the harness itself did not run: the judges of time hold none of that against the system.

A harness that was stopped (SIGSTOP, a paused machine) or short of processor time sends no request, sees no
reply and heals no fault. What lasted too long by its clock may then be its own doing. So only a time in which
the harness ran without a stall shows that something took longer than a bound (`Stalls.ran_longer_than`).
Where that is not shown, and a bound was exceeded all the same, the verdict is `unknown`.

The harness samples how late its own event loop wakes (`Recording.harness_lag`). A sample that is later than
the run's `lag_bound_ms` is a stall, and so is a time without samples. A run that recorded no sample, as it
was killed, is not known to have run at all. Simulated runs have no stalls, as their time is virtual; of a
history that another tool recorded, nothing is known, and its clock is believed.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from checkers.linearizability.answer import NEVER
from checkers.words import seconds
from history import Recording
from history.units import MILLISECOND_NS, SECOND_NS

DEFAULT_LAG_BOUND_MS = 100
LONGEST_GAP_NS = SECOND_NS
"""A time without samples that is longer than this is a stall; they come every 50 ms."""


@dataclass(frozen=True)
class Stalls:
    """The times in which the harness did not run, or is not known to have run."""

    intervals: tuple[tuple[int, int], ...] = ()
    """Pairs of (begin, end) in nanoseconds since the run began, ascending, apart from each other."""

    @classmethod
    def of(cls, recording: Recording) -> Stalls:
        """Read them from the samples of the harness's lag."""
        samples = sorted(recording.harness_lag)
        if not samples:
            return cls(((0, NEVER),) if ran_on_a_real_clock(recording) else ())
        bound = recording.options.get("lag_bound_ms", DEFAULT_LAG_BOUND_MS)
        bound_ms = bound if isinstance(bound, int | float) else DEFAULT_LAG_BOUND_MS
        bound_ns = int(bound_ms * MILLISECOND_NS)
        first = samples[0][0] - max(samples[0][1], 0)
        found = [(0, first)] if first > LONGEST_GAP_NS else []
        reached = first
        for at, lag in samples:
            due = at - max(lag, 0)
            if due - reached > LONGEST_GAP_NS:
                found.append((reached, due))
            if at - due > bound_ns:
                found.append((max(due, reached), at))
            reached = max(reached, at)
        found.append((reached + LONGEST_GAP_NS, NEVER))
        return cls(_merged(found))

    def within(self, begin: int, end: int) -> int:
        """How long, in nanoseconds, the harness did not run between two times."""
        return sum(min(until, end) - max(since, begin) for since, until in self._in(begin, end))

    def ran_longer_than(self, bound_ns: int, begin: int, end: int) -> bool:
        """Whether the harness ran for longer than this, without a stall, somewhere between two times."""
        marks = [begin, *(mark for stall in self._in(begin, end) for mark in stall), end]
        return any(later - earlier > bound_ns for earlier, later in list(pairwise(marks))[::2])

    def in_words(self, begin: int, end: int) -> str:
        """The end of a sentence about the time between two times, why it proves nothing."""
        return f"the harness itself did not run, or is not known to have run, for {self._share(begin, end)}"

    def _share(self, begin: int, end: int) -> str:
        return f"{seconds(self.within(begin, end))} of these {seconds(end - begin)}"

    def _in(self, begin: int, end: int) -> tuple[tuple[int, int], ...]:
        """The stalls that overlap the time from `begin` to `end`."""
        first = bisect_right(self.intervals, begin, key=lambda stall: stall[1])
        last = first
        while last < len(self.intervals) and self.intervals[last][0] < end:
            last += 1
        return self.intervals[first:last]


def ran_on_a_real_clock(recording: Recording) -> bool:
    """Whether a harness of ours recorded this against real processes; a simulated run begins at 0."""
    start = recording.options.get("monotonic_start_ns", 0)
    return isinstance(start, int) and start > 0


def _merged(intervals: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for since, until in sorted(intervals):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return tuple(found)
