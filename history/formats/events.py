"""EDN maps, one an event: Jepsen's `history.edn` in every layout, Porcupine's `kv/*.txt`.

`{:type :invoke, :f :cas, :value [0 1], :process 3, :time 1234, :index 7}`: bare, or all in one vector or
list, or as records (`#jepsen.history.Op{...}`), or under `:history` in one map; one a line or spread over
many.
"""

from __future__ import annotations

import re
from typing import Any

from history.formats.builder import Builder, Events
from history.formats.edn import forms, records
from history.formats.scan.columns import WORTH_COMPILED_CODE_BYTES, scanned_edn
from history.kernels import can_compile
from history.values import MARK, Typed, encoded, in_words

STEP_NAMES = frozenset({"r", "w", "append", "read", "write"})
"""A step of a transaction is a vector in a vector; as its first item, these keywords are names, as `:f` is.
"""


SHORT = re.compile(r"\s*\[\s*(?:\d+|:\w+)\s+:(?:invoke|ok|fail|info)\b")
"""How a file begins whose events are vectors: `[81 :invoke :read nil]`, as Knossos wrote them in 2014."""


def read_edn(text: str, source: str) -> Events:
    """Read events.

    Raises:
        HistoryError: an event cannot be read; with its line.
    """
    if len(text) >= WORTH_COMPILED_CODE_BYTES and can_compile():
        found = scanned_edn(text, source, _read_one)
        if found is not None:
            return found
    builder = Builder(source)
    last_index = -1
    read_all = forms if SHORT.match(text) else records
    for line, event, _ in read_all(text, source):
        last_index = _add(builder, line, event, last_index)
    return builder.events()


def _read_one(builder: Builder, line: int, text: str) -> int | None:
    """Read the one event of a stretch that begins on this line; its index, if it has one."""
    index = -1
    for within, event, _ in records(text, builder.source):
        index = _add(builder, line + within - 1, event, index)
    return None if index < 0 else index


def _add(builder: Builder, line: int, event: Any, last_index: int) -> int:
    """Add one event; its index, or the last one's if it has none."""
    if isinstance(event, list) and 3 <= len(event) <= 5:
        event = dict(zip(("process", "type", "f", "value", "error"), event, strict=False))
    if not isinstance(event, dict):
        raise builder.refusal(line, f"an event is a map, not {shortened(in_words(event))}")
    if "type" not in event:
        raise builder.refusal(line, "an event without :type")
    type_, f, time = name_of(event["type"]), event.get("f"), event.get("time")
    if f is not None and name_of(f) is None:
        raise builder.refusal(line, f":f is {shortened(in_words(f))}, not a name")
    if type_ is None:
        raise builder.refusal(line, f":type is {shortened(in_words(event['type']))}, not a name")
    if time is not None and type(time) is not int:
        raise builder.refusal(line, f":time is {shortened(in_words(time))}, not whole nanoseconds")
    index = event.get("index")
    if type(index) is int:
        if index <= last_index:
            rule = f":index is {index}, after {last_index}; the order of the file must be that of :index"
            raise builder.refusal(line, rule)
        last_index = index
    builder.add(
        line,
        process_of(builder, line, event.get("process")),
        type_,
        None if f is None else name_of(f),
        key_text(event.get("key")),
        encoded(with_step_names(event.get("value"))),
        time=time,
        error=error_text(event.get("error")),
    )
    return last_index


def shortened(text: str) -> str:
    """A text for a message."""
    return text if len(text) < 80 else f"{text[:77]}..."


def name_of(value: Any) -> str | None:
    """The name that a keyword, symbol or text is; None of any other value."""
    if isinstance(value, Typed):
        shown = value[1:]
        return shown[1:] if shown.startswith(":") else None if shown[:1] in "\\#" else shown
    return value if isinstance(value, str) else None


def process_of(builder: Builder, line: int, process: Any) -> int | str | None:
    """A process as the builder takes it: a number, a name or nothing.

    Raises:
        HistoryError: it is something else.
    """
    if process is None or type(process) is int:
        return process
    name = name_of(process)
    if name is None:
        raise builder.refusal(line, f"the process is {shortened(in_words(process))}, no number and no name")
    return name


def key_text(key: Any) -> str | None:
    """A key as a history has it: a text; whole numbers are their digits."""
    if key is None:
        return None
    if type(key) is int:
        return str(key)
    if isinstance(key, str):
        is_number = key.removeprefix("-").isdecimal()
        return f"{MARK}{in_words(key)}" if is_number else str.__str__(key)
    return MARK + in_words(key)


def error_text(error: Any) -> str | None:
    """The reason for `fail` or `info` in one line: a keyword's name, a text, or the value as it was
    written.
    """
    if error is None:
        return None
    name = name_of(error)
    return in_words(error) if name is None else name


def with_step_names(value: Any) -> Any:
    """A value in which the names of steps are texts, as in JSON: `[["r", key, value], ...]`."""
    if not isinstance(value, list):
        return value
    for place, item in enumerate(value):
        if isinstance(item, list) and item:
            head = item[0]
            if isinstance(head, Typed) and head[1:2] == ":" and head[2:] in STEP_NAMES:
                item[0] = head[2:]
            value[place] = with_step_names(item)
    return value
