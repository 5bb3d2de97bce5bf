"""A message sequence as Lamport drew them: a line for each node, time downwards, an arrow for each message.

For small runs, such as a shrunk schedule: every event has a row of its own, however long the time between.
A message is left out, and counted, if nothing followed from it, such as a heartbeat that changed nothing.
Rows are ordered by time, so the traces must share one clock, as a simulated world's do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from checkers.verdict import Evidence
from checkers.words import plural
from history import Operation, Recording, TraceEvent
from history.nemesis import NemesisAction, read_completion
from history.units import MILLISECOND_NS
from reports.spans import READS
from reports.svg import element, figure, join, line, text
from reports.text import shorten

LANE = 215
LEFT = 70
CLIENT_LANE = 265
"""The clients' labels stand to the left of their line, the nodes' labels to the right."""
TOP = 46
ROW = 23
MOST_ROWS = 300
LABEL_CHARACTERS = 31
CLIENT_CHARACTERS = 42
CLIENTS = "clients"

STATE_EVENTS = frozenset(
    ("restart", "term", "vote", "role", "append", "truncate", "commit", "acknowledge", "snapshot", "stop")
)
_STYLE = Markup(
    ".seq{font:12px ui-sans-serif,system-ui,sans-serif;background:#fff}"
    ".seq text{fill:#1b1d21;paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}"
    ".seq .time{fill:#767b83;font-size:10px}.seq .name{font-weight:600}"
    ".seq .life{stroke:#c9ccd1;stroke-width:1.5}.seq .message{stroke:#2c5f8f;stroke-width:1.2;fill:none}"
    ".seq .lost{stroke:#c0392b;stroke-width:1.2;stroke-dasharray:4 3;fill:none}"
    ".seq .client{stroke:#17693f;stroke-width:1.2;fill:none}.seq .fault{stroke:#c0392b;stroke-width:1}"
    ".seq .event{fill:#1b1d21}.seq .wrong{fill:#c0392b}.seq text.wrong{fill:#c0392b;font-weight:600}"
    ".seq text.broken{fill:#c0392b;font-weight:600}.seq .what{font-size:10px;fill:#5a5f68}"
)


@dataclass
class _Row:
    """One instant on one lane."""

    at: int
    lane: str
    labels: list[str] = field(default_factory=list)
    is_wrong: bool = False
    is_fault: bool = False


@dataclass(frozen=True)
class _Arrow:
    """A message from one row to another; it never arrived if `end` is None."""

    begin: int
    end: int | None
    to: str
    label: str
    class_: str
    is_back: bool = False
    """Its head is where it begins: a reply, seen from the client that takes it."""


def sequence(recording: Recording, evidence: Sequence[Evidence] = ()) -> Markup:
    """The drawing, a whole SVG document; events and operations that `evidence` names are red."""
    return _Drawing(recording, evidence).svg()


class _Drawing:
    def __init__(self, recording: Recording, evidence: Sequence[Evidence]) -> None:
        self._lanes = (CLIENTS, *recording.nodes)
        self._wrong = {(ref.node, ref.life, ref.seq): True for found in evidence for ref in found.events}
        self._wrong_operations = {index: True for found in evidence for index in found.operations}
        self._rows: list[_Row] = []
        self._places: dict[tuple[int, str], int] = {}
        self._arrows: list[_Arrow] = []
        self._idle = 0
        self._add_messages_and_events(recording)
        self._add_operations(recording.history)
        self._sort()

    # ---- what is drawn -----------------------------------------------------------------------------------

    def _add_messages_and_events(self, recording: Recording) -> None:
        sent: dict[str, tuple[TraceEvent, int]] = {}
        wanted = _messages_that_mattered(recording)
        for node, trace in recording.traces.items():
            for event in trace.events:
                if event.event in STATE_EVENTS:
                    self._mark(node, event)
                elif event.event == "send" and event.message_id in wanted:
                    sent[str(event.message_id)] = (event, self._row(event.at, node))
                elif event.event == "send":
                    self._idle += 1
        for node, trace in recording.traces.items():
            for event in trace.events:
                if event.event == "receive" and event.message_id in sent:
                    send, begin = sent[str(event.message_id)]
                    end = self._row(event.at, node)
                    self._arrows.append(_Arrow(begin, end, node, str(send.message), "message"))
        arrived = {arrow.begin: True for arrow in self._arrows}
        for send, begin in sent.values():
            if begin not in arrived:
                self._arrows.append(_Arrow(begin, None, str(send.peer), str(send.message), "lost"))

    def _mark(self, node: str, event: TraceEvent) -> None:
        row = self._rows[self._row(event.at, node)]
        row.labels.append(_in_words(event))
        row.is_wrong = row.is_wrong or (event.node, event.life, event.seq) in self._wrong

    def _add_operations(self, operations: Iterable[Operation]) -> None:
        pending: dict[int, int] = {}
        struck = 0
        for operation in operations:
            lane = CLIENTS if operation.is_client else ""
            is_wrong = operation.index in self._wrong_operations
            if not operation.is_client:
                # What came of it is known at its end; what followed from it, from its beginning on.
                if operation.type == "invoke":
                    struck = operation.time
                else:
                    self._rows.append(_Row(struck, lane, [_fault(operation)], is_fault=True))
                continue
            row = self._row(operation.time, lane)
            self._rows[row].is_wrong = self._rows[row].is_wrong or is_wrong
            if operation.type == "invoke":
                self._rows[row].labels.append(_request(operation))
                pending[operation.process] = row
                self._arrows.append(_Arrow(row, None, str(operation.node), "", "client"))
            else:
                begin = pending.pop(operation.process, None)
                answer = f"{operation.type} {operation.error or _shown(operation)}"
                self._rows[row].labels.append(answer)
                if begin is not None and operation.type == "ok":
                    self._arrows.append(_Arrow(row, None, str(operation.node), "", "client", is_back=True))

    def _row(self, at: int, lane: str) -> int:
        """The row of that instant on that lane."""
        number = self._places.setdefault((at, lane), len(self._rows))
        if number == len(self._rows):
            self._rows.append(_Row(at, lane))
        return number

    def _sort(self) -> None:
        order = sorted(
            range(len(self._rows)),
            key=lambda number: (self._rows[number].at, not self._rows[number].is_fault, number),
        )
        place = {number: rank for rank, number in enumerate(order)}
        self._rows = [self._rows[number] for number in order]
        self._arrows = [
            _Arrow(
                place[arrow.begin],
                None if arrow.end is None else place[arrow.end],
                arrow.to,
                arrow.label,
                arrow.class_,
                arrow.is_back,
            )
            for arrow in self._arrows
        ]

    # ---- how it is drawn ---------------------------------------------------------------------------------

    def svg(self) -> Markup:
        first = max(0, len(self._rows) - MOST_ROWS)
        shown = len(self._rows) - first
        width, bottom = self._x(self._lanes[-1]) + LANE, TOP + ROW * (shown + 1)
        parts = [element("style", _STYLE), self._axes(bottom)]
        parts += [self._arrow(arrow, first) for arrow in self._arrows if arrow.begin >= first]
        parts += [
            self._drawn_row(row, number - first, width)
            for number, row in enumerate(self._rows)
            if number >= first
        ]
        parts.append(text(LEFT, bottom + 18, self._note(first), "what"))
        return figure(
            parts,
            width=width,
            height=bottom + 30,
            id_="sequence",
            title="Message sequence",
            description=f"{plural(len(self._lanes) - 1, 'node')}, time downwards, an arrow for each message.",
            class_="seq",
            xmlns="http://www.w3.org/2000/svg",
        )

    def _note(self, first: int) -> str:
        left_out = [f"{plural(self._idle, 'message')} from which nothing followed"]
        if first:
            left_out.append(f"the first {plural(first, 'row')}")
        return (
            f"Left out: {', '.join(left_out)}. Times are in ms, rows are not to scale. "
            "The numbers after appends, commits and acknowledges are log indices."
        )

    def _x(self, lane: str) -> float:
        return LEFT + CLIENT_LANE + LANE * self._lanes.index(lane)

    def _y(self, row: int) -> float:
        return TOP + ROW * (row + 0.5)

    def _axes(self, bottom: float) -> Markup:
        return join(
            join(
                (
                    text(self._x(lane), 24, lane, "name", "middle"),
                    line(self._x(lane), 32, self._x(lane), bottom, "life"),
                )
            )
            for lane in self._lanes
        )

    def _arrow(self, arrow: _Arrow, first: int) -> Markup:
        begin = self._rows[arrow.begin]
        x1, y1 = self._x(begin.lane), self._y(arrow.begin - first)
        x2 = self._x(arrow.to)
        y2 = y1 if arrow.end is None else self._y(arrow.end - first)
        if arrow.class_ == "lost":
            x2 = (x1 + x2) / 2
            return join(
                (line(x1, y1, x2, y1, "lost"), text(x2, y1 + 4, f"\u2715 {arrow.label} lost", "broken"))
            )
        if arrow.is_back:
            x1, x2 = x2, x1
        side = 7 if x2 > x1 else -7
        head = join(line(x2, y2, x2 - side, y2 + dy, arrow.class_) for dy in (-3.5, 3.5))
        label = text((x1 + x2) / 2, (y1 + y2) / 2 - 3, arrow.label, "what", "middle")
        return join((line(x1, y1, x2, y2, arrow.class_), head, label))

    def _drawn_row(self, row: _Row, number: int, width: float) -> Markup:
        y = self._y(number)
        time = text(LEFT - 14, y + 4, f"{row.at / MILLISECOND_NS:.1f}", "time", "end")
        words = "; ".join(row.labels)
        if row.is_fault:
            rule = line(self._x(CLIENTS), y, width - 20, y, "fault")
            return join((time, rule, text(self._x(CLIENTS) - 7, y + 4, words, "broken", "end")))
        x, kind = self._x(row.lane), "wrong" if row.is_wrong else "event"
        is_client = row.lane == CLIENTS
        label = element(
            "text",
            element("title", words),
            shorten(words, CLIENT_CHARACTERS if is_client else LABEL_CHARACTERS),
            x=x - 7 if is_client else x + 7,
            y=y + 4 if is_client else y - 3,
            text_anchor="end" if is_client else None,
            class_="wrong" if row.is_wrong else None,
        )
        return join((time, element("circle", cx=x, cy=y, r=2.6, class_=kind), label))


def _messages_that_mattered(recording: Recording) -> Mapping[str, bool]:
    """The messages that were lost, and those after which the receiver did something."""
    sent: dict[str, bool] = {}
    taken: dict[str, bool] = {}
    for trace in recording.traces.values():
        current: str | None = None
        for event in trace.events:
            if event.event == "receive":
                current = event.message_id
                taken.setdefault(str(current), False)
            elif event.event == "send":
                sent[str(event.message_id)] = event.message in ("AppendEntries", "AppendEntriesReply")
            elif event.event == "synced":
                current = None
            elif event.event in STATE_EVENTS and current is not None:
                taken[current] = True
    matter = {message: True for message, did in taken.items() if did}
    return matter | {
        message: True for message, is_routine in sent.items() if message not in taken and not is_routine
    }


def _in_words(event: TraceEvent) -> str:
    match event.event:
        case "restart":
            return f"life {event.life} begins in term {event.term}"
        case "term":
            return f"term {event.term}"
        case "vote":
            return f"votes for {event.vote}"
        case "role":
            return f"{event.role} of term {event.term}" if event.role == "leader" else event.role
        case "append":
            first, last = event.entries[0].index, event.entries[-1].index
            return f"appends {first}" if first == last else f"appends {first} to {last}"
        case "truncate":
            return f"truncates from {event.index}"
        case "commit":
            return f"commits {event.commit}"
        case "acknowledge":
            return f"acknowledges {event.index}"
    return event.event


def _request(operation: Operation) -> str:
    value = f" = {operation.value}" if operation.value is not None else ""
    return f"{operation.f} {operation.key}{value}"


def _shown(completion: Operation) -> str:
    if completion.value is None:
        return "nothing" if completion.type == "ok" and completion.f in READS else ""
    return str(completion.value)


def _fault(operation: Operation) -> str:
    actions = read_completion(operation.value).actions
    done = [_action(action) for action in actions if action.took_effect is not False]
    return ", ".join(done) or f"{operation.f} (no effect)"


def _action(action: NemesisAction) -> str:
    links = ["→".join(link) for link in action.links]
    return f"{action.kind.lower()} {' '.join(action.nodes or links)}".strip()
