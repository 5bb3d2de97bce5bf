"""Draws a scene: faults on top, below them the clients' operations, below these a lane for each node.

From left to right is time, in the exact order of events, with pauses drawn short and marked. A step that the
evidence names has a cross instead of a dot, and the last of them a line through the whole picture: nothing
is shown by colour alone. The picture has one width, and a height that fits a screen.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from checkers.words import plural
from reports.plots.frame import Plot, place_faults, shading, strip, strip_height
from reports.plots.labels import Box, Room, width_of
from reports.plots.picture.axis import CondensedTime
from reports.plots.picture.moments import Message, Moment
from reports.plots.picture.scene import Scene
from reports.plots.timeline import describe, label
from reports.roles import Segment
from reports.spans import Span
from reports.svg import element, figure, join, lane_name, line, number, rect, text
from reports.text import duration, seconds, shorten

WIDTH = 880
LEFT = 62
RIGHT = WIDTH - 16
EDGE = WIDTH - 3
"""No label goes beyond this: one that would ends here, however wide it is."""
ROW = 22
BAR = 16
MOST_ROWS = 8
"""The largest number of rows in which operations have labels; those that fit in none have rows below."""
LANE = 46
RIBBON = 13
LABEL, TERM, TICK, TITLE_TYPE = 10.5, 10.5, 11.0, 11.5
"""Sizes of type; the style sheet has them, too."""
TIER = 12.5
"""From a base line of words below a lane to the next."""
MARK = 5.0
"""Half of the width and height that a mark of a moment takes."""
RING = 6.5
"""The radius of the circle round the number of a line of the story."""
TITLE = 18
LABEL_CHARACTERS = 34
NARROWEST = 0.7
"""A change of role that is narrower than this is not drawn."""


def picture(scene: Scene, id_: str) -> Plot:
    """The picture; `id_` is unique in the page."""
    return _Drawing(scene).plot(id_)


@dataclass(frozen=True)
class _Placed:
    """An operation in its row, from x `left` to `right`."""

    span: Span
    row: int
    left: float
    right: float
    label_at: float | None
    """The x of its label; None where there is no room for it."""
    is_label_left: bool
    """Whether the label ends there instead of beginning."""


class _Drawing:
    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._x = CondensedTime(scene.times, LEFT + 12, RIGHT - 70)
        self._bars = place_faults(scene.periods, self._clipped)
        self._clients_top = TITLE + strip_height(self._bars) + 4
        self._placed = self._rows()
        rows = max((one.row for one in self._placed), default=-1) + 1
        self._nodes_top = self._clients_top + ROW * rows + (10 if rows else 0)
        self._bottom = self._nodes_top + LANE * len(scene.nodes)
        self._room = Room()
        for moment in scene.moments:
            self._room.take(Box.around(self._x(moment.at), self._lane_y(moment.node), MARK))
        self._terms = join(map(self._lane, scene.nodes))
        self._numbers = self._numbers_of_lines()

    def _clipped(self, time: float) -> float:
        """The place of a time that may lie outside of what is drawn."""
        if time > self._x.times[-1]:
            return RIGHT
        return LEFT if time < self._x.times[0] else self._x(time)

    def plot(self, id_: str) -> Plot:
        scene, top = self._scene, self._clients_top
        parts = [
            strip(self._bars, TITLE + 2, RIGHT),
            shading(self._bars, top, self._bottom),
            self._axis(top),
            self._impossible(),
            self._terms,
            join(self._message(one) for one in scene.messages),
            join(self._link(one) for one in self._placed if one.span.index in scene.named),
            join(self._bar(one) for one in sorted(self._placed, key=self._is_named)),
            self._moments(),
        ]
        drawn = figure(
            parts,
            width=WIDTH,
            height=self._bottom + 34,
            id_=id_,
            title=f"What led to it: {scene.subject.title}",
            description=self._description(),
            class_="scene",
        )
        return Plot(svg=drawn, notes=scene.notes)

    def _is_named(self, placed: _Placed) -> bool:
        return placed.span.index in self._scene.named

    def _description(self) -> str:
        """The picture in words, for readers who do not see it."""
        scene = self._scene
        words = [
            f"{seconds(scene.times[0])} to {seconds(scene.times[-1])}: "
            f"{plural(len(scene.operations), 'operation')} of clients, {plural(len(scene.nodes), 'node')}, "
            f"{plural(len(scene.moments), 'event')} of these and {plural(len(scene.messages), 'message')}."
        ]
        words += [f"{seconds(one.at)}: {one.node} {one.words}." for one in scene.moments]
        return " ".join(words)

    # ---- clients -----------------------------------------------------------------------------------------

    def _rows(self) -> list[_Placed]:
        """Each operation in the first row in which it and its label overlap no other, if there is one."""
        taken: list[list[tuple[float, float]]] = [[] for _ in range(MOST_ROWS)]
        placed: list[_Placed] = []
        named, subject = self._scene.named, self._scene.subject
        for span in sorted(self._scene.operations, key=lambda one: one.index not in named):
            left = self._x(span.begin)
            right = RIGHT if span.open_ended or span.end is None else max(self._x(span.end), left + 3)
            first = left - 2 * RING - 3 if span.index in subject.began else left
            last = right + 2 * RING + 3 if span.index in subject.ended else right
            width = width_of(self._label(span), LABEL, is_bold=span.index in named) + 10
            inner = left + 10 if span.end is None else self._x(span.end) if span.open_ended else right
            label_at = left + 5 if inner - left >= width else inner + 5 + last - right
            is_left = label_at + width > EDGE
            begin, end = (first - width, last) if is_left else (first, max(last, label_at + width))
            row = self._free_row(taken[:MOST_ROWS], begin, end)
            has_label = row is not None
            if row is None:
                begin, end = first, last
                row = self._free_row(taken, begin, end)
            if row is None:
                row = len(taken)
                taken.append([])
            taken[row].append((begin - 3, end + 3))
            anchor = first - 4 if is_left else label_at
            placed.append(_Placed(span, row, left, right, anchor if has_label else None, is_left))
        return placed

    def _free_row(self, taken: list[list[tuple[float, float]]], begin: float, end: float) -> int | None:
        """The first row in which nothing overlaps what reaches from `begin` to `end`."""
        free = (n for n, row in enumerate(taken) if all(end <= a or begin >= b for a, b in row))
        return next(free, None)

    def _label(self, span: Span) -> str:
        return f"{span.index} {label(span, LABEL_CHARACTERS)}"

    def _bar(self, placed: _Placed) -> Markup:
        span, y = placed.span, self._row_y(placed)
        classes = ["op", f"op-{span.outcome}", "op-named" if self._is_named(placed) else "op-near"]
        parts = [element("title", describe(span))]
        if span.open_ended:
            end = placed.left + 10 if span.end is None else self._x(span.end)
            tip = f"M{number(end)} {number(y)}H{RIGHT - 8}L{RIGHT} {number(y + BAR / 2)}"
            parts.append(
                element("path", d=f"{tip}L{RIGHT - 8} {number(y + BAR)}H{number(end)}", class_="open")
            )
            parts.append(rect(placed.left, y, max(end - placed.left, 3), BAR, "bar", rx=2))
        else:
            parts.append(rect(placed.left, y, placed.right - placed.left, BAR, "bar", rx=2))
        if placed.label_at is not None:
            anchor = "end" if placed.is_label_left else None
            words = self._label(span)
            parts.append(text(placed.label_at, y + BAR / 2 + 4, words, "op-label outlined", anchor))
        subject, middle = self._scene.subject, y + BAR / 2
        began = _line_number(subject.began.get(span.index), placed.left - RING - 2, middle)
        ended = _line_number(subject.ended.get(span.index), placed.right + RING + 2, middle)
        return join((element("g", join(parts), class_=" ".join(classes)), began, ended))

    def _row_y(self, placed: _Placed) -> float:
        return self._clients_top + ROW * placed.row + (ROW - BAR) / 2

    def _link(self, placed: _Placed) -> Markup:
        """From an operation to the node that took it, where that has a lane."""
        node = placed.span.node
        if node not in self._scene.nodes:
            return Markup("")
        y1, y2 = self._row_y(placed) + BAR, self._lane_y(node)
        parts = [line(placed.left, y1, placed.left, y2, "ask")]
        if placed.span.end is not None and placed.span.outcome == "ok":
            parts.append(line(placed.right, y1, placed.right, y2, "ask"))
        return join(parts)

    # ---- nodes -------------------------------------------------------------------------------------------

    def _lane_y(self, node: str) -> float:
        """The y of a node's marks."""
        return self._nodes_top + LANE * self._scene.nodes.index(node) + RIBBON / 2 + 2

    def _lane(self, node: str) -> Markup:
        """The name of a node, and its roles over time."""
        first, last = self._x.times[0], self._x.times[-1]
        y = self._lane_y(node) - RIBBON / 2
        parts = [lane_name(LEFT - 8, y + 10, shorten(node, 9))]
        drawn_to = 0.0
        for segment in self._scene.lanes.get(node, ()):
            right = self._clipped(segment.end)
            is_seen = right > drawn_to + NARROWEST
            if is_seen and segment.end >= first and segment.begin <= last:
                parts.append(self._segment(node, segment, y))
                drawn_to = right
        for pause in self._scene.pauses.get(node, ()):
            if pause.end >= first and pause.begin <= last:
                parts.append(self._segment(node, pause, y))
        return join(parts)

    def _segment(self, node: str, segment: Segment, y: float) -> Markup:
        left, right = self._clipped(segment.begin), self._clipped(segment.end)
        term = "" if segment.term is None else f" in term {segment.term}"
        title = f"{node}: {segment.state}{term}, {seconds(segment.begin)} to {seconds(segment.end)}"
        drawn = rect(left, y, right - left, RIBBON, f"role role-{segment.state}", title=title)
        words = segment.state if not segment.term else f"{segment.state} {segment.term}"
        if segment.state in ("paused", "up"):
            return drawn
        is_bold = segment.state == "leader"
        for fitting in filter(None, (words, str(segment.term or ""))):
            last = right - 3 - width_of(fitting, TERM, is_bold=is_bold)
            x = left + 4
            while x <= last and not self._room.place(Box.of_text(x, y + 10, fitting, TERM, is_bold=is_bold)):
                x += 3
            if x <= last:
                return join((drawn, text(x, y + 10, fitting, f"term term-{segment.state}")))
        return drawn

    def _numbers_of_lines(self) -> dict[int, float]:
        """By the number of a moment: where the number of the line about it is, near it and free of others."""
        found: dict[int, float] = {}
        for n, moment in enumerate(self._scene.moments):
            if moment.line is None:
                continue
            x, y = self._x(moment.at), self._number_y(moment.node)
            near = (x + side * step for step in range(0, 120, 2) for side in (1, -1))
            inside = (at for at in near if LEFT <= at <= EDGE - RING)
            place = next((at for at in inside if self._room.place(Box.around(at, y, RING))), None)
            if place is not None:
                found[n] = place
        return found

    def _number_y(self, node: str) -> float:
        return self._lane_y(node) - RIBBON / 2 - RING - 1.5

    def _moments(self) -> Markup:
        """A mark for each moment, and its words below where they overlap no others."""
        moments = self._scene.moments
        # Those that the evidence names are given their place first.
        order = sorted(range(len(moments)), key=lambda n: (not moments[n].is_wrong, -moments[n].weight, n))
        words_of = {n: self._words(moments[n]) for n in order}
        marks = (join((words_of[n], self._mark(one, self._numbers.get(n)))) for n, one in enumerate(moments))
        return join(marks)

    def _words(self, moment: Moment) -> Markup:
        x, y = self._x(moment.at), self._lane_y(moment.node)
        for words in (moment.words, shorten(moment.words, 24), shorten(moment.words.split(",")[0], 14)):
            width = width_of(words, LABEL, is_bold=moment.is_wrong)
            is_at_edge = x - 4 + width > EDGE
            at, anchor = (EDGE, "end") if is_at_edge else (max(x - 4, LEFT), None)
            for tier in (0, 1):
                base = y + RIBBON / 2 + 10.5 + TIER * tier
                box = Box.of_text(at, base, words, LABEL, anchor=anchor, is_bold=moment.is_wrong)
                if self._room.place(box._replace(left=box.left - 3, right=box.right + 3)):
                    class_ = "moment wrong outlined" if moment.is_wrong else "moment outlined"
                    return text(at, base, words, class_, anchor)
        return Markup("")

    def _mark(self, moment: Moment, number_at: float | None) -> Markup:
        x, y = self._x(moment.at), self._lane_y(moment.node)
        title = element("title", f"{seconds(moment.at)}\n{moment.node} {moment.words}")
        if moment.is_wrong:
            cross = f"M{number(x - 4.5)} {number(y - 4.5)}l9 9m0 -9l-9 9"
            shape = join(
                (element("circle", cx=x, cy=y, r=7, class_="ring"), element("path", d=cross, class_="cross"))
            )
        else:
            shape = element("circle", cx=x, cy=y, r=3.2, class_="dot")
        drawn = element("g", title, shape, class_="op mark-moment")
        if number_at is None:
            return drawn
        number_y = self._number_y(moment.node)
        lead = Markup("") if number_at == x else line(number_at, number_y, x, y, "line-lead")
        return join((lead, drawn, _line_number(moment.line, number_at, number_y)))

    def _message(self, message: Message) -> Markup:
        x1, y1 = self._x(message.sent_at), self._lane_y(message.sender)
        y2 = self._lane_y(message.receiver)
        title = f"{message.name} from {message.sender} to {message.receiver}, sent {seconds(message.sent_at)}"
        if message.received_at is None:
            x2, y2 = x1 + 9, y1 + (y2 - y1) * 0.42
            end = join(
                (line(x2 - 4, y2 - 4, x2 + 4, y2 + 4, "lost"), line(x2 - 4, y2 + 4, x2 + 4, y2 - 4, "lost"))
            )
            tail = element("title", f"{title}, never received")
            return element("g", tail, line(x1, y1, x2, y2, "lost dashed"), end, class_="op")
        x2 = self._x(message.received_at)
        tail = element("title", f"{title}, received {seconds(message.received_at)}")
        return element("g", tail, line(x1, y1, x2, y2, "message"), _head(x1, y1, x2, y2), class_="op")

    # ---- time --------------------------------------------------------------------------------------------

    def _impossible(self) -> Markup:
        x = self._x(self._scene.impossible_at)
        words = f"✕ {self._scene.subject.title}"
        for most in range(110, 20, -5):
            words = shorten(words, most)
            if width_of(words, TITLE_TYPE, is_bold=True) <= WIDTH - 8:
                break
        half = width_of(words, TITLE_TYPE, is_bold=True) / 2
        at, anchor = (x, "middle")
        if x - half < 0:
            at, anchor = (4, "start")
        elif x + half > WIDTH:
            at, anchor = (WIDTH - 4, "end")
        return join(
            (
                line(x, TITLE, x, self._bottom, "impossible"),
                text(at, 12, words, "impossible-words", anchor),
            )
        )

    def _axis(self, top: float) -> Markup:
        bottom = self._bottom
        parts = [line(LEFT, bottom, RIGHT, bottom, "axis")]
        free_from = 0.0
        for x, time in zip(self._x.places, self._x.times, strict=True):
            half = width_of(seconds(time), TICK) / 2
            if x - half >= free_from:
                parts.append(line(x, bottom, x, bottom + 4, "axis"))
                parts.append(text(x, bottom + 15, seconds(time), "tick", "middle"))
                free_from = x + half + 6
        free_from = 0.0
        for left, right, pause in self._x.pauses:
            middle = (left + right) / 2
            parts.append(_break(middle, top, bottom))
            words = f"{duration(pause)} later"
            half = width_of(words, TICK) / 2
            if middle - half >= free_from:
                parts.append(text(middle, bottom + 29, words, "tick pause-label", "middle"))
                free_from = middle + half + 6
        if self._placed:
            parts.append(lane_name(LEFT - 8, self._clients_top + 14, "clients"))
        return element("g", join(parts), aria_hidden="true")


