"""Within what time a cluster has to work, counted in election time-outs; and the places of a trace."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from history import Recording, TraceEvent

BOUND_ELECTIONS = 12
"""Within how many election time-outs nodes that are well have a leader.

A broken node that leads, and hears no answer, goes on for two time-outs (`check_quorum`), and its followers
hear it for that long. Then they wait for two more at the most. What is left are three elections whose votes
split.
"""
QUIET_ELECTIONS = 8
"""For how many election time-outs a simulated cluster is watched, in which nothing happens any more."""
FEWEST_ASKED = 3
"""This number of operations must have been asked for before their silence means something."""


def lines_of(recording: Recording, node: str) -> Sequence[TraceEvent]:
    """All lines of a node's trace; empty, if it has none."""
    trace = recording.traces.get(node)
    return () if trace is None else tuple(trace.events)


def line_at(lines: Sequence[TraceEvent], time: int) -> TraceEvent | None:
    """The last of these lines up to a time, in the order of time; None if there is none."""
    place = bisect_right(lines, time, key=lambda line: line.at)
    return lines[place - 1] if place else None
