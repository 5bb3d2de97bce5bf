r"""Jepsen's logs, of all versions, and its `history.txt`.

| from | a line |
|---|---|
| `jepsen.log`, up to 0.1.0 | `INFO  jepsen.util - 3 :invoke :cas [0 1]` |
| `jepsen.log`, up to 0.1.8 | `INFO [DATE TIME] jepsen worker 3 - jepsen.util 3 :invoke :cas [0 1]` |
| `jepsen.log`, later | `DATE TIME{GMT} INFO [jepsen worker 3] jepsen.util: 3 :invoke :cas [0 1]` |
| `history.txt` | `3 :invoke :cas [0 1]` |

The value is EDN; what follows it is the error. Lines of other loggers are passed over; one of `jepsen.util`
that has a process and a type must be readable. The order of the lines is the order of the events.
"""

from __future__ import annotations

import re

from history.formats.builder import Builder, Events
from history.formats.edn import forms
from history.formats.events import error_text, shortened, with_step_names
from history.history import HistoryError
from history.values import Typed, encoded

LOGGER = "jepsen.util"
FIELDS = r"(:?[^\s:]+)\s+:(invoke|ok|fail|info)\s+:([^\s,\"()\[\]{}]+)(?:\s+(.*?))?\s*\Z"
PLAIN = re.compile(FIELDS, re.DOTALL)
LOGGED = re.compile(rf".*?\sjepsen\.util(?:\s+-|:)?\s+{FIELDS}", re.DOTALL)
LOOKS_LIKE_ONE = re.compile(r"\sjepsen\.util(?:\s+-|:)?\s.*:(invoke|ok|fail|info)\b")


def read_log(text: str, source: str) -> Events:
    """Read a log or a `history.txt`.

    Raises:
        HistoryError: an event cannot be read; with its line.
    """
    builder = Builder(source)
    is_log = LOGGER in text
    pattern = LOGGED if is_log else PLAIN
    for number, line in enumerate(text.split("\n"), start=1):
        event = pattern.match(line)
        if event is None:
            if LOOKS_LIKE_ONE.search(line) if is_log else line.strip():
                raise builder.refusal(number, f"not an event: {shortened(line.strip())!r}")
            continue
        process, type_, f, rest = event.groups()
        if not process.isdecimal() and not process.startswith(":"):
            rule = f"the process is {process!r}, neither a number nor :nemesis"
            raise builder.refusal(number, rule)
        value, error = _value_and_error(rest or "", number, source)
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
    return builder.events()


def _value_and_error(text: str, line: int, source: str) -> tuple[object, str | None]:
    """The form that a text begins with, and what follows it."""
    try:
        for _, value, end in forms(text, source):
            return value, text[end:].strip() or None
    except HistoryError as refusal:
        raise HistoryError(line, refusal.rule, source) from None
    return None, None
