"""Which lines of the nodes' logs and traces a page holds, for a reader who asks what happened at a moment.

A page cannot hold all of them: a trace has millions. Each line has a rank: problems, elections, and changes
of membership first; then what became of entries; then messages and what was written to disk. Of each node,
each of `SLICES` slices of the run keeps a few lines of each rank, and the time around the violation keeps
many of any rank. A line knows its number among its node's lines, so that a reader sees where others are left
out.

Events of traces are placed by the node's monotonic clock, lines of logs by the time that they begin with,
which is the wall clock of the node's machine; a line without one belongs to the line before it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from history import Recording, TraceEvent
from history.stored.trace import EventName
from history.units import MICROSECOND_NS, SECOND_NS
from reports.explain.steps import did
from reports.roles import TraceMarks
from reports.text import clean, shorten

SLICES = 120
KEPT_IN_A_SLICE = (6, 2, 1)
"""By rank: how many lines of one node are kept of each slice of the run."""
KEPT_BEFORE, KEPT_AFTER = 60, 30
"""How many lines of one node are kept just before and after the violation, of any rank."""
MOST_LINES = 1_800
MOST_LOG_LINES = 200_000
"""Of a longer log only the beginning is read."""
LONGEST_LINE = 160

_GRAVE: frozenset[EventName] = frozenset(
    {"restart", "stop", "term", "vote", "role", "truncate", "refuse", "configuration", "snapshot"}
)
_USUAL: frozenset[EventName] = frozenset({"append", "commit", "apply", "acknowledge"})
_PROBLEM = re.compile(
    r"\b(?:error|warn(?:ing)?|fatal|panic|exception|severe|critical)\b|\"level\":\"[ewfp]", re.I
)
_STAMP = re.compile(
    r"(?P<year>\d{4})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ](?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
    r"(?:[.,](?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_VIRTUAL = re.compile(r"(\d{1,18}) (?=[A-Z]+ )")
"""What a line of a simulated node begins with: virtual nanoseconds."""
STAMP_WITHIN = 60
"""Characters from a line's begin within which its time must begin."""


class Line(NamedTuple):
    """One line of a node, as a page shows it."""

    at: int
    """Nanoseconds since the run began."""
    number: int
    """Its number among the lines of its node, from 1."""
    node: str
    """The node; of a log whose node has a trace too, `n1 log`."""
    text: str


