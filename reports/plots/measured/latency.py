"""Latency over time: one panel for each f, a mark for each operation, quantile lines through the ok ones.

All marks of one outcome in one panel are a single path, so a point costs some twelve bytes. More than
`MAX_POINTS` operations are thinned: of each outcome, the slowest and the fastest of each of `BUCKETS` slices
of time stay, and of all others the same share, whatever their outcome, so that a run with few failures does
not look like one with many. They are an evenly spread choice by a hash of their place, so that no rhythm of
the load is mistaken for the whole. The caption counts what was left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from checkers.words import count, plural
from history.history import FAIL, INFO, OK, Codes
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.plots.measured.completed import (
    BUCKETS,
    Completed,
    CompletedOperations,
    Totals,
    edges,
    extremes,
)
from reports.spans import OUTCOMES, PENDING, Spans
from reports.svg import Floats, LogScale, element, figure, join, line, log_around, number, text
from reports.text import duration

MAX_POINTS = 3_000
MAX_PANELS = 5
"""The largest number of panels; the last one also has all other kinds, and those with at most `FEW`."""
FEW = 40
SMALL_PANEL = 58
PANEL = 128
GAP = 26
QUANTILES = (50, 90, 99)
SHARES = np.array(QUANTILES) / 100


@dataclass(frozen=True)
class Thinned:
    """Which points to draw, and a sentence about what was left out (None: nothing was)."""

    chosen: Completed
    total: int
    """The number of points from which they were chosen."""
    note: str | None


def thin(parts: Iterable[Completed], end_of_run: int) -> Thinned:
    """Choose some `MAX_POINTS` of the points, and the extremes of each slice of time; see the module.

    Args:
        parts: at least one; each slice of time is within one part. They are gone through twice.
    """
    total = 0
    extreme: list[Codes] = []
    spread = {code: np.zeros(0, dtype=np.int64) for code in (OK, FAIL, INFO)}
    sizes = dict.fromkeys(spread, 0)
    for part in parts:
        for code in spread:
            own = np.flatnonzero(part.type == code)
            if len(own):
                extreme.append(total + own[extremes(part.begin[own], part.latency[own], end_of_run)])
                spread[code] = _spread(np.concatenate([spread[code], total + own]))
                sizes[code] += len(own)
        total += len(part)
    if total <= MAX_POINTS:
        return Thinned(Completed.joined([*parts]), total, None)
    chosen = np.unique(
        np.concatenate(
            [*extreme, *(some[: round(MAX_POINTS * sizes[code] / total)] for code, some in spread.items())]
        )
    )
    points = _those_at(chosen, parts)
    return Thinned(
        points,
        total,
        f"Sampled: {count(len(points))} of {count(total)} operations are drawn, "
        f"{count(int((points.type != OK).sum()))} of them fail or "
        "info: the same share of each outcome, and the slowest and the fastest of each in every slice of "
        "time. The lines of quantiles count all ok ones.",
    )


def _spread(positions: Codes) -> Codes:
    """Up to `MAX_POINTS` of the positions, of which the first few are spread evenly, however few: in the
    order of a multiplicative hash (Knuth, TAOCP 6.4)."""
    hashed = (positions.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
    return positions[np.argsort(hashed, kind="stable")[:MAX_POINTS]]


def _those_at(positions: Codes, parts: Iterable[Completed]) -> Completed:
    """The operations at these positions among those of all parts; the positions ascend."""
    found, first = [], 0
    for part in parts:
        low, high = np.searchsorted(positions, [first, first + len(part)])
        found.append(part.only(positions[low:high] - first))
        first += len(part)
    return Completed.joined(found)


def quantiles(
    parts: Iterable[Completed], end_of_run: int, kinds: Collection[int] | None = None
) -> tuple[Codes, dict[int, Floats]]:
    """The slices of time (from 0) in which an operation ended ok, and each quantile's value there, in
    nanoseconds.

    Args:
        parts: each slice of time is within one part.
        kinds: codes of the kinds of operations that count; None: all.
    """
    used, values = [], []
    for part in parts:
        ok = part.type == OK
        own = part.only(ok if kinds is None else ok & np.isin(part.f, [*kinds]))
        for low, high in pairwise(edges(own.begin, end_of_run)):
            used.append(int(own.begin[low]) * BUCKETS // max(end_of_run, 1))
            values.append(np.quantile(own.latency[low:high], SHARES, overwrite_input=True))
    by_quantile = np.array(values, dtype=np.float64).reshape(-1, len(QUANTILES)).T
    return np.array(used, dtype=np.int64), dict(zip(QUANTILES, by_quantile, strict=True))


def _quantile_path(used: Codes, ys: Floats, quantile: int) -> Markup:
    """A line through the middles of neighbouring slices; where a slice is empty it breaks."""
    step = (RIGHT - LEFT) / BUCKETS
    d = []
    before = None
    for slice_, y in zip(used.tolist(), ys.tolist(), strict=True):
        x = LEFT + (slice_ + 0.5) * step
        d.append(
            f"L{number(x)} {number(y)}"
            if before == slice_ - 1
            else f"M{number(x - step / 2)} {number(y)}H{number(x)}"
        )
        before = slice_
    return element("path", d="".join(d), class_=f"quantile q{quantile}")


def latency_plot(spans: Spans, frame: Frame) -> Plot | None:
    """The chart; None where no client operation completed."""
    parts = CompletedOperations(spans, frame.end)
    totals = Totals.of(parts)
    if totals is None:
        return None
    thinned = thin(parts, frame.end)
    points = thinned.chosen
    panels = _panels(spans, totals)

    top = 4.0
    y_top = top + frame.strip_height
    drawn = [frame.strip(top)]
    for name, kinds in panels:
        low = y_top + GAP
        high = low + (PANEL if totals.by_f[kinds].sum() > FEW else SMALL_PANEL)
        scale = log_around(totals.range, high, low)
        drawn.append(frame.shading(low, high))
        drawn.append(_axis(scale, name, low, every=2 if high - low < PANEL else 1))
        drawn.append(frame.time_axis(high, low, named=name == panels[-1][0]))
        of_panel = points.only(np.isin(points.f, kinds))
        for code in (OK, INFO, FAIL):
            own = of_panel.only(of_panel.type == code)
            drawn.append(_marks(frame.x.array(own.begin), scale, own.latency, code))
        if totals.ok_by_f[kinds].sum() >= BUCKETS // 3:
            used, values = quantiles(parts, frame.end, kinds)
            drawn.extend(_quantile_path(used, scale.array(values[q]), q) for q in QUANTILES)
        y_top = high
    pending = int((spans.client & (spans.type == PENDING)).sum())
    notes = [thinned.note] if thinned.note else []
    if pending:
        notes.append(
            f"{plural(pending, 'operation')} had not ended when the record did, and cannot be drawn."
        )
    return Plot(
        svg=figure(
            drawn,
            width=WIDTH,
            height=y_top + 24,
            id_="plot-latency",
            title="Latency of operations over time",
            description=f"{count(totals.operations)} completed operations on a logarithmic scale, from "
            f"{duration(totals.shortest)} to {duration(totals.longest)}; fault periods are shaded.",
            class_="plot",
        ),
        notes=(*notes, *frame.notes),
        legend=(
            ("mark-ok", "ok"),
            ("mark-fail", "fail"),
            ("mark-info", "info"),
            *((f"quantile-key q{q}", f"p{q} of ok") for q in QUANTILES),
        ),
    )


def _panels(spans: Spans, totals: Totals) -> list[tuple[str, list[int]]]:
    """The name of each panel, and the codes of its kinds of operations."""
    sizes = totals.by_f
    ranked = [code for code in np.argsort(-sizes, kind="stable").tolist() if sizes[code]]
    names = spans.columns.f_names
    alone = [code for code in ranked if sizes[code] > FEW][: MAX_PANELS - 1]
    together = [code for code in ranked if code not in alone]
    panels = [(names[code], [code]) for code in alone]
    if together:
        panels.append((", ".join(names[code] for code in together), together))
    return panels


def _axis(scale: LogScale, name: str, top: float, *, every: int) -> Markup:
    parts = [text(LEFT, top - 7, name, "panel-title")]
    ticks = scale.ticks()
    every = every if len(ticks) <= 6 else every * 2
    for tick in ticks:
        y = scale(tick)
        parts.append(line(LEFT, y, RIGHT, y, "grid"))
    parts.extend(text(LEFT - 8, scale(tick) + 3.5, duration(tick), "tick", "end") for tick in ticks[::every])
    return join(parts)


def _marks(xs: Floats, scale: LogScale, latency: Codes, code: int) -> Markup:
    """One path of all marks: ok a dot, fail a cross, info a triangle; each begins with `M` at its centre."""
    if not len(xs):
        return Markup("")
    shape = {OK: "h0", FAIL: "m-2.6-2.6l5.2 5.2m0-5.2l-5.2 5.2", INFO: "m0-3l3 5.4h-6z"}[code]
    ys = scale.array(latency).tolist()
    d = "".join(f"M{number(x)} {number(y)}{shape}" for x, y in zip(xs.tolist(), ys, strict=True))
    outcome = OUTCOMES[code]
    return element(
        "path",
        d=d,
        class_=f"mark mark-{outcome}",
    )
