"""How late the harness's own event loop woke, and the bound above which timings mean little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checkers.words import count
from history.units import MILLISECOND_NS
from reports.counts.figures import Lag
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.plots.lines import Line, LineChart, instants, sampled
from reports.svg import element, figure, line, log_around, number, text
from reports.text import duration, seconds

HEIGHT = 110


def lag_plot(samples: Sequence[tuple[int, int]], lag: Lag, frame: Frame) -> Plot:
    """The worst lag in each unit of width, on a logarithmic scale, with the bound as a line."""
    times = np.array([time for time, _ in samples], dtype=np.int64)
    late = np.maximum(np.array([value for _, value in samples], dtype=np.int64), 1)
    columns = RIGHT - LEFT
    column = np.clip(times * columns // max(frame.end, 1), 0, columns - 1)
    worst = np.zeros(columns)
    np.maximum.at(worst, column, late)
    used = np.flatnonzero(worst)

    low = 4 + frame.strip_height + 8
    high = low + HEIGHT
    # From 100 µs: below that, lag is noise and would stretch the scale.
    scale = log_around(np.maximum(np.append(worst[used], lag.bound_ns * 1.5), 100_000), high, low)
    parts = [frame.strip(4), frame.shading(low, high)]
    for tick in scale.ticks():
        parts.append(line(LEFT, scale(tick), RIGHT, scale(tick), "grid"))
        parts.append(text(LEFT - 8, scale(tick) + 3.5, duration(tick), "tick", "end"))
    for class_, mask in (("lag", worst[used] <= lag.bound_ns), ("lag lag-over", worst[used] > lag.bound_ns)):
        d = "".join(
            f"M{number(LEFT + x + 0.5)} {number(high)}V{number(y)}"
            for x, y in zip(used[mask].tolist(), scale.array(worst[used][mask]).tolist(), strict=True)
        )
        if d:
            parts.append(element("path", d=d, class_=class_))
    bound_y = scale(lag.bound_ns)
    parts.append(line(LEFT, bound_y, RIGHT, bound_y, "bound"))
    parts.append(text(RIGHT - 4, bound_y - 5, f"bound {duration(lag.bound_ns)}", "bound-label", "end"))
    parts.append(frame.time_axis(high, low))
    return Plot(
        svg=figure(
            parts,
            width=WIDTH,
            height=high + 24,
            id_="plot-lag",
            title="Lag of the harness's event loop over time",
            description=f"{count(lag.samples)} samples, at most {duration(lag.worst_ns)} at "
            f"{seconds(lag.worst_at)}; {count(lag.over)} above the bound of {duration(lag.bound_ns)}.",
            class_="plot",
        ),
        notes=frame.notes,
    )


def lag_charts(samples: Sequence[tuple[int, int]], end: int) -> list[LineChart]:
    """The same for a reader who zooms: the worst lag of each slice of time in milliseconds."""
    if not samples:
        return []
    points = [(at, late / MILLISECOND_NS) for at, late in samples]
    lines = (Line("lag, ms", sampled(points, end, worst=True), 0),)
    return [LineChart("lag", "Lag of the harness", instants(end), lines)]