@dataclass(frozen=True)
class NodeLines:
    """The lines that a page holds, in the order of time."""

    lines: tuple[Line, ...]
    total: int
    """How many lines there are."""

    def data(self) -> dict[str, Any]:
        """The lines as columns of JSON: times as steps of microseconds, nodes and texts by their places."""
        nodes = list(dict.fromkeys(line.node for line in self.lines))
        texts = list(dict.fromkeys(line.text for line in self.lines))
        place = {text: number for number, text in enumerate(texts)}
        times = [line.at // MICROSECOND_NS for line in self.lines]
        return {
            "total": self.total,
            "nodes": nodes,
            "texts": texts,
            "t": [now - before for before, now in zip([0, *times], times, strict=False)],
            "n": [nodes.index(line.node) for line in self.lines],
            "i": [line.number for line in self.lines],
            "x": [place[line.text] for line in self.lines],
        }


def node_lines(recording: Recording, marks: TraceMarks, end: int, violation: int | None) -> NodeLines | None:
    """The lines of a run: events of traces, and lines of logs that have a time; None without either.

    Args:
        end: the last instant of the run in nanoseconds.
        violation: when the impossible step was taken; None for a run without one.
    """
    sources: dict[str, Iterable[_Found]] = {}
    start, began = marks.start_ns, _began(recording)
    if start is not None:
        sources |= {node: _of_trace(trace.events, start) for node, trace in recording.traces.items()}
    for node, path in recording.logs.items():
        sources[f"{node} log" if node in sources else node] = _of_log(path, began)
    kept: list[tuple[int, Line]] = []
    total = 0
    for name, found in sources.items():
        choice = _Choice(name, end, violation)
        for one in found:
            choice.add(one)
        total += choice.number
        kept += choice.all()
    if not kept:
        return None
    lines = _bounded(kept, violation)
    return NodeLines(tuple(sorted(lines, key=lambda line: (line.at, line.node, line.number))), total)


class _Found(NamedTuple):
    at: int
    rank: int
    what: TraceEvent | str


@dataclass
class _Choice:
    """The lines of one node that are kept so far."""

    node: str
    end: int
    violation: int | None
    number: int = 0
    counts: dict[tuple[int, int], int] = field(default_factory=dict)
    kept: dict[int, _Found] = field(default_factory=dict)
    before: deque[tuple[int, _Found]] = field(default_factory=lambda: deque(maxlen=KEPT_BEFORE))
    after: int = 0

    def add(self, one: _Found) -> None:
        """Go on by one line."""
        if not 0 <= one.at <= self.end:
            return
        self.number += 1
        place = (one.at * SLICES // max(self.end, 1), one.rank)
        held = self.counts.get(place, 0)
        if held < KEPT_IN_A_SLICE[one.rank]:
            self.counts[place] = held + 1
            self.kept[self.number] = one
        if self.violation is None:
            return
        if one.at <= self.violation:
            self.before.append((self.number, one))
        elif self.after < KEPT_AFTER:
            self.after += 1
            self.kept[self.number] = one

    def all(self) -> Iterator[tuple[int, Line]]:
        """The rank and the line of each that is kept."""
        for number, one in sorted({**self.kept, **dict(self.before)}.items()):
            words = did(one.what) if isinstance(one.what, TraceEvent) else one.what
            yield one.rank, Line(one.at, number, clean(self.node), shorten(clean(words), LONGEST_LINE))


def _bounded(kept: Sequence[tuple[int, Line]], violation: int | None) -> list[Line]:
    """At most `MOST_LINES`: those near the violation, then by rank, evenly through time."""
    if len(kept) <= MOST_LINES:
        return [line for _, line in kept]
    near = sorted(kept, key=lambda one: abs(one[1].at - violation)) if violation is not None else []
    chosen = {line: None for _, line in near[: MOST_LINES // 3]}
    for rank in range(len(KEPT_IN_A_SLICE)):
        room = MOST_LINES - len(chosen)
        own = [line for found, line in kept if found == rank and line not in chosen]
        step = max(1, -(-len(own) // room)) if room else len(own) + 1
        chosen |= dict.fromkeys(own[::step] if room else ())
    return list(chosen)


def _of_trace(events: Iterable[TraceEvent], start_ns: int) -> Iterator[_Found]:
    for event in events:
        rank = 0 if event.event in _GRAVE else 1 if event.event in _USUAL else 2
        yield _Found(event.at - start_ns, rank, event)


# ---- logs ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Began:
    """When the run began by the wall clock of the harness's machine."""

    at_ns: int
    zone: timezone
    """In which times are that name none."""


def _began(recording: Recording) -> _Began | None:
    """When the run began; None where that was not stored."""
    text, exact = recording.options.get("started_at"), recording.options.get("wall_start_ns")
    try:
        started = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
    at_ns = (
        exact
        if isinstance(exact, int) and not isinstance(exact, bool)
        else round(started.timestamp()) * SECOND_NS
    )
    return _Began(at_ns, timezone(started.utcoffset() or timedelta()))


def _of_log(path: Path, began: _Began | None) -> Iterator[_Found]:
    """The lines of one log that have a time."""
    at: int | None = None
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file):
                if number >= MOST_LOG_LINES:
                    return
                found, text = _placed(line.rstrip("\n")[:2_000], began)
                at = at if found is None else found
                if at is not None and text:
                    yield _Found(at, 0 if _PROBLEM.search(text) else 1, text)
    except OSError:
        return


def _placed(line: str, began: _Began | None) -> tuple[int | None, str]:
    """When a line was written, in nanoseconds since the run began, and its text without that time."""
    virtual = _VIRTUAL.match(line)
    if virtual is not None:
        return int(virtual[1]), line[virtual.end() :]
    stamp = _STAMP.search(line[: STAMP_WITHIN + 35])
    if began is None or stamp is None or stamp.start() > STAMP_WITHIN:
        return None, line.strip()
    at = _wall_ns(stamp, began.zone)
    rest = (line[: stamp.start()] + line[stamp.end() :]).strip()
    return (None, line.strip()) if at is None else (at - began.at_ns, rest)


def _wall_ns(stamp: re.Match[str], zone: timezone) -> int | None:
    """Nanoseconds since 1970; None for a date that does not exist."""
    parts = stamp.groupdict()
    names = ("year", "month", "day", "hour", "minute", "second")
    if parts["zone"] == "Z":
        zone = UTC
    elif parts["zone"]:
        sign = -1 if parts["zone"][0] == "-" else 1
        hours, minutes = int(parts["zone"][1:3]), int(parts["zone"][-2:])
        if hours > 23:
            return None
        zone = timezone(sign * timedelta(hours=hours, minutes=min(minutes, 59)))
    try:
        year, month, day, hour, minute, second = (int(parts[name]) for name in names)
        whole = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        seconds = round(whole.timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds * SECOND_NS + int((parts["fraction"] or "0").ljust(9, "0"))
