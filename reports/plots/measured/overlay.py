"""The latencies of two runs in one chart: a panel for each kind of operation, A whole, B broken.

The axis to the right is the share of operations that were as quick or quicker, drawn so that each further
nine (90 %, 99 %, 99.9 %) has the same width: where runs differ, they mostly differ there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from history.units import MILLISECOND_NS
from reports.svg import element, figure, line, log_around, number, text
from reports.text import duration, shorten

WIDTH, LEFT, RIGHT = 760, 70, 740
PANEL, GAP, TOP = 110, 40, 18
MOST_PANELS = 12
NINES = 3.7
"""How many nines the axis has; the slowest operation stands at its end."""
TICKS = ((0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (1.0, "slowest"))

Curve = Sequence[float]
"""Milliseconds at each of the quantiles; empty where no operation ended ok."""


def latency_overlay(
    quantiles: Sequence[float], pairs: Sequence[tuple[str, Curve, Curve]], id_: str = "latencies"
) -> Markup | None:
    """The chart; None if neither run has a latency.

    Args:
        quantiles: from 0 to 1, ascending.
        pairs: by kind of operation, the latencies of A and of B.
    """
    drawn = [pair for pair in pairs if pair[1] or pair[2]][:MOST_PANELS]
    if not drawn:
        return None
    parts: list[Markup] = []
    low = float(TOP)
    for f, ours, theirs in drawn:
        high = low + PANEL
        values = np.array([value for curve in (ours, theirs) for value in curve]) * MILLISECOND_NS
        scale = log_around(values, high, low)
        parts.append(text(LEFT, low - 5, shorten(f, 60), "panel-title"))
        for tick in scale.ticks():
            parts.append(line(LEFT, scale(tick), RIGHT, scale(tick), "grid"))
            parts.append(text(LEFT - 6, scale(tick) + 4, duration(tick), "tick", "end"))
        for share, words in TICKS:
            parts.append(line(_x(share), low, _x(share), high, "grid"))
            parts.append(text(_x(share), high + 14, words, "tick", "middle" if share < 1 else "end"))
        for curve, class_ in ((ours, "curve-a"), (theirs, "curve-b")):
            points = [
                f"{number(_x(share))} {number(scale(ms * MILLISECOND_NS))}"
                for share, ms in zip(quantiles, curve, strict=False)
            ]
            if points:
                parts.append(element("path", d="M" + "L".join(points), class_=class_))
        low = high + GAP
    return figure(
        parts,
        width=WIDTH,
        height=low - GAP + 24,
        id_=id_,
        title="Latency of A and B by kind of operation",
        description="The whole line is A, the broken line is B, on a logarithmic scale of time.",
        class_="overlay",
    )


def _x(share: float) -> float:
    """The place of a share of the operations: evenly by its number of nines."""
    nines = NINES if share >= 1 else min(-math.log10(1 - share), NINES)
    return LEFT + nines / NINES * (RIGHT - LEFT)