def _line_number(number_of_line: int | None, x: float, y: float) -> Markup:
    """The number of a line of the story, in a circle; nothing where no line is about it."""
    if number_of_line is None:
        return Markup("")
    words = str(number_of_line)
    return join(
        (
            element("circle", cx=x, cy=y, r=RING, class_="line-ring"),
            text(x, y + 3.2, words, "line-number" if len(words) < 2 else "line-number two", "middle"),
        )
    )


def _break(x: float, top: float, bottom: float) -> Markup:
    """Two strokes across the axis: here time is drawn shorter than it was."""
    band = rect(x - 4, top, 8, bottom - top, "pause")
    strokes = join(line(x + dx - 3, bottom + 5, x + dx + 3, bottom - 5, "axis") for dx in (-2.5, 2.5))
    return join((band, strokes))


def _head(x1: float, y1: float, x2: float, y2: float) -> Markup:
    """The head of an arrow from one point to another."""
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 0.1)
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    tip = (x2 - ux * 3, y2 - uy * 3)
    points = [(tip[0] - 7 * ux + side * 3 * uy, tip[1] - 7 * uy - side * 3 * ux) for side in (-1, 1)]
    d = f"M{number(points[0][0])} {number(points[0][1])}L{number(tip[0])} {number(tip[1])}"
    return element("path", d=f"{d}L{number(points[1][0])} {number(points[1][1])}z", class_="head")
