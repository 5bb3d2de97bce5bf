"""A cycle of operations, each of which must come before the next: a box each, an arrow for each reason.

The arrow that closes the cycle leads back up at the side. All is drawn with attributes of the elements
themselves, so the picture works as a file of its own and in a page whose policy forbids inline styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from checkers.verdict import Arrow, Evidence
from history import History
from reports.svg import element, figure, number
from reports.text import shorten

WIDTH, LEFT, BOX, GAP, TOP = 860, 24, 46, 58, 14
BACK_X = WIDTH - 34
LINE_CHARACTERS = 112
INK, SOFT, BACK = "#1b1d21", "#5a5f68", "#a3201a"


def cycle(evidence: Evidence, history: History, id_: str = "cycle") -> Markup | None:
    """The picture of evidence with links, or None if it has none or these do not form one cycle."""
    links = evidence.links
    if len(links) < 2 or any(a.target != b.source for a, b in _round(links)):
        return None
    height = TOP + len(links) * BOX + (len(links) - 1) * GAP + 44
    parts = [_arrow_head(id_)]
    for place, link in enumerate(links):
        parts.append(_box(place, link.source, history))
        if place + 1 < len(links):
            y = TOP + place * (BOX + GAP) + BOX
            parts += [
                _arrow(f"M{LEFT + 30} {y}V{y + GAP - 3}", id_, SOFT),
                _words(LEFT + 46, y + GAP / 2 + 4, link, SOFT),
            ]
    bottom = TOP + (len(links) - 1) * (BOX + GAP) + BOX
    back = f"M{BACK_X - 40} {bottom - BOX / 2}H{BACK_X}V{TOP + BOX / 2}H{BACK_X - 37}"
    parts += [_arrow(back, id_, BACK), _words(LEFT, bottom + 26, links[-1], BACK)]
    return figure(
        parts,
        width=WIDTH,
        height=height,
        id_=id_,
        title=f"{evidence.title}: a cycle of {len(links)} operations",
        description=evidence.text,
        xmlns="http://www.w3.org/2000/svg",
        font_family="ui-sans-serif,system-ui,sans-serif",
        font_size="12",
    )


def _round(links: Sequence[Arrow]) -> list[tuple[Arrow, Arrow]]:
    return list(zip(links, (*links[1:], links[0]), strict=True))


def _box(place: int, operation: int, history: History) -> Markup:
    y = TOP + place * (BOX + GAP)
    invocation = history[operation]
    completion = history.completion(invocation)
    done = completion is not None and completion.type == "ok"
    value = completion.value if completion is not None and done else invocation.value
    outcome = "" if done else ", outcome not known"
    name = f"T{place + 1}: operation {operation}, process {invocation.process}{outcome}"
    words = shorten(_steps(value), LINE_CHARACTERS)
    frame = element(
        "rect",
        x=LEFT, y=y, width=BACK_X - 40 - LEFT, height=BOX, rx=5, fill="none", stroke=SOFT,
    )  # fmt: skip
    return Markup("").join(
        (
            frame,
            element("text", name, x=LEFT + 10, y=y + 18, fill=INK, font_weight="600"),
            element("text", words, x=LEFT + 10, y=y + 36, fill=INK),
        )
    )


def _steps(value: Any) -> str:
    """A transaction's steps: `r x [1 2], append y 3`."""
    if not isinstance(value, list) or not all(isinstance(step, list) and len(step) == 3 for step in value):
        return str(value)
    return ", ".join(f"{f} {key} {_shown(what)}" for f, key, what in value)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{'... ' if len(value) > 8 else ''}{' '.join(map(str, value[-8:]))}]"
    return "nothing" if value is None else str(value)


def _words(x: float, y: float, link: Arrow, colour: str) -> Markup:
    return element("text", shorten(f"{link.kind}: {link.text}", LINE_CHARACTERS), x=x, y=y, fill=colour)


def _arrow(path: str, id_: str, colour: str) -> Markup:
    return element(
        "path", d=path, fill="none", stroke=colour, stroke_width="1.4", marker_end=f"url(#{id_}-head)"
    )


def _arrow_head(id_: str) -> Markup:
    head = element("path", d=f"M0 0L{number(8)} 4L0 8z", fill=SOFT)
    marker = element(
        "marker", head, id=f"{id_}-head", markerWidth="8", markerHeight="8", refX="7", refY="4", orient="auto"
    )
    return element("defs", marker)
