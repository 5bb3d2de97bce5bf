"""The timeline around a violation: a row for each process, a bar for each operation until its completion.

The order of invocations and completions, which is what a violation rests on, is drawn exactly; the
distances are not to scale. Each event takes the next place to the right, a little further the longer
the pause before it (by its logarithm), and far enough that an operation's label fits its bar. So two
operations a microsecond and two a minute apart are both readable in one picture; true times stand below.
A client's `info` stays open to the right, since it may take effect at any later time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from history.units import MILLISECOND_NS
from reports.excerpt import Excerpt
from reports.faults import FaultPeriod
from reports.plots.frame import Plot, place_faults, shading, strip, strip_height
from reports.plots.labels import width_of
from reports.spans import READS, Span
from reports.svg import element, figure, join, lane_name, line, number, rect, text
from reports.text import duration, seconds, short, shorten

ROW = 30
BAR = 21
GUTTER = 96
LABEL, TICK = 11.5, 11.0
"""Sizes of type; the style sheet has them, too."""
PAD = 14
TAIL = 46
"""The length of an open-ended bar after the last event."""
MIN_WIDTH = 860
PAGE_WIDTH = 900
"""The width that a page has for the picture, next to the names of its rows."""
PAUSE_WIDTH = 68.0
PAUSE_NS = 200 * MILLISECOND_NS
"""The length of a pause is written out from this length on."""

TAKES = frozenset({"dequeue"})
"""Operations that may find nothing, and do not only read."""


def label(span: Span, length: int = 24) -> str:
    """`register r17`, `lookup → r17`: kind, argument, and the result where it differs."""
    part = max(length * 2 // 3, 24)
    words = [span.f]
    if span.argument is not None:
        aim = span.argument.get("target") if span.is_nemesis and isinstance(span.argument, dict) else None
        words.append(short(span.argument if aim is None else aim, part))
    if span.outcome == "ok" and not span.is_nemesis:
        if span.result in (None, {}, []) and (span.f in READS or span.f in TAKES):
            words.append("→ nothing")
        elif span.result is not None and not _is_same(span.result, span.argument):
            words.append(f"→ {short(span.result, part)}")
    return shorten(" ".join(words), length)


def _is_same(one: object, other: object) -> bool:
    """Whether two values are equal; true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _marked_label(span: Span, excerpt: Excerpt) -> str:
    return f"{span.index}  {label(span)}" if span.index in excerpt.named else label(span)


def _label_width(span: Span, excerpt: Excerpt) -> float:
    return width_of(_marked_label(span, excerpt), LABEL, is_bold=span.index in excerpt.named)


def timeline_plot(excerpt: Excerpt, periods: Sequence[FaultPeriod], id_: str, title: str) -> Plot:
    """The picture of an excerpt that shows at least one operation; `id_` is unique in the page."""
    spans = excerpt.spans
    at, right = _places(excerpt)
    times = _times(spans)
    known_times = np.array([time for time, _ in times], dtype=np.float64)
    known_places = np.array([at[event] for _, event in times])

    def x(time: float) -> float:
        """Between events proportionally; beyond the last one the right edge."""
        return right if time > known_times[-1] else float(np.interp(time, known_times, known_places))

    near = [p for p in periods if p.begin <= known_times[-1] and p.end >= known_times[0]]
    bars = place_faults(near, x)
    top = 4 + strip_height(bars)
    processes = sorted({span.process for span in spans})
    row_of = {process: number for number, process in enumerate(processes)}
    bottom = top + ROW * len(processes) + 4
    parts = [strip(bars, 4), shading(bars, top, bottom), _axis(times, at, top, bottom, right)]
    rows = join(
        line(0, top + ROW * (number + 1), right, top + ROW * (number + 1), "row-line")
        for number in row_of.values()
    )
    parts.append(element("g", rows, aria_hidden="true"))
    # The named last, so that their outline lies over their neighbours'.
    for span in sorted(spans, key=lambda s: s.index in excerpt.named):
        parts.append(_bar(span, excerpt, at, top + ROW * row_of[span.process] + (ROW - BAR) / 2 + 1, right))
    height = bottom + 34
    names = [
        lane_name(GUTTER - 10, top + ROW * row_of[p] + ROW / 2 + 5, "nemesis" if p < 0 else f"process {p}")
        for p in processes
    ]
    # Apart from the picture, so that the names stay in sight when that is scrolled.
    gutter = element(
        "svg",
        join(names),
        class_="gutter",
        width=GUTTER,
        height=height,
        viewBox=f"0 0 {GUTTER} {number(height)}",
        aria_hidden="true",
    )
    drawn = figure(
        parts,
        width=right,
        height=height,
        id_=id_,
        title=title,
        description=f"Operations from {seconds(known_times[0])} to {seconds(known_times[-1])}, "
        "a row for each process; the table below lists them.",
        class_="timeline",
    )
    scroll = ("Scroll the picture to the right to see all of it.",) if right > PAGE_WIDTH else ()
    return Plot(svg=join([gutter, drawn]), notes=(*excerpt.notes, *scroll))


