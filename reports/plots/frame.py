"""What the charts over time share: margins, the time axis, shaded and named fault periods.

Every such chart has the same left and right edge, so charts under one another can be read as one.
A fault is drawn twice: as a bar with a label on top, and as a band in the colour of its kind below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from checkers.words import count
from history.units import SECOND_NS
from reports.faults import FaultPeriod
from reports.plots.labels import Box, Room, width_of
from reports.svg import LinearScale, element, join, line, rect, text
from reports.text import seconds

WIDTH = 980
LEFT = 66
RIGHT = 968
STRIP_LANE = 15
MAX_LANES = 4
MAX_PERIODS = 400
LABEL, NAME_Y = 10.5, 9.8
"""The size of type of a fault's name, and its base line in its lane of the strip."""
CROSS, CROSS_X, CROSS_Y = "✕", 3, 4
"""What marks the violation, and where: right of its line, above the end of the plot."""
TICK = 11.0
"""The size of type of the times below a chart."""


@dataclass(frozen=True)
class Plot:
    """A finished chart and the sentences of its caption."""

    svg: Markup
    notes: tuple[str, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    """(CSS class of the mark, what it means)."""


@dataclass(frozen=True)
class FaultBar:
    """A fault period placed in a chart: from x `left` to `right`, in a lane of the strip."""

    period: FaultPeriod
    left: float
    right: float
    lane: int


def place_faults(periods: Sequence[FaultPeriod], x: Callable[[float], float]) -> tuple[FaultBar, ...]:
    """Give each period a lane in which it overlaps none before it, while there are lanes left."""
    free_from = [-1.0] * MAX_LANES
    bars = []
    for period in periods:
        lane = next((i for i, free in enumerate(free_from) if free <= period.begin), MAX_LANES - 1)
        free_from[lane] = max(free_from[lane], period.end)
        bars.append(FaultBar(period, x(period.begin), x(period.end), lane))
    return tuple(bars)


def strip_height(bars: Sequence[FaultBar]) -> float:
    """The height of the strip of labels above a plot; 0 where there was no fault."""
    return (max(bar.lane for bar in bars) + 1) * STRIP_LANE + 5 if bars else 0


def strip(bars: Sequence[FaultBar], top: float, right: float = RIGHT) -> Markup:
    """The bars of the fault periods, each with its label in it or next to it, up to the `right` edge.

    A label that does not fit stands in the tooltip and the nemesis log.
    """
    parts = []
    next_in_lane: dict[int, float] = {}
    room: list[float] = []
    names = Room()
    for bar in reversed(bars):
        room.append(next_in_lane.get(bar.lane, right) - bar.right)
        next_in_lane[bar.lane] = bar.left
    for bar, room_after in zip(bars, reversed(room), strict=True):
        period, width = bar.period, bar.right - bar.left
        y = top + bar.lane * STRIP_LANE
        until = f"until {seconds(period.end)}" if period.healed else "until the end of the record"
        title = f"{period.label}: from {seconds(period.begin)} {until} (operation {period.operation})"
        parts.append(rect(bar.left, y, width, STRIP_LANE - 2, f"fault-bar h-{period.hue}", title=title))
        shorter = (period.label, period.label.partition(" (")[0], period.kind)
        within = ((bar.left + 4, words) for words in shorter if width_of(words, LABEL) + 6 <= width)
        after = ((bar.right + 3, words) for words in shorter if width_of(words, LABEL) + 6 <= room_after)
        for x, words in (*within, *after):
            # Bars of the last lane may lie on one another.
            if names.place(Box.of_text(x, y + NAME_Y, words, LABEL)):
                parts.append(text(x, y + NAME_Y, words, "fault-label"))
                break
    return element("g", join(parts), class_="faults") if parts else Markup("")


def shading(bars: Sequence[FaultBar], top: float, bottom: float) -> Markup:
    """The coloured bands behind a plot."""
    bands = join(
        rect(bar.left, top, bar.right - bar.left, bottom - top, f"fault-band h-{bar.period.hue}")
        for bar in bars
    )
    return element("g", bands, aria_hidden="true") if bands else bands


def _anchor(x: float, label: str) -> str:
    """How the time at x is placed: within the chart, and not below the numbers on its left."""
    if x > RIGHT - 14:
        return "end"
    return "start" if x - width_of(label, TICK) / 2 < LEFT - 8 else "middle"


@dataclass(frozen=True)
class Frame:
    """The time axis of a run of `end` nanoseconds, and its fault periods."""

    end: int
    periods: tuple[FaultPeriod, ...]
    violation: int | None = None
    """When the step was taken that must not happen, in nanoseconds since the run began."""

    @cached_property
    def x(self) -> LinearScale:
        """The scale from nanoseconds to the x of a chart."""
        return LinearScale(0, self.end, LEFT, RIGHT)

    @cached_property
    def bars(self) -> tuple[FaultBar, ...]:
        """The periods that are drawn, at most `MAX_PERIODS`."""
        return place_faults(self.periods[:MAX_PERIODS], self.x)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for the caption about periods that are not drawn."""
        if len(self.periods) <= MAX_PERIODS:
            return ()
        return (f"Only the first {MAX_PERIODS} of {count(len(self.periods))} fault periods are shaded.",)

    @property
    def strip_height(self) -> float:
        """The height of the strip of fault labels above a plot."""
        return strip_height(self.bars)

    def strip(self, top: float) -> Markup:
        """The labelled bars of the fault periods."""
        return strip(self.bars, top)

    def shading(self, top: float, bottom: float) -> Markup:
        """The coloured bands behind a plot, and the line where the violation is."""
        return join((shading(self.bars, top, bottom), self._cross(top, bottom)))

    def _cross(self, top: float, bottom: float) -> Markup:
        """The line and the cross where the violation is."""
        if self.violation is None:
            return Markup("")
        x = self.x(min(self.violation, self.end))
        words = element("title", f"the violation, at {seconds(self.violation)}")
        cross = text(x + CROSS_X, bottom - CROSS_Y, CROSS, "moment wrong")
        return element("g", words, line(x, top, x, bottom, "impossible"), cross)

    def cross(self, bottom: float) -> Box | None:
        """What the cross of the violation takes in a plot that ends at `bottom`."""
        if self.violation is None:
            return None
        x = self.x(min(self.violation, self.end)) + CROSS_X
        return Box.of_text(x, bottom - CROSS_Y, CROSS, LABEL, is_bold=True)

    def time_axis(self, y: float, grid_top: float, *, named: bool = True) -> Markup:
        """Grid lines up to `grid_top`, and the seconds since the run began if they are to be `named`."""
        scale = LinearScale(0, self.end / SECOND_NS, LEFT, RIGHT)
        parts = [line(LEFT, y, RIGHT, y, "axis")]
        ticks = scale.ticks(10)
        places = 0 if len(ticks) < 2 or ticks[1] - ticks[0] >= 1 else 3
        for number, tick in enumerate(ticks):
            x = scale(tick)
            label = f"{tick:,.{places}f}" + (" s" if number == len(ticks) - 1 else "")
            parts.append(line(x, grid_top, x, y, "grid"))
            if named:
                parts.append(text(x, y + 15, label, "tick", _anchor(x, label)))
        return element("g", join(parts), aria_hidden="true")
