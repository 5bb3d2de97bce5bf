"""How far each node was over time, from its trace: term, commit index, applied index, replication lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from history import NodeTrace, Recording
from reports.plots.lines import SLICES, Line, LineChart, instants
from reports.roles import TraceMarks

State = tuple[int, int, int]
"""Term, commit index and applied index."""


def progress_charts(recording: Recording, marks: TraceMarks, end: int) -> list[LineChart]:
    """The charts; none without traces whose clocks can be compared with the run's."""
    start = marks.start_ns
    if not recording.traces or start is None:
        return []
    states = {node: _states(trace, start, end) for node, trace in recording.traces.items()}
    if not any(any(values) for values in states.values()):
        return []
    times = instants(end)
    commits = _leading(states)
    lags = {
        node: [
            None if one is None else max(most - one[2], 0) for one, most in zip(values, commits, strict=True)
        ]
        for node, values in states.items()
    }
    commit_and_applied: list[Line] = []
    for place, (node, values) in enumerate(states.items()):
        commit_and_applied += [
            Line(f"{node} commit", [_part(one, 1) for one in values], place),
            Line(f"{node} applied", [_part(one, 2) for one in values], place, is_thin=True),
        ]
    terms = [
        Line(node, [_part(one, 0) for one in values], place)
        for place, (node, values) in enumerate(states.items())
    ]
    behind = [Line(node, values, place) for place, (node, values) in enumerate(lags.items())]
    charts = (
        LineChart("terms", "Term of each node", times, tuple(terms)),
        LineChart("commits", "Commit index and applied index of each node", times, tuple(commit_and_applied)),
        LineChart(
            "replication", "Entries that each node had not applied, of those committed", times, tuple(behind)
        ),
    )
    return list(charts)


def _part(state: State | None, place: int) -> float | None:
    return None if state is None else float(state[place])


def _states(trace: NodeTrace, start_ns: int, end: int) -> list[State | None]:
    """The state of a node at the end of each slice of time; None while it is not up."""
    width = max(end // SLICES, 1)
    found: list[State | None] = [None] * SLICES
    known: State | None = None
    reached = 0
    for event in trace.events:
        place = min(max((event.at - start_ns) // width, 0), SLICES - 1)
        while reached < place:
            found[reached] = known
            reached += 1
        known = None if event.event == "stop" else (event.term, event.commit, event.applied)
    for number in range(reached, SLICES):
        found[number] = known
    return found


def _leading(states: Mapping[str, Sequence[State | None]]) -> list[int]:
    """The highest commit index of any node in each slice, which never falls."""
    most, found = 0, []
    for number in range(SLICES):
        known = [values[number] for values in states.values()]
        most = max([most, *(one[1] for one in known if one is not None)])
        found.append(most)
    return found
