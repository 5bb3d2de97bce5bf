"""Lines over time, one a node or a kind: as a static picture, and as data of a chart that zooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from history.units import SECOND_NS
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.svg import LinearScale, element, figure, line, number, text
from reports.text import clean

HEIGHT = 110
HUES = 8
"""The number of colours and of kinds of dashes; with more lines, they repeat."""


@dataclass(frozen=True)
class Line:
    """One line; a value is None where there is none, so that the line breaks."""

    name: str
    values: Sequence[float | None]
    style: int
    """The colour, as the place of the node among the nodes."""
    is_thin: bool = False


@dataclass(frozen=True)
class LineChart:
    """A chart of some lines over the same instants, each value valid until the next one."""

    id: str
    title: str
    times: Sequence[int]
    """Nanoseconds since the run began, evenly spaced from 0 on."""
    lines: tuple[Line, ...]

    def data(self) -> dict[str, Any]:
        """The chart as JSON: the time between two values in seconds, and values as `differences`."""
        return {
            "id": self.id,
            "title": clean(self.title),
            "step": self.times[1] / SECOND_NS if len(self.times) > 1 else 0,
            "lines": [
                {
                    "name": clean(one.name),
                    "v": differences(one.values),
                    "hue": one.style % HUES,
                    "thin": one.is_thin,
                }
                for one in self.lines
            ],
        }


def differences(values: Sequence[float | None]) -> list[int | None]:
    """Each value less the known one before it, in hundredths: half as long as the values are in a page."""
    found: list[int | None] = []
    known = 0
    for value in values:
        here = known if value is None else round(value * 100)
        found.append(None if value is None else here - known)
        known = here
    return found


SLICES = 240
"""The number of instants of a chart that is sampled."""
STALE_NS = 3 * SECOND_NS
"""A value that is older than this is not drawn on."""


def sampled(points: Sequence[tuple[int, float]], end: int, *, worst: bool = False) -> list[float | None]:
    """The last value in each slice of a run, or the highest; a slice without one has that before it."""
    width = max(end // SLICES, 1)
    found: list[float | None] = [None] * SLICES
    at: list[int] = [-STALE_NS] * SLICES
    for time, value in points:
        place = min(max(time // width, 0), SLICES - 1)
        held = found[place]
        found[place] = value if held is None or not worst else max(held, value)
        at[place] = time
    for place in range(1, SLICES):
        if found[place] is None and place * width - at[place - 1] <= STALE_NS:
            found[place], at[place] = found[place - 1], at[place - 1]
    return found


def instants(end: int) -> list[int]:
    """When each slice of a run begins."""
    return [end * number // SLICES for number in range(SLICES)]


def lines_plot(chart: LineChart, frame: Frame) -> Plot:
    """The static picture of a chart."""
    known = [value for one in chart.lines for value in one.values if value is not None]
    low, high = 4 + frame.strip_height + 8, 4 + frame.strip_height + 8 + HEIGHT
    scale = LinearScale(min(known, default=0), max(known, default=1) or 1, high, low)
    parts = [frame.strip(4), frame.shading(low, high), frame.time_axis(high, low)]
    for tick in scale.ticks(4):
        parts.append(line(LEFT, scale(tick), RIGHT, scale(tick), "grid"))
        parts.append(text(LEFT - 8, scale(tick) + 3.5, f"{tick:,.10g}", "tick", "end"))
    for one in chart.lines:
        class_ = f"resource n-{one.style % HUES}" + (" thin" if one.is_thin else "")
        parts.append(
            element(
                "path", element("title", one.name), d=_steps(one, chart.times, frame, scale), class_=class_
            )
        )
    return Plot(
        svg=figure(
            parts,
            width=WIDTH,
            height=high + 24,
            id_=f"plot-{chart.id}",
            title=chart.title,
            description=f"From {min(known, default=0):,.10g} to {max(known, default=0):,.10g}.",
            class_="plot",
        ),
        notes=frame.notes,
        legend=tuple((f"node-key n-{one.style % HUES}", one.name) for one in chart.lines if not one.is_thin),
    )


def _steps(one: Line, times: Sequence[int], frame: Frame, scale: LinearScale) -> str:
    """A path of steps that breaks where a value is missing; what stays the same costs nothing."""
    parts: list[str] = []
    before: float | None = None
    for time, value in zip(times, one.values, strict=True):
        if value is None:
            if before is not None:
                parts.append(f"H{number(frame.x(time))}")
        elif before is None:
            parts.append(f"M{number(frame.x(time))} {number(scale(value))}")
        elif value != before:
            parts.append(f"H{number(frame.x(time))}V{number(scale(value))}")
        before = value
    if before is not None:
        parts.append(f"H{RIGHT}")
    return "".join(parts)
