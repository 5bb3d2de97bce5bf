"""Latency over time: one panel for each f, a mark for each operation, quantile lines through the ok ones.

All marks of one outcome in one panel are a single path, so a point costs some twelve bytes. More than
`MAX_POINTS` operations are thinned: of each outcome, the slowest and the fastest of each of `BUCKETS` slices
of time stay, and of all others the same share, whatever their outcome, so that a run with few failures does
not look like one with many. They are an evenly spread choice by a hash of their place, so that no rhythm of
the load is mistaken for the whole. The caption counts what was left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from checkers.words import count, plural
from history.history import FAIL, INFO, OK, Codes
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.spans import OUTCOMES, PENDING, Mask, Spans
from reports.svg import Floats, LogScale, element, figure, join, line, log_around, number, text
from reports.text import duration

MAX_POINTS = 3_000
MAX_PANELS = 5
"""The largest number of panels; the last one also has all other kinds, and those with at most `FEW`."""
FEW = 40
SMALL_PANEL = 58
BUCKETS = 90
AT_ONCE = 1 << 20
"""Of very many operations, this many are looked at a time, so that this takes little memory."""
PANEL = 128
GAP = 26
QUANTILES = (50, 90, 99)


@dataclass(frozen=True)
class Thinned:
    """Which points to draw, and a sentence about what was left out (None: nothing was)."""

    kept: Mask
    note: str | None


def thin(begin: Codes, latency: Codes, type_: npt.NDArray[np.int8], end_of_run: int) -> Thinned:
    """Choose some `MAX_POINTS` of the points, and the extremes of each slice of time; see the module."""
    total = len(begin)
    kept = np.ones(total, dtype=bool)
    if total <= MAX_POINTS:
        return Thinned(kept, None)
    kept[:] = False
    for code in (OK, FAIL, INFO):
        own = np.flatnonzero(type_ == code)
        if len(own):
            kept[own[_extremes(begin[own], latency[own], end_of_run)]] = True
            kept[_spread(own, round(MAX_POINTS * len(own) / total))] = True
    drawn, failed = int(kept.sum()), int((kept & (type_ != OK)).sum())
    return Thinned(
        kept,
        f"Sampled: {count(drawn)} of {count(total)} operations are drawn, {count(failed)} of them fail or "
        "info: the same share of each outcome, and the slowest and the fastest of each in every slice of "
        "time. The lines of quantiles count all ok ones.",
    )


def _extremes(begin: Codes, latency: Codes, end_of_run: int) -> Codes:
    """Positions of the fastest and the slowest in each slice of time: the first of equally fast ones, and the
    last of equally slow ones."""
    found = []
    edges = _edges(begin, end_of_run)
    for low, high in pairwise(edges):
        own = latency[low:high]
        found += [low + int(np.argmin(own)), high - 1 - int(np.argmax(own[::-1]))]
    return np.unique(np.array(found, dtype=np.int64))


def _edges(begin: Codes, end_of_run: int) -> list[int]:
    """Where each slice of time that holds anything begins among operations in the order of their beginnings,
    and at last their number."""
    length = max(end_of_run, 1)
    last = int(begin[-1]) * BUCKETS // length if len(begin) else -1
    first_ns = [-(-number * length // BUCKETS) for number in range(1, last + 1)]
    return sorted({0, *np.searchsorted(begin, np.array(first_ns, dtype=np.int64)).tolist(), len(begin)})


def _spread(positions: Codes, wanted: int) -> Codes:
    """`wanted` of the positions, spread evenly by a multiplicative hash (Knuth, TAOCP 6.4)."""
    if len(positions) <= wanted:
        return positions
    best = positions[:0]
    for at in range(0, len(positions), AT_ONCE):
        some = np.concatenate([best, positions[at : at + AT_ONCE]])
        hashed = (some.astype(np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
        best = some[np.argsort(hashed, kind="stable")[:wanted]]
    return np.sort(best)


def quantiles(begin: Codes, latency: Codes, end_of_run: int, which: Mask) -> tuple[Codes, dict[int, Floats]]:
    """The slices of time (from 0) that hold anything, and each quantile's value there, in nanoseconds.

    Args:
        begin: when each operation began, in ascending order.
        which: which of them count; at least one.
    """
    import pandas as pd

    shares = np.array(QUANTILES) / 100
    edges = _edges(begin, end_of_run)
    parts, low = [], 0
    for high in edges[1:]:
        if high - low >= AT_ONCE or high == len(begin):
            own = which[low:high]
            if own.any():
                bucket = begin[low:high][own] * BUCKETS // max(end_of_run, 1)
                parts.append(pd.Series(latency[low:high][own]).groupby(bucket).quantile(shares).unstack())
            low = high
    found = pd.concat(parts)
    return found.index.to_numpy(), {
        q: found[share].to_numpy() for q, share in zip(QUANTILES, shares, strict=True)
    }


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
    done = spans.completed
    if not len(done):
        return None
    begin, latency, type_ = spans.of_completed
    thinned = thin(begin, latency, type_, frame.end)
    panels = _panels(spans, spans.f[done])

    top = 4.0
    y_top = top + frame.strip_height
    parts = [frame.strip(top)]
    for name, mask in panels:
        low = y_top + GAP
        high = low + (PANEL if mask.sum() > FEW else SMALL_PANEL)
        scale = log_around(latency, high, low)
        parts.append(frame.shading(low, high))
        parts.append(_axis(scale, name, low, every=2 if high - low < PANEL else 1))
        parts.append(frame.time_axis(high, low, named=name == panels[-1][0]))
        for code in (OK, INFO, FAIL):
            chosen = mask & thinned.kept & (type_ == code)
            xs = frame.x.array(begin[chosen])
            parts.append(_marks(xs, scale, latency[chosen], code))
        ok = mask & (type_ == OK)
        if ok.sum() >= BUCKETS // 3:
            used, values = quantiles(begin, latency, frame.end, ok)
            parts.extend(_quantile_path(used, scale.array(values[q]), q) for q in QUANTILES)
        y_top = high
    pending = int((spans.client & (spans.type == PENDING)).sum())
    notes = [thinned.note] if thinned.note else []
    if pending:
        notes.append(
            f"{plural(pending, 'operation')} had not ended when the record did, and cannot be drawn."
        )
    return Plot(
        svg=figure(
            parts,
            width=WIDTH,
            height=y_top + 24,
            id_="plot-latency",
            title="Latency of operations over time",
            description=f"{count(len(done))} completed operations on a logarithmic scale, from "
            f"{duration(int(latency.min()))} to {duration(int(latency.max()))}; fault periods are shaded.",
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


def _panels(spans: Spans, f: Codes) -> list[tuple[str, Mask]]:
    codes, sizes = np.unique(f, return_counts=True)
    ranked = codes[np.argsort(-sizes, kind="stable")].tolist()
    names = spans.columns.f_names
    many = [code for code, size in zip(codes.tolist(), sizes.tolist(), strict=True) if size > FEW]
    alone = [code for code in ranked if code in many][: MAX_PANELS - 1]
    together = [code for code in ranked if code not in alone]
    panels = [(names[code], f == code) for code in alone]
    if together:
        panels.append((", ".join(names[code] for code in together), np.isin(f, together)))
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
