"""What every reader makes: events as columns, and of these a history with the line of each operation.

Readers differ in how they find the fields of an event; `settled` is what they have in common. It decides what
the events mean as a whole: which process is a client, what a missing field stands for, which order counts.
Our own recorder's rules (see `History`) are not those of other tools. What is harmless in a foreign file is
accepted, with a warning that says what was done; what changes the meaning is refused with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from history.history import (
    FAIL,
    INFO,
    INVOKE,
    TYPES,
    Codes,
    Columns,
    History,
    HistoryError,
    same_process_before,
)
from history.operation import NEMESIS

ABSENT = -1
"""The code of a text that an event lacks."""
NO_PROCESS, NEMESIS_PROCESS, FIRST_NAMED = -1, -2, -3
"""An event without a process; one of the nemesis; the first of the processes that have a name, from here
down.
"""
NO_TIME = -1
TXN = "txn"
FAULT = "fault"
"""The f of an event of the nemesis that names none."""
MOST_CLIENT = 1 << 62
TYPE_CODES = {name: code for code, name in enumerate(TYPES)}


class Reinterpretation(NamedTuple):
    """Another way to understand the values of a file, which the file itself does not exclude."""

    stated: str
    """How the values were understood, as a sentence."""
    same: str
    """The option that states this way."""
    option: str
    """The option that states the other way."""
    read: Callable[[], RecordedHistory]
    """Reads the file the other way."""


@dataclass(frozen=True)
class RecordedHistory:
    """A history that was read from a file, possibly of another tool."""

    history: History
    lines: Sequence[int]
    """The line of each operation, from 1."""
    source: str
    warnings: tuple[str, ...] = ()
    """What was accepted although it breaks a rule, one sentence each."""
    other: Reinterpretation | None = None
    """The other way to understand the values, if there are two and no option says which."""

    def error(self, operation: int, rule: str) -> HistoryError:
        """The error that names the line of an operation."""
        return HistoryError(self.lines[operation], rule, self.source)


@dataclass(frozen=True)
class Events:
    """n events in the order of the file, as arrays of length n; texts are codes into tuples, or `ABSENT`."""

    line: Codes
    time: Codes
    """Nanoseconds; `NO_TIME` without."""
    process: Codes
    """A client's number; or `NO_PROCESS`, `NEMESIS_PROCESS`, or `FIRST_NAMED` - n for `process_names[n]`."""
    process_names: tuple[str, ...]
    type: npt.NDArray[np.int8]
    f: Codes
    f_names: tuple[str, ...]
    key: Codes
    keys: tuple[str, ...]
    value: Codes
    """Codes into `values`, which are JSON texts; `ABSENT` for null, too."""
    values: tuple[str, ...]
    error: Codes
    errors: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.line)

    def only(self, kept: npt.NDArray[Any]) -> Events:
        """These events alone: a mask, or places."""
        names = ("line", "time", "process", "type", "f", "key", "value", "error")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})


class Vocabulary:
    """Gives texts their codes."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def code(self, text: str | None) -> int:
        """The code of a text; `ABSENT` for None."""
        return ABSENT if text is None else self.known.setdefault(text, len(self.known))

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts in the order of their codes."""
        return tuple(self.known)


