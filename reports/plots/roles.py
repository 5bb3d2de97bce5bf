"""Roles and terms over time: a lane for each node."""

from __future__ import annotations

from markupsafe import Markup

from checkers.words import plural
from reports.plots.frame import LEFT, RIGHT, WIDTH, Frame, Plot
from reports.plots.labels import Box, Room
from reports.roles import RoleLanes, Segment, coarsened
from reports.svg import element, figure, join, lane_name, rect, text
from reports.text import seconds, shorten

LANE = 30
BAR = 20
TERM = 10.5
"""The size of type of a term."""
MAX_SEGMENTS = 300
"""The largest number of bars in a lane; a lane with more is drawn in columns of `COARSE` units of width."""
COARSE = 3


def roles_plot(lanes: RoleLanes, frame: Frame) -> Plot | None:
    """The chart; None where neither lives nor traces hold anything (`lanes.missing` has the reason)."""
    if not any(lanes.lanes.values()):
        return None
    top = 4 + frame.strip_height + 6
    bottom = top + LANE * len(lanes.lanes)
    parts = [_hatches(), frame.strip(4), frame.shading(top, bottom), frame.time_axis(bottom, top)]
    notes = list(lanes.missing)
    coarse: list[str] = []
    cross = frame.cross(bottom)
    seen: set[str] = set()
    for number, (node, segments) in enumerate(lanes.lanes.items()):
        y = top + number * LANE + (LANE - BAR) / 2
        parts.append(lane_name(LEFT - 8, y + BAR / 2 + 4, shorten(node, 9)))
        if len(segments) > MAX_SEGMENTS:
            coarse.append(node)
            segments = tuple(coarsened(segments, frame.end, (RIGHT - LEFT) // COARSE))
        parts.append(_lane(node, segments, frame, y, cross))
        parts.append(join(_bar(node, pause, frame, y) for pause in lanes.pauses.get(node, ())))
        visible = (*segments, *lanes.pauses.get(node, ()))
        seen.update(
            segment.state for segment in visible if frame.x(segment.end) - frame.x(segment.begin) >= 1
        )
    if coarse:
        notes.append(
            f"{', '.join(coarse)} changed too often to draw every change: each slice of "
            f"{seconds(frame.end * COARSE / (RIGHT - LEFT))} shows the highest role in it."
        )
    order = ("leader", "candidate", "follower", "up", "down", "paused")
    return Plot(
        svg=figure(
            parts,
            width=WIDTH,
            height=bottom + 24,
            id_="plot-roles",
            title="Roles and terms of each node over time",
            description=f"A lane for each of {plural(len(lanes.lanes), 'node')}: leader (with its term), "
            "candidate, follower, down and paused.",
            class_="plot roles",
        ),
        notes=(*notes, *frame.notes),
        legend=tuple(
            (f"swatch role-{state}", "up, role unknown" if state == "up" else state)
            for state in order
            if state in seen
        ),
    )


def _hatches() -> Markup:
    def hatch(id_: str, class_: str, d: str) -> Markup:
        return element(
            "pattern",
            element("path", d=d, class_=class_),
            id=id_,
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        )

    return element(
        "defs",
        hatch("hatch-down", "hatch-line-down", "M-1 1l2-2M0 6l6-6M5 7l2-2"),
        hatch("hatch-paused", "hatch-line-paused", "M2 0v6M5 0v6"),
    )


def _lane(
    node: str, segments: tuple[Segment, ...], frame: Frame, y: float, cross: Box | None = None
) -> Markup:
    """The bars of a node with their terms, none of which lies on the cross of the violation."""
    room = Room()
    if cross is not None:
        room.take(cross)
    parts = []
    term_named: int | None = None
    for segment in segments:
        parts.append(_bar(node, segment, frame, y))
        if not segment.term:  # in term 0 there was no election yet
            continue
        left, right = frame.x(segment.begin), frame.x(segment.end)
        # A follower's term is named once, where it is new; a leader's always.
        is_leader = segment.state == "leader"
        if not is_leader and segment.term == term_named:
            continue
        number = str(segment.term)
        places = [left + 4] if cross is None else [left + 4, cross.right + 2]
        labels = (f"term {number}", number) if is_leader else (number,)
        for label, x in ((label, x) for label in labels for x in places):
            box = Box.of_text(x, y + BAR / 2 + 3.6, label, TERM, is_bold=is_leader)
            if left < x and x + len(label) * 5.8 + 1 <= right and room.is_free(box):
                parts.append(text(x, y + BAR / 2 + 3.6, label, f"term term-{segment.state}"))
                term_named = segment.term
                break
    return join(parts)


def _bar(node: str, segment: Segment, frame: Frame, y: float) -> Markup:
    left, right = frame.x(segment.begin), frame.x(segment.end)
    term = "" if segment.term is None else f" in term {segment.term}"
    title = f"{node}: {segment.state}{term}, {seconds(segment.begin)} to {seconds(segment.end)}"
    return rect(left, y, right - left, BAR, f"role role-{segment.state}", title=title)
