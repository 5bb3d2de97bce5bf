"""Throughput over time: completions per second, with ok, info and fail on top of one another."""

from __future__ import annotations

import numpy as np

from checkers.words import count, plural
from history.history import FAIL, INFO, OK
from history.units import SECOND_NS
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.spans import AT_ONCE, PENDING, Mask, Spans
from reports.svg import Floats, LinearScale, element, figure, line, number, text

HEIGHT = 150
MAX_SLICES = 600


def rates(spans: Spans, end_of_run: int) -> tuple[int, dict[int, Floats]]:
    """The seconds in a slice of time, and for each type of completion its rate per second in each slice.

    The last slice is divided by its length within the run, so that the rate does not seem to drop.
    """
    slice_s = max(1, -(-end_of_run // (MAX_SLICES * SECOND_NS)))
    width = slice_s * SECOND_NS
    slices = max(1, -(-end_of_run // width))
    lengths = np.full(slices, float(slice_s))
    lengths[-1] = max((end_of_run - (slices - 1) * width) / SECOND_NS, 0.1)
    done = _work(spans)
    found = {code: np.zeros(slices) for code in (OK, INFO, FAIL)}
    for low in range(0, len(done), AT_ONCE):
        part = slice(low, low + AT_ONCE)
        for code, ended in found.items():
            at = np.minimum(spans.end[part][done[part] & (spans.type[part] == code)] // width, slices - 1)
            ended += np.bincount(at, minlength=slices)
    return slice_s, {code: ended / lengths for code, ended in found.items()}


READ_BACK = "final-"
"""What the names of operations begin with by which the harness reads back what is left at the end."""


def _work(spans: Spans) -> Mask:
    """The completed operations of clients, without those by which the harness reads back."""
    names = spans.columns.f_names
    read_back = [code for code, name in enumerate(names) if name.startswith(READ_BACK)]
    work: Mask = spans.client & (spans.type != PENDING) & ~spans.of_kinds(read_back)
    return work


def throughput_plot(spans: Spans, frame: Frame) -> Plot | None:
    """The chart; None where no client operation completed."""
    if not bool(_work(spans).any()):
        return None
    slice_s, by_type = rates(spans, frame.end)
    low = 4 + frame.strip_height + 8
    high = low + HEIGHT
    highest = float(sum(by_type.values()).max())  # type: ignore[union-attr]  # a sum of three arrays is no int
    scale = LinearScale(0, max(highest * 1.05, 1), high, low)
    parts = [frame.strip(4), frame.shading(low, high), frame.time_axis(high, low)]
    for tick in scale.ticks(5):
        parts.append(line(LEFT, scale(tick), RIGHT, scale(tick), "grid"))
        parts.append(text(LEFT - 8, scale(tick) + 3.5, f"{tick:,.0f}", "tick", "end"))
    edges = np.minimum(np.arange(len(by_type[OK]) + 1) * slice_s * SECOND_NS, frame.end)
    xs = frame.x.array(edges)
    below = np.zeros(len(by_type[OK]))
    for code, name in ((OK, "ok"), (INFO, "info"), (FAIL, "fail")):
        above = below + by_type[code]
        if by_type[code].any():
            parts.append(
                element(
                    "path", d=_steps(xs, scale.array(below), scale.array(above)), class_=f"area area-{name}"
                )
            )
        below = above
    per = "second" if slice_s == 1 else f"second, averaged over {slice_s} s"
    return Plot(
        svg=figure(
            parts,
            width=WIDTH,
            height=high + 24,
            id_="plot-throughput",
            title="Throughput over time",
            description=f"Completions per {per}: ok, info and fail on top of one another, "
            f"at most {count(round(highest))} per second.",
            class_="plot",
        ),
        notes=(f"Completions per {per}.", *_read_back_note(spans), *frame.notes),
        legend=(("swatch area-ok", "ok"), ("swatch area-info", "info"), ("swatch area-fail", "fail")),
    )


def _read_back_note(spans: Spans) -> tuple[str, ...]:
    """A sentence about the operations that are left out, if there are such."""
    left_out = int((spans.client & (spans.type != PENDING)).sum() - _work(spans).sum())
    if not left_out:
        return ()
    return (f"{plural(left_out, 'operation')} by which the harness read back at the end are left out.",)


def _steps(xs: Floats, below: Floats, above: Floats) -> str:
    """A closed outline: along the top of the steps to the right, back along their foot."""
    there = "".join(f"L{number(xs[i])} {number(above[i])}H{number(xs[i + 1])}" for i in range(len(above)))
    back = "".join(
        f"L{number(xs[i + 1])} {number(below[i])}H{number(xs[i])}" for i in reversed(range(len(below)))
    )
    return "M" + there[1:] + back + "Z"
