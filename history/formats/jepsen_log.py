r"""Jepsen's logs, of all versions, and its `history.txt`.

| from | a line |
|---|---|
| `jepsen.log`, up to 0.1.0 | `INFO  jepsen.util - 3 :invoke :cas [0 1]` |
| `jepsen.log`, up to 0.1.8 | `INFO [DATE TIME] jepsen worker 3 - jepsen.util 3 :invoke :cas [0 1]` |
| `jepsen.log`, later | `DATE TIME{GMT} INFO [jepsen worker 3] jepsen.util: 3 :invoke :cas [0 1]` |
| the same, of some tests | `... jepsen.util: [ 1345013587 ] 3 :invoke :cas [0 1]`; the time is not used |
| `history.txt` | `3 :invoke :cas [0 1]` |

The value is EDN; what follows it is the error. Lines of other loggers are passed over; one of `jepsen.util`
that has a process and a type must be readable. The order of the lines is the order of the events.
"""

from __future__ import annotations

import re

from history.formats.builder import Builder, Events
from history.formats.edn import forms
from history.formats.events import error_text, shortened, with_step_names
from history.formats.scan.columns import WORTH_COMPILED_CODE_BYTES, scanned_log
from history.history import HistoryError
from history.kernels import can_compile
from history.values import Typed, encoded

LOGGER = "jepsen.util"
FIELDS = r"(:?[^\s:]+)\s+:(invoke|ok|fail|info)\s+:([^\s,\"()\[\]{}]+)(?:\s+(.*?))?\s*\Z"
PLAIN = re.compile(FIELDS, re.DOTALL)
LOGGED = re.compile(rf".*?\sjepsen\.util(?:\s+-|:)?\s+(?:\[\s*\d+\s*\]\s+)?{FIELDS}", re.DOTALL)
LOOKS_LIKE_ONE = re.compile(r"\sjepsen\.util(?:\s+-|:)?\s.*:(invoke|ok|fail|info)\b")


def read_log(text: str, source: str) -> Events:
    """Read a log or a `history.txt`.

    Raises:
        HistoryError: an event cannot be read; with its line.
    """
    is_log = LOGGER in text
    if len(text) >= WORTH_COMPILED_CODE_BYTES and can_compile():
        found = scanned_log(text, LOGGER if is_log else "", source, _read_logged if is_log else _read_plain)
        if found is not None:
            return found
    builder = Builder(source)
    read_line = _read_logged if is_log else _read_plain
    for number, line in enumerate(text.split("\n"), start=1):
        read_line(builder, number, line)
    return builder.events()


def _read_logged(builder: Builder, number: int, line: str) -> None:
    """Read one line of a log, if it is one of `jepsen.util`."""
    event = LOGGED.match(line)
    if event is not None:
        _add(builder, number, event)
    elif LOOKS_LIKE_ONE.search(line):
        raise builder.refusal(number, f"not an event: {shortened(line.strip())!r}")


def _read_plain(builder: Builder, number: int, line: str) -> None:
    """Read one line of a `history.txt`."""
    event = PLAIN.match(line)
    if event is not None:
        _add(builder, number, event)
    elif line.strip():
        raise builder.refusal(number, f"not an event: {shortened(line.strip())!r}")


def _add(builder: Builder, number: int, event: re.Match[str]) -> None:
    process, type_, f, rest = event.groups()
    if not process.isdecimal() and not process.startswith(":"):
        raise builder.refusal(number, f"the process is {process!r}, neither a number nor :nemesis")
    value, error = _value_and_error(rest or "", number, builder.source)
    if error is None and type_ in ("fail", "info") and isinstance(value, Typed):
        value, error = None, error_text(value)  # old versions write the error in the value's place
    builder.add(
        number,
        int(process) if process.isdecimal() else process[1:],
        type_,
        f,
        None,
        encoded(with_step_names(value)),
        error=error,
    )


def _value_and_error(text: str, line: int, source: str) -> tuple[object, str | None]:
    """The form that a text begins with, and what follows it."""
    try:
        for _, value, end in forms(text, source):
            return value, text[end:].strip() or None
    except HistoryError as refusal:
        raise HistoryError(line, refusal.rule, source) from None
    return None, None
