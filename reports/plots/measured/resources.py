"""What the nodes' processes used over time: a panel a resource, a line a node, fault periods shaded.

The record holds totals of CPU time and bytes; the chart shows rates, the difference of two samples of one
life. A line breaks where a life ends, so a restart shows as a gap and not as a slope.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from checkers.words import count, plural
from history import ResourceSample
from history.units import SECOND_NS
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.plots.lines import Line, LineChart, instants, sampled
from reports.svg import LinearScale, element, figure, line, number, text
from reports.text import size

PANEL = 84
GAP = 26
MAX_SAMPLES = 600
"""How many samples of one node are drawn. Of more than these, an even choice and the last of each life."""
HUES = 8
"""The number of colours for nodes; with more nodes, colours repeat."""
MEGABYTE = 1_000_000

Samples = Sequence[ResourceSample]
Point = tuple[int, float]


@dataclass(frozen=True)
class Panel:
    """One resource: how the samples of one life become points, and what the axis says."""

    title: str
    points: Callable[[Samples], list[Point]]
    words: Callable[[float], str]
    at_least: float
    """The top of the scale where all values are lower."""
    unit: str = ""
    """What the values of a chart that zooms are counted in, if not in what the title says."""
    per_unit: float = 1


def _rate(total: Callable[[ResourceSample], int | None], per: float) -> Callable[[Samples], list[Point]]:
    """The increase of a total between samples, a second, in units of `per`; placed at the later one."""

    def points(samples: Samples) -> list[Point]:
        found = []
        for before, after in pairwise(samples):
            low, high, span = total(before), total(after), after.time - before.time
            if low is not None and high is not None and span > 0:
                found.append((after.time, max(high - low, 0) / per * SECOND_NS / span))
        return found

    return points


def _level(value: Callable[[ResourceSample], int | None]) -> Callable[[Samples], list[Point]]:
    """A value as it was when the sample was taken."""

    def points(samples: Samples) -> list[Point]:
        return [(sample.time, float(level)) for sample in samples if (level := value(sample)) is not None]

    return points


PANELS = (
    Panel("CPU, % of a core", _rate(lambda s: s.cpu_ns, SECOND_NS / 100), lambda v: f"{v:.0f} %", 10),
    Panel(
        "memory, resident",
        _level(lambda s: s.memory_bytes),
        lambda v: size(round(v)),
        MEGABYTE,
        "MB",
        MEGABYTE,
    ),
    Panel("open files", _level(lambda s: s.files), lambda v: count(round(v)), 10),
    Panel(
        "written to disk a second",
        _rate(lambda s: s.written_bytes, 1),
        lambda v: size(round(v)),
        1000,
        "kB",
        1000,
    ),
)


def resources_plot(resources: Mapping[str, Samples], frame: Frame) -> Plot | None:
    """The chart; None where nothing was sampled."""
    if not any(resources.values()):
        return None
    lives = {node: _thinned(samples) for node, samples in resources.items()}
    top = 4.0
    y_top = top + frame.strip_height
    parts = [frame.strip(top)]
    drawn = [panel for panel in PANELS if any(panel.points(life) for own in lives.values() for life in own)]
    for panel in drawn:
        lines = {node: [panel.points(life) for life in own] for node, own in lives.items()}
        highest = max((value for own in lines.values() for points in own for _, value in points), default=0)
        low, high = y_top + GAP, y_top + GAP + PANEL
        scale = LinearScale(0, max(highest * 1.08, panel.at_least), high, low)
        parts += [frame.shading(low, high), text(LEFT, low - 7, panel.title, "panel-title")]
        for tick in scale.ticks(3):
            parts.append(line(LEFT, scale(tick), RIGHT, scale(tick), "grid"))
            parts.append(text(LEFT - 8, scale(tick) + 3.5, panel.words(tick), "tick", "end"))
        parts.append(frame.time_axis(high, low, named=panel is drawn[-1]))
        for place, (node, own) in enumerate(lines.items()):
            d = "".join(_path(points, frame, scale) for points in own)
            if d:
                parts.append(
                    element("path", element("title", node), d=d, class_=f"resource n-{place % HUES}")
                )
        y_top = high
    return Plot(
        svg=figure(
            parts,
            width=WIDTH,
            height=y_top + 24,
            id_="plot-resources",
            title="What the nodes used over time",
            description=_most(resources),
            class_="plot",
        ),
        notes=(_most(resources), *frame.notes),
        legend=tuple((f"node-key n-{place % HUES}", node) for place, node in enumerate(lives)),
    )


def resource_charts(resources: Mapping[str, Samples], end: int) -> list[LineChart]:
    """The same, a chart for each resource, for a reader who zooms."""
    lives = {node: _thinned(samples) for node, samples in resources.items()}
    charts = []
    for panel in PANELS:
        points = {
            node: [(at, value / panel.per_unit) for life in own for at, value in panel.points(life)]
            for node, own in lives.items()
        }
        if any(points.values()):
            lines = [Line(node, sampled(own, end), place) for place, (node, own) in enumerate(points.items())]
            charts.append(
                LineChart(
                    "resources",
                    f"Resources: {panel.title}{', ' if panel.unit else ''}{panel.unit}",
                    instants(end),
                    tuple(lines),
                )
            )
    return charts


def _path(points: Sequence[Point], frame: Frame, scale: LinearScale) -> str:
    """A line through the points of one life; a life of a single point is a short dash."""
    if not points:
        return ""
    placed = [f"{number(frame.x(min(at, frame.end)))} {number(scale(value))}" for at, value in points]
    return "M" + "L".join(placed) + ("h2" if len(placed) == 1 else "")


def _thinned(samples: Samples) -> list[Samples]:
    """The samples by life, at most about `MAX_SAMPLES` of them; totals stay right, rates become means."""
    stride = -(-len(samples) // MAX_SAMPLES)
    found: list[Samples] = []
    for _, group in groupby(samples, key=lambda sample: sample.life):
        life = list(group)
        found.append([*life[:-1:stride], life[-1]])
    return found


def _most(resources: Mapping[str, Samples]) -> str:
    """How many samples there are, and the most memory that any process had."""
    samples = [sample for own in resources.values() for sample in own]
    most = max(samples, key=lambda sample: sample.memory_bytes)
    return f"{plural(len(samples), 'sample')}; at most {size(most.memory_bytes)} of memory ({most.node})."
