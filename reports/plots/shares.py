"""How often a violation followed, over the time of the run from which other runs branched off."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from history.units import SECOND_NS
from reports.svg import LinearScale, element, figure, line, number, text
from reports.text import seconds, shorten

WIDTH = 760
LEFT = 56
RIGHT = 740
TOP = 40
HEIGHT = 170
LINE = 17
MOST_CHARACTERS = 108
_STYLE = Markup(
    ".shares{font:12px ui-sans-serif,system-ui,sans-serif;background:#fff}.shares text{fill:#1b1d21}"
    ".shares .tick{fill:#5a5f68;font-size:11px}.shares .grid{stroke:#e3e5e8}"
    ".shares .curve{stroke:#2c5f8f;stroke-width:2;fill:none}.shares .point{fill:#2c5f8f}"
    ".shares .jump{stroke:#c0392b;stroke-width:1.5;stroke-dasharray:5 3}.shares text.mark{fill:#c0392b;"
    "font-weight:600}.shares .name{font-weight:600;font-size:13px}"
)


def share_curve(title: str, points: Sequence[tuple[int, float]], jumps: Sequence[tuple[int, str]]) -> Markup:
    """The curve, a whole SVG document.

    Args:
        title: what followed, in words.
        points: virtual nanoseconds, and the share of runs from there that showed the violation, 0 to 1.
        jumps: virtual nanoseconds, and what happened there; each gets a number.
    """
    times = [at for at, _ in points]
    x = LinearScale(min(times, default=0), max(times, default=1), LEFT, RIGHT)
    low = TOP + HEIGHT
    y = LinearScale(0, 1, low, TOP)
    parts = [element("style", _STYLE), text(LEFT, 18, shorten(title, MOST_CHARACTERS), "name")]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line(LEFT, y(share), RIGHT, y(share), "grid"))
        parts.append(text(LEFT - 8, y(share) + 4, f"{share:.0%}", "tick", "end"))
    for tick in LinearScale(x.low / SECOND_NS, x.high / SECOND_NS, LEFT, RIGHT).ticks(6):
        parts.append(text(x(tick * SECOND_NS), low + 16, f"{tick:g} s", "tick", "middle"))
    path = "M" + "L".join(f"{number(x(at))} {number(y(share))}" for at, share in points)
    for place, (at, _) in enumerate(jumps, start=1):
        parts.append(line(x(at), TOP, x(at), low, "jump"))
        parts.append(text(x(at) - 4, TOP - 5, str(place), "mark", "end"))
    parts.append(element("path", d=path, class_="curve"))
    parts.extend(element("circle", cx=x(at), cy=y(share), r=2.5, class_="point") for at, share in points)
    for place, (at, what) in enumerate(jumps, start=1):
        words = shorten(f"{place}  {seconds(at)}: {what}", MOST_CHARACTERS)
        parts.append(text(LEFT, low + 24 + place * LINE, words))
    where = "; ".join(f"at {seconds(at)}, {what}" for at, what in jumps) or "nowhere"
    return figure(
        parts,
        width=WIDTH,
        height=low + 36 + len(jumps) * LINE,
        id_="shares",
        title=title,
        description=f"The share of runs with the violation, by when chance went otherwise. It jumps {where}.",
        class_="shares",
        xmlns="http://www.w3.org/2000/svg",
    )