def _times(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """(time, index in the history) of every invocation and completion, in the history's order."""
    events = [(span.begin, span.index) for span in spans]
    events += [
        (span.end, span.completion) for span in spans if span.end is not None and span.completion is not None
    ]
    return sorted(events, key=lambda event: event[1])


def _places(excerpt: Excerpt) -> tuple[dict[int, float], float]:
    """x of every event by its index in the history (see the module), and the right edge."""
    spans = excerpt.spans
    ended = {span.completion: span for span in spans if span.completion is not None}
    events = _times(spans)
    at: dict[int, float] = {}
    spare = width = 0.0
    for _ in range(2):  # the second pass spreads what is narrower than the page over its width
        before: tuple[int, float] | None = None
        for time, index in events:
            place = float(PAD) if before is None else before[1] + _gap(time - before[0]) + spare
            closes = ended.get(index)
            if closes is not None:
                place = max(place, at[closes.index] + _label_width(closes, excerpt) + 12)
            at[index] = place
            before = (time, place)
        open_labels = [
            at[span.index] + _label_width(span, excerpt) + PAD for span in spans if span.completion is None
        ]
        width = max([max(at.values()) + TAIL, *open_labels])
        if width >= MIN_WIDTH or len(events) < 2:
            break
        spare = (MIN_WIDTH - width) / (len(events) - 1)
    return at, width


def _gap(pause_ns: int) -> float:
    written = PAUSE_WIDTH if pause_ns >= PAUSE_NS else 0.0
    return max(9 + 6 * math.log10(1 + pause_ns / 100_000), written)


def _axis(
    times: Sequence[tuple[int, int]], at: dict[int, float], top: float, bottom: float, right: float
) -> Markup:
    """True times under the events while there is room, and how long the long pauses are."""
    parts = [line(0, bottom, right, bottom, "axis")]
    free_from = 0.0
    for time, index in times:
        x = at[index]
        parts.append(line(x, top, x, bottom, "grid faint"))
        if x >= free_from:
            parts.append(line(x, bottom, x, bottom + 4, "axis"))
            parts.append(text(x, bottom + 16, seconds(time), "tick", "middle" if x > 30 else "start"))
            free_from = x + 74
    free_from = 0.0
    for (time, index), (next_time, next_index) in pairwise(times):
        if next_time - time < PAUSE_NS:
            continue
        middle = (at[index] + at[next_index]) / 2
        parts.append(rect(middle - 3, top, 6, bottom - top, "pause"))
        pause = f"… {duration(next_time - time)} …"
        half = width_of(pause, TICK) / 2
        if middle - half >= free_from:
            parts.append(text(middle, bottom + 29, pause, "tick pause-label", "middle"))
            free_from = middle + half + 4
    return element("g", join(parts), aria_hidden="true")


def _bar(span: Span, excerpt: Excerpt, at: dict[int, float], y: float, right: float) -> Markup:
    left = at[span.index]
    end = at[span.completion] if span.completion is not None else right
    classes = ["op", f"op-{span.outcome}"]
    if span.is_nemesis:
        classes.append("op-nemesis")
    elif span.index in excerpt.named:
        classes.append("op-named")
    elif span.key not in excerpt.keys:
        classes.append("op-other")
    parts = [element("title", describe(span))]
    if span.open_ended:
        tip = f"M{number(end)} {number(y + 1)}H{number(right - 8)}L{number(right)} {number(y + BAR / 2)}"
        parts.append(
            element("path", d=f"{tip}L{number(right - 8)} {number(y + BAR - 1)}H{number(end)}", class_="open")
        )
    parts.append(rect(left, y, end - left, BAR, "bar", rx=3))
    parts.append(text(left + 6, y + BAR / 2 + 4, _marked_label(span, excerpt), "op-label"))
    return element("g", join(parts), class_=" ".join(classes))


def describe(span: Span) -> str:
    """All that is known about an operation, a few lines for a tooltip."""
    process = "nemesis" if span.is_nemesis else f"process {span.process}"
    ended = (
        "never completed"
        if span.end is None
        else f"{seconds(span.end)}, after {duration(span.end - span.begin)}"
    )
    lines = [
        f"operation {span.index}: {label(span, 120)}",
        f"{span.outcome} · {process}",
        f"{seconds(span.begin)} → {ended}",
    ]
    for name, value in (
        ("key", span.key),
        ("node", span.node),
        ("Raft index", span.raft_index),
        ("error", span.error),
    ):
        if value is not None:
            lines.append(f"{name}: {shorten(str(value), 160)}")
    return "\n".join(lines)