@dataclass
class Builder:
    """Collects events one by one."""

    source: str
    rows: list[tuple[int, int, int, int, int, int, int, int]] = field(default_factory=list)
    process_names: Vocabulary = field(default_factory=Vocabulary)
    f_names: Vocabulary = field(default_factory=Vocabulary)
    keys: Vocabulary = field(default_factory=Vocabulary)
    values: Vocabulary = field(default_factory=Vocabulary)
    errors: Vocabulary = field(default_factory=Vocabulary)

    def refusal(self, line: int, rule: str) -> HistoryError:
        """The error that names a line."""
        return HistoryError(line, rule, self.source)

    def process(self, process: int | str | None) -> int:
        """The code of a process: its number, its name, or nothing."""
        if process is None:
            return NO_PROCESS
        if isinstance(process, str):
            return NEMESIS_PROCESS if process == "nemesis" else FIRST_NAMED - self.process_names.code(process)
        return process

    def add(
        self,
        line: int,
        process: int | str | None,
        type_: str,
        f: str | None,
        key: str | None,
        value: str | None,
        *,
        time: int | None = None,
        error: str | None = None,
    ) -> None:
        """Add one event; the value is a JSON text.

        Raises:
            HistoryError: the type is none of the four, or a number is out of bounds.
        """
        if type_ not in TYPE_CODES:
            raise self.refusal(line, f"the type is {type_!r}, not one of {', '.join(TYPES)}")
        if isinstance(process, int) and not 0 <= process < MOST_CLIENT:
            raise self.refusal(line, f"the process is {process}, not a number from 0 to 2^62")
        if time is not None and not 0 <= time < MOST_CLIENT:
            raise self.refusal(line, f"the time is {time}, not nanoseconds from 0 to 2^62")
        self.rows.append(
            (
                line,
                NO_TIME if time is None else time,
                self.process(process),
                TYPE_CODES[type_],
                self.f_names.code(f),
                self.keys.code(key),
                self.values.code(None if value == "null" else value),
                self.errors.code(error),
            )
        )

    def events(self) -> Events:
        """All events added."""
        columns = np.array(self.rows, dtype=np.int64).reshape(-1, 8).T
        line, time, process, type_, f, key, value, error = columns
        return Events(
            line, time, process, self.process_names.texts, type_.astype(np.int8), f, self.f_names.texts,
            key, self.keys.texts, value, self.values.texts, error, self.errors.texts,
        )  # fmt: skip


def settled(events: Events, source: str) -> RecordedHistory:
    """The history of these events.

    Raises:
        HistoryError: there is none, or what they break changes their meaning; with the line.
    """
    if not len(events):
        raise HistoryError(1, "the file holds no operation", source)
    warnings: list[str] = []
    events = _with_processes(events, source, warnings)
    events = _with_invocations(events, warnings)
    events = _without_failed_alone(events, warnings)
    events = _with_names(events, source, warnings)
    columns = Columns(
        time=_times(events, warnings),
        process=events.process,
        type=events.type,
        f=events.f,
        f_names=events.f_names,
        key=events.key,
        keys=events.keys,
        value=events.value,
        values=events.values,
        error=events.error,
        errors=events.errors,
        node=np.full(len(events), ABSENT, dtype=np.int64),
        nodes=(),
        raft_index=np.full(len(events), -1, dtype=np.int64),
    )
    try:
        history = History.from_columns(columns, source=source, foreign=True)
    except HistoryError as broken:
        raise HistoryError(int(events.line[broken.line - 1]), broken.rule, source) from None
    _warn_of_goers_on(events, warnings)
    return RecordedHistory(history, events.line.tolist(), source, tuple(warnings))


def _warn(warnings: list[str], lines: Codes, what: str) -> None:
    """Add one warning for all these lines."""
    if len(lines):
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        warnings.append(f"line {int(lines[0])}{more}: {what}")


def _with_processes(events: Events, source: str, warnings: list[str]) -> Events:
    """Number the clients that have a name, and find what the nemesis did."""
    process, type_ = events.process.copy(), events.type.copy()
    none = process == NO_PROCESS
    if none.all():
        process[:] = _one_process(events, source)
        _warn(
            warnings,
            events.line[:1],
            "no event names a process; all were taken for one, since operations follow each other",
        )
    elif none.any():
        line = int(events.line[np.flatnonzero(none)[0]])
        raise HistoryError(line, "an event without a process, where others have one", source)
    following = max(int(process.max()) + 1, 0)
    for place, _ in enumerate(events.process_names):
        mine = process == FIRST_NAMED - place
        if (type_[mine] == INFO).all():  # Jepsen writes so what is no client
            process[mine] = NEMESIS_PROCESS
        else:
            process[mine] = following
            following += 1
    by_nemesis = process == NEMESIS_PROCESS
    process[by_nemesis] = NEMESIS
    for name in np.unique(events.f[by_nemesis]):
        # Jepsen writes `info` both when a fault begins and when that is done.
        mine = np.flatnonzero(by_nemesis & (events.f == name))
        type_[mine[::2]], type_[mine[1::2]] = INVOKE, INFO
    return replace(events, process=process, type=type_)


