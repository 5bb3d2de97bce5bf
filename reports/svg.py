"""Drawing without a library: escaped SVG elements, scales, ticks and paths.

A chart made here is text of a few kilobytes that every browser draws crisply, that follows the
page's colours by CSS classes (light, dark, print) and that loads nothing. All text and
every attribute passes `element`, which escapes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from reports.text import clean

Floats = npt.NDArray[np.float64]
Attribute = str | int | float | None
WIDE = 6.6
"""Estimated width of a character of a name of lanes; text cannot be measured here."""


def number(value: float) -> str:
    """A coordinate to a tenth of a unit, without needless digits."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def element(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """One element. `class_`, `stroke_width` become `class`, `stroke-width`; None is left out.

    Children that are not `Markup` are text, and escaped.
    """
    parts = []
    for key, value in attributes.items():
        if value is None:
            continue
        text = clean(value) if isinstance(value, str) else number(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text)}"')
    inner = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    # Safe: names come from our own source, values and texts were escaped just above.
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>")  # noqa: S704 - escaped, or our own


def join(parts: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("").join(parts)


def text(x: float, y: float, content: str, class_: str = "", anchor: str | None = None) -> Markup:
    """A line of text with its base line at y; `anchor` is `middle` or `end`."""
    return element("text", content, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def lane_name(x: float, y: float, content: str) -> Markup:
    """A name that ends at x, and begins at 4 or later: a long one is squeezed, so that nothing is cut."""
    room = x - 4
    squeezed: dict[str, Attribute] = {}
    if len(content) * WIDE > room:
        squeezed = {"textLength": room, "lengthAdjust": "spacingAndGlyphs"}
    return element("text", content, x=x, y=y, class_="lane-name", text_anchor="end", **squeezed)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line from one point to another."""
    return element("path", d=f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}", class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, **attributes: Attribute) -> Markup:
    """A rectangle; `title` as an attribute becomes its tooltip."""
    title = attributes.pop("title", None)
    children = () if title is None else (element("title", str(title)),)
    return element(
        "rect", *children, x=x, y=y, width=max(width, 0.5), height=height, class_=class_, **attributes
    )


def figure(
    parts: Iterable[Markup],
    *,
    width: float,
    height: float,
    id_: str,
    title: str,
    description: str,
    **more: Attribute,
) -> Markup:
    """A whole chart with the words for a screen reader; `id_` must be unique in the page."""
    return element(
        "svg",
        element("title", title, id=f"{id_}-title"),
        element("desc", description, id=f"{id_}-desc"),
        join(parts),
        id=id_,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{id_}-title {id_}-desc",
        **more,
    )


@dataclass(frozen=True)
class LinearScale:
    """Maps [low, high] to [start, stop] proportionally."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) * (self.stop - self.start) / (self.high - self.low or 1.0)

    def array(self, values: npt.NDArray[np.generic]) -> Floats:
        """All values of an array mapped at once."""
        scaled = (
            (values.astype(np.float64) - self.low) * (self.stop - self.start) / (self.high - self.low or 1.0)
        )
        return self.start + scaled

    def ticks(self, wanted: int) -> list[float]:
        """About `wanted` round values (1, 2 or 5 times a power of ten) within [low, high]."""
        span = self.high - self.low
        if span <= 0:
            return [self.low]
        raw = span / max(wanted, 1)
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


@dataclass(frozen=True)
class LogScale:
    """Maps [low, high], both above 0, to [start, stop] by logarithm; smaller values sit at low."""

    low: float
    high: float
    start: float
    stop: float

    def array(self, values: npt.NDArray[np.generic]) -> Floats:
        """All values of an array mapped at once."""
        logs = np.log10(np.maximum(values.astype(np.float64), self.low))
        low, high = math.log10(self.low), math.log10(self.high)
        return self.start + (logs - low) * (self.stop - self.start) / (high - low or 1.0)

    def __call__(self, value: float) -> float:
        return float(self.array(np.array([value]))[0])

    def ticks(self) -> list[float]:
        """The powers of ten within [low, high]."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        return [10.0**power for power in range(first, last + 1)]


def log_around(values: npt.NDArray[np.generic], start: float, stop: float) -> LogScale:
    """A log scale over whole decades that holds all values (a decade around 1 if there is none above 0)."""
    numbers = values.astype(np.float64)
    positive = numbers[numbers > 0]
    low, high = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 10.0)
    bottom, top = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return LogScale(10.0**bottom, 10.0 ** max(top, bottom + 1), start, stop)
