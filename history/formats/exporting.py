"""Writes a history for other tools: Jepsen's `history.edn`, and the text that Porcupine's tests read.

What is written is read again by `history.formats.read`, with the same operations; a test holds that. (Only
the names in maps that are no keywords of Clojure's, such as `a/b`, come back as texts in quotes.) A format
that lacks an operation says so, or leaves it out where that can hide a violation and make none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from history.formats.events import STEP_NAMES
from history.history import History, HistoryError
from history.operation import NEMESIS, Operation
from history.values import MARK, in_words, quoted

_KEYWORD = re.compile(r"[A-Za-z0-9*!_?<>=.&$%+-][A-Za-z0-9*!_?<>=.&$%#:+-]*")
"""What Clojure reads as the name of a keyword; without a namespace."""
_DIGITS = re.compile(r"-?\d+")
_PLAIN = re.compile(r"[^\"\\\x00-\x1f]*")
"""Texts that stand between quotes as they are."""
GETS = frozenset({"lookup", "read", "get"})
PUTS = frozenset({"register", "write", "put"})
REMOVES = frozenset({"deregister"})
APPENDS = frozenset({"append"})
OF_ONE_KEY = GETS | PUTS | REMOVES | APPENDS
LEFT_OUT = frozenset(
    {"list", "subscribe", "final-list", "final-local", "stale-lookup", "stale-list", "members", "beat"}
)
"""Operations that change no value, for which Porcupine's text has no line."""


class Written(NamedTuple):
    """A history in another format."""

    lines: list[str]
    left_out: int
    """How many operations the format does not have."""
    read_as: str
    """The format that reads it as it was meant. Without it, `[key nil]` in a file may also be a value."""


def jepsen_edn(history: History) -> Written:
    """One map an event. The value of an operation on a key is `[key value]`, as `jepsen.independent` has it;
    if some operations of clients have no key, keys stand in `:key`."""
    clients = [operation for operation in history if operation.process != NEMESIS]
    is_independent = all(operation.key is not None for operation in clients)
    lines = [_event(operation, independent=is_independent) for operation in history]
    return Written(lines, 0, "jepsen-edn-independent" if is_independent else "jepsen-edn")


def _event(operation: Operation, *, independent: bool) -> str:
    is_nemesis = operation.process == NEMESIS
    value = _edn(operation.value)
    fields = {
        "type": ":info" if is_nemesis else f":{operation.type}",
        "f": _keyword(operation.f),
        "value": value,
        "process": ":nemesis" if is_nemesis else str(operation.process),
        "time": str(operation.time),
        "index": str(operation.index),
    }
    if operation.key is not None and not is_nemesis:
        key = operation.key if _DIGITS.fullmatch(operation.key) else in_words(operation.key)
        fields |= {"value": f"[{key} {value}]"} if independent else {"key": key}
    if operation.error is not None:
        fields["error"] = quoted(operation.error)
    if operation.node is not None:
        fields["node"] = quoted(operation.node)
    if operation.raft_index is not None:
        fields["raft-index"] = str(operation.raft_index)
    return f"{{{', '.join(f':{name} {text}' for name, text in fields.items())}}}"


def _keyword(name: str) -> str:
    return f":{name}" if _KEYWORD.fullmatch(name) else quoted(name)


def _edn(value: Any) -> str:
    """A value; the names of steps of transactions, and those of maps, are keywords."""
    match value:
        case Mapping():
            return "{" + ", ".join(f"{_name(name)} {_edn(item)}" for name, item in value.items()) + "}"
        case [str(first), *rest] if first.startswith(MARK):  # what JSON has no form for
            return in_words([first, *rest])
        case [str(step), *rest] if step in STEP_NAMES:
            return " ".join([f"[:{step}", *map(_edn, rest)]) + "]"
        case list() | tuple():
            return f"[{' '.join(map(_edn, value))}]"
    return in_words(value)


def _name(name: str) -> str:
    if name.startswith(MARK):
        return name[1:]
    if _DIGITS.fullmatch(name):
        return name
    return _keyword(name)


def porcupine_kv(history: History) -> Written:
    """The operations of a store of texts by key as `get`, `put` and `append`, without times.

    An operation that failed is left out with its line; one whose outcome is not known has no second line. A
    key that was removed holds the empty text, as one that was never written does.

    Raises:
        HistoryError: an operation has no form there.
    """
    lines: list[str] = []
    left_out = 0
    for operation in history:
        if operation.process == NEMESIS:
            continue
        if operation.f in LEFT_OUT:
            left_out += operation.type == "invoke"
            continue
        begun = operation if operation.type == "invoke" else history.invocation(operation)
        end = history.completion(begun)
        is_over = end is not None and end.type == "fail"
        if operation.f not in OF_ONE_KEY or operation.key is None:
            raise HistoryError(operation.index + 1, f"Porcupine's text has no {operation.f!r}", "the history")
        if is_over or operation.type == "info":
            left_out += is_over and operation.type == "invoke"
            continue
        lines.append(_kv(operation, begun))
    return Written(lines, left_out, "porcupine-kv")


def _kv(operation: Operation, begun: Operation) -> str:
    if operation.f in GETS:
        f, value = "get", None if operation.type == "invoke" else operation.value or ""
    elif operation.f in APPENDS:
        f, value = "append", begun.value
    else:
        f, value = "put", "" if operation.f in REMOVES else begun.value
    key = _text_of(operation.key)
    for text in (key, value):
        if not (text is None or (isinstance(text, str) and _PLAIN.fullmatch(text))):
            rule = f"Porcupine's text holds plain texts, not {in_words(text)[:60]}"
            raise HistoryError(operation.index + 1, rule, "the history")
    shown = "nil" if value is None else f'"{value}"'
    return f'{{:process {operation.process}, :type :{operation.type}, :f :{f}, :key "{key}", :value {shown}}}'


def _text_of(key: str | None) -> str | None:
    """A key as a text; one of digits is marked, since without quotes it would be a number."""
    quoted_digits = f'{MARK}"'
    return key[2:-1] if key is not None and key.startswith(quoted_digits) else key


WRITERS: Mapping[str, Callable[[History], Written]] = {"edn": jepsen_edn, "porcupine": porcupine_kv}
"""By the name that `ackproof export --to` takes."""