def _one_process(events: Events, source: str) -> int:
    """The process of a file that names none, which is clear only if no two operations overlap."""
    opened = events.type == INVOKE
    wrong = np.flatnonzero(opened != (np.arange(len(events)) % 2 == 0))
    if len(wrong):
        rule = (
            "events have no process, and operations overlap, so it is not clear which one this event ends; "
            "if another field holds it, --columns process=NAME names that field"
        )
        raise HistoryError(int(events.line[wrong[0]]), rule, source)
    return 0


def _with_invocations(events: Events, warnings: list[str]) -> Events:
    """Add invocations to a file that has none: each as early as may be, after its process's last completion.

    So nothing is claimed of real time but the order within each process. A file with some invocations lacks
    its beginning, if a completion has none: that is refused.
    """
    client = events.process != NEMESIS
    if not client.any() or (events.type[client] == INVOKE).any():
        return events
    places = np.flatnonzero(client)
    before = same_process_before(events.process)[places]
    order = np.argsort(np.concatenate([np.arange(len(events)), before + 0.5]), kind="stable")
    widened = events.only(np.concatenate([np.arange(len(events)), places])[order])
    added = order >= len(events)
    type_, time = widened.type.copy(), widened.time.copy()
    type_[added] = INVOKE
    time[added] = NO_TIME
    what = "the file has no invocations; each operation may have begun when its process was free"
    _warn(warnings, events.line[places[:1]], what)
    return replace(widened, type=type_, time=time)


def _without_failed_alone(events: Events, warnings: list[str]) -> Events:
    """Leave out what failed and whose invocation is missing: it did not happen."""
    before = same_process_before(events.process)
    after_invoke = (before >= 0) & (events.type[before] == INVOKE)
    alone = (events.type == FAIL) & ~after_invoke & (events.process != NEMESIS)
    what = "a failed operation without its invocation was left out: it did not happen"
    _warn(warnings, events.line[alone], what)
    return events.only(~alone) if alone.any() else events


def _with_names(events: Events, source: str, warnings: list[str]) -> Events:
    """Give a completion the f and key of its invocation, and a transaction its f, where these are missing."""
    f, key, f_names = events.f.copy(), events.key.copy(), events.f_names
    before = same_process_before(events.process)
    ends = (events.type != INVOKE) & (before >= 0)
    nameless = (f == ABSENT) & ~ends
    if nameless.any():
        steps = np.array([*(text.startswith("[[") for text in events.values), False], dtype=bool)
        by_client = events.process != NEMESIS
        wrong = np.flatnonzero(nameless & ~steps[events.value] & by_client)
        if len(wrong):
            rule = "an event without :f, whose value is no list of steps as a transaction's is"
            raise HistoryError(int(events.line[wrong[0]]), rule, source)
        f_names = (*f_names, *({TXN, FAULT} - {*f_names}))
        f[nameless] = np.where(by_client, f_names.index(TXN), f_names.index(FAULT))[nameless]
        what = "an event without :f was taken for a txn, as its value is a list of steps"
        _warn(warnings, events.line[nameless & by_client], what)
    for column in (f, key):
        missing = ends & (column == ABSENT)
        column[missing] = column[before[missing]]
    return replace(events, f=f, f_names=f_names, key=key)


def _times(events: Events, warnings: list[str]) -> Codes:
    """Times that never decrease: the order of the file counts, and a worker's clock reading may be older."""
    if (events.time == NO_TIME).all():
        return np.arange(len(events), dtype=np.int64)
    times = np.maximum.accumulate(events.time)
    times = np.maximum(times, 0)
    without = events.time == NO_TIME
    lacking = events.line[without & ~np.isin(events.line, events.line[~without])]
    _warn(warnings, lacking, "an event without a time, where others have one; its place counts")
    lags = ~without & (events.time < times)
    _warn(warnings, events.line[lags], "the time is before that of an earlier line; the file's order counts")
    return times


def _warn_of_goers_on(events: Events, warnings: list[str]) -> None:
    before = same_process_before(events.process)
    after_info = (before >= 0) & (events.type[before] == INFO)
    goes_on = (events.type == INVOKE) & after_info & (events.process != NEMESIS)
    what = "a process went on after `info`; what was unknown may still have taken effect at any later time"
    _warn(warnings, events.line[goes_on], what)
