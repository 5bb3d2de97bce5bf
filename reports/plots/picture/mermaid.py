"""A scene as text: a sequence diagram in the language of Mermaid, which many forges and wikis draw.

It has what the picture has: faults, operations of clients, events of nodes, messages, and the step that must
not happen. Time goes downwards; a message stands where it arrived, with the time at which it was sent. All
words may come from a recording, so whatever Mermaid could read as more than text is written as its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reports.plots.picture.scene import Scene
from reports.spans import READS, Span
from reports.text import clean, seconds, short, shorten

MERMAID_SUFFIX = ".mmd"
"""How the name of a file ends that holds such a text."""
_CLIENTS = "p0"
"""The lane of all clients."""
LONGEST = 200
"""Characters of one label."""
_PLAIN = re.compile(r"[^0-9A-Za-z \u00a1-\U0010ffff.,!?=+*/|()\[\]'_-]")
"""All that is written as its number. A colon too: Mermaid takes `style:` for the beginning of more."""
_FAULT, _ASKED, _ARRIVED, _DONE, _LOST, _ANSWERED, _HEALED, _WRONG = range(8)
"""In which order things of one instant stand: what happened in a node follows from what arrived there."""


class _Line(NamedTuple):
    """One line of the diagram."""

    at: int
    order: int
    words: str


class Remark(NamedTuple):
    """Something that is known of a moment besides what the scene has."""

    at: int
    """Nanoseconds since the run began."""
    words: str


def mermaid(scene: Scene, remarks: Sequence[Remark] = ()) -> str:
    """The text of the diagram, which ends with a newline."""
    return "\n".join((*_Diagram(scene, remarks).lines(), ""))


def escaped(words: str) -> str:
    """Any text as one label that shows just it: other characters as `#35;`, line breaks as spaces."""
    line = " ".join(clean(shorten(words, LONGEST)).split())
    return _PLAIN.sub(lambda found: f"#{ord(found.group())};", line)


class _Diagram:
    def __init__(self, scene: Scene, remarks: Sequence[Remark]) -> None:
        self._scene = scene
        self._remarks = remarks
        self._lanes = {node: f"p{place}" for place, node in enumerate(scene.nodes, start=1)}
        """By node, its name in the diagram, which no recording has chosen."""
        lanes = [*([_CLIENTS] if scene.operations else []), *self._lanes.values()]
        self._all = lanes[0] if len(lanes) == 1 else f"{lanes[0]},{lanes[-1]}"

    def lines(self) -> Iterator[str]:
        """All lines of the text."""
        yield "sequenceDiagram"
        yield f"    accTitle: What led to it, {escaped(self._scene.subject.title)}"
        if self._scene.operations:
            yield f"    participant {_CLIENTS} as clients"
        for node, lane in self._lanes.items():
            yield f"    participant {lane} as {escaped(node)}"
        found = [*self._faults(), *self._operations(), *self._messages(), *self._moments(), *self._over_all()]
        yield from (f"    {one.words}" for one in sorted(found, key=lambda one: (one.at, one.order)))
        yield from (f"    %% {escaped(note)}" for note in self._scene.notes)

    def _faults(self) -> Iterator[_Line]:
        times = self._scene.times
        for period in self._scene.periods:
            begin = max(period.begin, times[0])
            yield self._note(self._all, begin, _FAULT, f"{seconds(period.begin)} fault {period.label}")
            if period.healed and period.end <= times[-1]:
                words = f"{seconds(period.end)} end of {period.label}"
                yield self._note(self._all, period.end, _HEALED, words)

    def _operations(self) -> Iterator[_Line]:
        began, ended = self._scene.subject.began, self._scene.subject.ended
        for span in self._scene.operations:
            node = self._lanes.get(span.node or "")
            asks = f"{_of_story(began.get(span.index))}{seconds(span.begin)} {span.index} {_question(span)}"
            if node is None:
                yield self._note(_CLIENTS, span.begin, _ASKED, asks)
            else:
                yield self._arrow(_CLIENTS, "->>", node, span.begin, _ASKED, asks)
            if span.end is None:
                continue
            gets = f"{_of_story(ended.get(span.index))}{seconds(span.end)} {span.index} {_answer(span)}"
            if node is None or span.outcome != "ok":
                yield self._note(_CLIENTS, span.end, _ANSWERED, gets)
            else:
                yield self._arrow(node, "-->>", _CLIENTS, span.end, _ANSWERED, gets)

    def _messages(self) -> Iterator[_Line]:
        for one in self._scene.messages:
            sender, receiver = self._lanes[one.sender], self._lanes[one.receiver]
            if one.received_at is None:
                words = f"{seconds(one.sent_at)} {one.name}, never received"
                yield self._arrow(sender, "-x", receiver, one.sent_at, _LOST, words)
            else:
                words = f"{seconds(one.received_at)} {one.name}, sent {seconds(one.sent_at)}"
                yield self._arrow(sender, "->>", receiver, one.received_at, _ARRIVED, words)

    def _moments(self) -> Iterator[_Line]:
        for one in self._scene.moments:
            wrong = "✕ must not happen, " if one.is_wrong else ""
            words = f"{_of_story(one.line)}{seconds(one.at)} {wrong}{one.words}"
            yield self._note(self._lanes[one.node], one.at, _DONE, words)

    def _over_all(self) -> Iterator[_Line]:
        """What is known of a moment, and at last the step that must not happen."""
        scene = self._scene
        for remark in self._remarks:
            yield self._note(self._all, remark.at, _FAULT, f"{seconds(remark.at)} {remark.words}")
        words = f"{seconds(scene.impossible_at)} ✕ {scene.subject.title}"
        yield self._note(self._all, scene.impossible_at, _WRONG, words)

    def _note(self, lanes: str, at: int, order: int, words: str) -> _Line:
        return _Line(at, order, f"Note over {lanes}: {escaped(words)}")

    def _arrow(self, sender: str, arrow: str, receiver: str, at: int, order: int, words: str) -> _Line:
        return _Line(at, order, f"{sender}{arrow}{receiver}: {escaped(words)}")


def _of_story(line: int | None) -> str:
    """The number of a line of the story, as the picture has it in a circle."""
    return "" if line is None else f"({line}) "


def _question(span: Span) -> str:
    """What a client asked for."""
    value = "" if span.argument is None else f" {short(span.argument, 40)}"
    return f"{span.f} {short(span.key, 40) if span.key is not None else ''}{value}"


def _answer(span: Span) -> str:
    """What a client had for an answer."""
    if span.error:
        return f"{span.outcome}, {short(span.error, 60)}"
    if span.outcome == "ok" and span.f in READS and span.result in (None, {}, []):
        return "ok nothing"
    return span.outcome if span.result is None else f"{span.outcome} {short(span.result, 40)}"
