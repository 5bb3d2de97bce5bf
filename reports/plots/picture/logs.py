"""The logs of the nodes next to one another, around the index where they differ, at a moment of the run.

Each log is put together from the trace: appended entries are added, truncated ones removed, and what a
snapshot replaced is unknown. Only the indices around the place in question are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from history import Recording, TraceEntry, TraceEvent
from reports.plots.picture.moments import Focus
from reports.roles import TraceMarks
from reports.spans import Spans
from reports.text import short, shorten

BEFORE = 2
AFTER = 3
MOST_EVENTS = 3_000_000
"""In larger traces the index in question must be known; it is not looked for."""
COMMAND_CHARACTERS = 40


@dataclass(frozen=True)
class Cell:
    """What one log holds at one index; `term` is None where it holds nothing there."""

    term: int | None
    command: str
    operation: int | None
    is_committed: bool
    differs: bool
    """Whether it is another entry than most logs hold at this index."""


@dataclass(frozen=True)
class LogTable:
    """The logs around one index: a row for each index, a column for each node."""

    nodes: tuple[str, ...]
    at: int
    """Nanoseconds since the run began."""
    rows: tuple[tuple[int, tuple[Cell, ...]], ...]

    @property
    def is_split(self) -> bool:
        """Whether any two logs hold different entries at an index."""
        return any(cell.differs for _, cells in self.rows for cell in cells)


@dataclass
class _Log:
    entries: dict[int, TraceEntry]
    commit: int = 0


def log_table(recording: Recording, spans: Spans, marks: TraceMarks, focus: Focus) -> LogTable | None:
    """The logs at the time of the violation; None without traces, or where no log differs or matters."""
    if not recording.traces or marks.start_ns is None:
        return None
    total = sum(len(trace.events) for trace in recording.traces.values())
    wanted = None
    if total > MOST_EVENTS:
        if not focus.indices:
            return None
        wanted = range(max(min(focus.indices) - BEFORE, 1), max(focus.indices) + AFTER + 1)
    at = focus.high
    logs = {node: _log(trace.events, at + marks.start_ns, wanted) for node, trace in recording.traces.items()}
    around = _around(logs, focus)
    if around is None:
        return None
    rows = []
    for index in range(max(around - BEFORE, 1), around + AFTER + 1):
        held = {node: log.entries.get(index) for node, log in logs.items()}
        if not any(held.values()):
            continue
        rows.append((index, _cells(index, held, logs, spans)))
    return LogTable(tuple(logs), at, tuple(rows)) if rows else None


def _log(events: Sequence[TraceEvent], until: int, wanted: range | None) -> _Log:
    """One node's log at a time of its clock; of indices in `wanted` only."""
    log = _Log({})
    for event in events:
        if event.at > until:
            break
        match event.event:
            case "append":
                for entry in event.entries:
                    if wanted is None or entry.index in wanted:
                        log.entries[entry.index] = entry
            case "truncate" if event.index is not None:
                _remove(log, event.index)
            case "restart":
                _remove(log, event.last + 1)
                log.commit = event.commit
        log.commit = event.commit
    return log


def _remove(log: _Log, first: int) -> None:
    """Remove the entries from an index on."""
    for index in [index for index in log.entries if index >= first]:
        del log.entries[index]


def _around(logs: Mapping[str, _Log], focus: Focus) -> int | None:
    """The first index at which two logs differ, from the ones in question on; else the first in question."""
    every = sorted({index for log in logs.values() for index in log.entries})
    split = [
        index
        for index in every
        if len({_identity(log.entries[index]) for log in logs.values() if index in log.entries}) > 1
    ]
    about = sorted(focus.indices)
    for index in about:
        if index in split:
            return index
    if about:
        return about[0]
    return split[0] if split else None


def _identity(entry: TraceEntry) -> tuple[int, str]:
    return entry.term, entry.hash


def _cells(
    index: int, held: Mapping[str, TraceEntry | None], logs: Mapping[str, _Log], spans: Spans
) -> tuple[Cell, ...]:
    """One row: the entry of each log at an index."""
    counts = Counter(_identity(entry) for entry in held.values() if entry is not None)
    usual = counts.most_common(1)[0][0]
    cells = []
    for node, entry in held.items():
        if entry is None:
            cells.append(Cell(None, "", None, is_committed=False, differs=False))
            continue
        operation = int(entry.op) if entry.op is not None and entry.op.isdecimal() else None
        cells.append(
            Cell(
                term=entry.term,
                command=_command(operation, entry, spans),
                operation=operation,
                is_committed=index <= logs[node].commit,
                differs=_identity(entry) != usual,
            )
        )
    return tuple(cells)


def _command(operation: int | None, entry: TraceEntry, spans: Spans) -> str:
    """The command of an entry in words."""
    position = None if operation is None else spans.position(operation)
    if position is None:
        return f"no operation, hash {entry.hash[:8]}" if operation is None else f"operation {operation}"
    span = spans.span(position)
    value = "" if span.argument is None else f" {short(span.argument, 16)}"
    return shorten(f"{span.f} {span.key or ''}{value}", COMMAND_CHARACTERS)
