r"""Jepsen's log of a test on one compare-and-set register: `INFO  jepsen.util - 3 :invoke :cas [0 1]`.

Lines of other loggers are passed over; one of `jepsen.util` that has a process and a type must be
readable. Times are not in these logs: the order of lines is the time.

A failed `cas` is here the reply of a store that compared and found another value, unless it names an
error: so it is read as an `ok` whose value is false. Any other `:fail` certainly did not happen.
"""

from __future__ import annotations

import re
from typing import Any, cast

from history.formats.builder import Builder, RecordedHistory
from history.history import HistoryError
from history.operation import OperationType

EVENT = re.compile(r"\S+\s+jepsen\.util\s+-\s+(\S+)\s+:(invoke|ok|fail|info)\s+:(\S+)(?:\s+(.*?))?\s*$")
LOOKS_LIKE_ONE = re.compile(r"\sjepsen\.util\s+-\s.*:(invoke|ok|fail|info)\b")
NUMBER = re.compile(r"-?\d+$")
PAIR = re.compile(r"\[(-?\d+)\s+(-?\d+)\]$")


def read_log(text: str, source: str) -> RecordedHistory:
    """Read a log.

    Raises:
        HistoryError: an event cannot be read, or breaks a history's rules; with its line.
    """
    builder = Builder(source)
    for number, line in enumerate(text.splitlines(), start=1):
        event = EVENT.match(line)
        if event is None:
            if LOOKS_LIKE_ONE.search(line):
                raise HistoryError(number, f"not an event: {line.strip()!r}", source)
            continue
        process, type_, f, argument = event.groups()
        if process == ":nemesis":
            builder.add_nemesis(number, f, argument)
            continue
        if not process.isdecimal():
            raise HistoryError(number, f"the process is {process!r}, neither a number nor :nemesis", source)
        value, error = _value(argument or "nil", number, source)
        if error is not None and type_ in ("invoke", "ok"):
            raise HistoryError(number, f"an error, {error}, where a value belongs", source)
        if f == "cas" and type_ == "fail" and error is None:
            type_, value = "ok", False
        builder.add(number, int(process), cast(OperationType, type_), f, None, value, error=error)
    return builder.finish()


def _value(text: str, line: int, source: str) -> tuple[Any, str | None]:
    """(value, error): `nil`, `3`, `[0 1]`, or a keyword such as `:timed-out`."""
    if text == "nil":
        return None, None
    if NUMBER.match(text):
        return int(text), None
    if pair := PAIR.match(text):
        return [int(pair[1]), int(pair[2])], None
    if text.startswith(":"):
        return None, text[1:]
    raise HistoryError(line, f"the value is {text!r}, not nil, a number, a pair or a keyword", source)
