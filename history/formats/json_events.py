"""JSON events: an array as elle-cli reads it, one object a line, or an array under "history".

`{"type": "invoke", "f": "cas", "value": [0, 1], "process": 3, "time": 1234, "index": 7}`. Fields have the
names of Jepsen's. A whole million of events is decoded at once, into arrays; only a file with something
unusual is read event by event, which says where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from history.formats.builder import (
    MOST_CLIENT,
    NO_TIME,
    TYPE_CODES,
    Builder,
    Events,
    Vocabulary,
)
from history.formats.edn import MOST_DIGITS
from history.formats.events import error_text, key_text, process_of, shortened
from history.history import HistoryError
from history.limits import MOST_TOKENS_OF_AN_EVENT
from history.values import DEEPEST, MARK, encoded, in_words

NULL = msgspec.Raw(b"null")
LEAST_OF_AN_EVENT = 24
"""Characters; `{"type":"ok","f":"r","process":0}` has some more."""
MOST_SHORT_OBJECTS = 4_000_000
"""Four million objects take about 0.5 GB; a file with fewer is read whatever their lengths are."""


Scalar = str | int | float | bool | None


class JsonEvent(msgspec.Struct):
    """The fields of an event. What may be long stays undecoded at first, and an object without a type is no
    event: else a file of brackets alone would take many times its size.
    """

    type: Scalar
    f: Scalar = None
    process: Scalar = None
    value: msgspec.Raw = NULL
    key: msgspec.Raw = NULL
    time: Scalar = None
    error: msgspec.Raw = NULL


class _File(msgspec.Struct):
    history: list[JsonEvent]


def read_json(text: str, source: str) -> Events:
    """Read events.

    Raises:
        HistoryError: an event cannot be read; with its line.
    """
    start = text.lstrip()[:200]
    refuse_if_hollow(text, source)
    if start.startswith("["):
        found = _decoded(text, list[JsonEvent], source)
        return _events(found, _lines_of(text, len(found)), source)
    if re.match(r'\{\s*"history"\s*:', start):
        found = _decoded(text, _File, source).history
        return _events(found, _lines_of(text, len(found)), source)
    try:
        found = msgspec.json.Decoder(JsonEvent).decode_lines(text)
        if "\n\n" not in text.strip() and "\n " not in text:
            return _events(
                found, range(1 + text[: len(text) - len(text.lstrip())].count("\n"), 1 << 62), source
            )
    except (msgspec.DecodeError, RecursionError):
        pass  # the line is found below
    return _line_by_line(text, source)


def refuse_if_hollow(text: str, source: str) -> None:
    """Refuse a large file whose objects are too short to be events, before each of them takes its memory."""
    objects = text.count("{")
    if objects > MOST_SHORT_OBJECTS and objects * LEAST_OF_AN_EVENT > len(text):
        raise HistoryError(
            1,
            f"{objects:,} objects in {len(text):,} characters: an event has a type, a name and a process, "
            f"at least {LEAST_OF_AN_EVENT} characters",
            source,
        )


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Each line and its number. A list of them all could be much larger than the text."""
    number, start = 1, 0
    while (end := text.find("\n", start)) >= 0:
        yield number, text[start:end]
        number, start = number + 1, end + 1
    yield number, text[start:]


def _line_by_line(text: str, source: str) -> Events:
    decode = msgspec.json.Decoder(JsonEvent).decode
    found: list[JsonEvent] = []
    lines: list[int] = []
    for number, line in numbered(text):
        if not line.strip():
            continue
        try:
            found.append(decode(line))
        except (msgspec.DecodeError, RecursionError) as damage:
            raise HistoryError(number, _damage(damage), source) from None
        lines.append(number)
    return _events(found, lines, source)


def _damage(damage: Exception) -> str:
    if isinstance(damage, RecursionError):
        return f"nesting too deep: more than {DEEPEST} levels"
    return f"not an event: {shortened(str(damage))}"


def _decoded(text: str, kind: Any, source: str) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as damage:
        byte = re.search(r"\(byte (\d+)\)", str(damage))
        event = re.search(r"\$(?:\.history)?\[(\d+)\]", str(damage))
        line = text.encode()[: int(byte[1])].count(b"\n") + 1 if byte else 1
        if event:
            line = _lines_of(text, int(event[1]) + 1)[int(event[1])]
        if isinstance(damage, RecursionError):
            line = _line_too_deep(text)
        raise HistoryError(line, _damage(damage), source) from None


TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]|\n', re.DOTALL)


def _line_too_deep(text: str) -> int:
    depth, line = 0, 1
    for token in TOKENS.finditer(text):
        what = token.group()
        if what in "[{":
            depth += 1
            if depth > DEEPEST:
                return line
        elif what in "]}":
            depth -= 1
        else:
            line += what.count("\n")
    return line


def _lines_of(text: str, count: int) -> Sequence[int]:
    """The line of each event of an array."""
    if "\n" not in text.rstrip():
        return [1] * count
    own = [number for number, line in numbered(text) if '{"' in line[:40].replace(" ", "")]
    if len(own) == count:
        return own
    lines, depth, line = [], 0, 1
    outermost = 2 if text.lstrip().startswith("{") else 1
    for token in TOKENS.finditer(text):
        what = token.group()
        if what in "[{":
            if depth == outermost and what == "{":
                lines.append(line)
            depth += 1
        elif what in "]}":
            depth -= 1
        else:
            line += what.count("\n")
    return [*lines, *[line] * (count - len(lines))]


def _events(found: Sequence[JsonEvent], lines: Sequence[int], source: str) -> Events:
    """The events as arrays: all at once where every field has its usual type, else one by one."""
    value, texts = _each_once([event.value for event in found], canonical, lines, source)
    key, keys = _each_once([event.key for event in found], _plain, lines, source)
    error, errors = _each_once([event.error for event in found], _plain, lines, source)
    decoded = _Decoded(
        found, lines, value, texts, [keys[code] for code in key], [errors[code] for code in error]
    )
    fast = _at_once(decoded)
    return fast if fast is not None else _one_by_one(decoded, source)


class _Decoded(NamedTuple):
    """The events of a file, and by event what stayed undecoded at first."""

    events: Sequence[JsonEvent]
    lines: Sequence[int]
    value: list[int]
    """The code of the event's value, an index of `texts`."""
    texts: Sequence[str]
    keys: Sequence[Any]
    errors: Sequence[Any]


def _each_once(
    raws: Sequence[msgspec.Raw], decode: Callable[[bytes], Any], lines: Sequence[int], source: str
) -> tuple[list[int], list[Any]]:
    """By event, the code of its text; and what each text means, decoded once.

    Raises:
        HistoryError: a text cannot be decoded; with the line of the first event that has it.
    """
    known: dict[bytes, int] = {}
    codes = [known.setdefault(bytes(raw), len(known)) for raw in raws]
    meant: list[Any] = []
    for raw in known:
        try:
            meant.append(decode(raw))
        except ValueError as refusal:
            raise HistoryError(lines[codes.index(len(meant))], str(refusal), source) from None
    return codes, meant


def _at_once(decoded: _Decoded) -> Events | None:
    found = decoded.events
    f, keys, errors = Vocabulary(), Vocabulary(), Vocabulary()
    try:
        process = np.array([event.process for event in found])
        time = np.array([NO_TIME if event.time is None else event.time for event in found])
        kinds: list[Any] = [event.type for event in found]
        types = np.array([TYPE_CODES[kind] for kind in kinds], dtype=np.int8)
        names: list[Any] = [event.f for event in found]
        f_codes = np.array([f.code(name) for name in names], dtype=np.int64)
        key_codes = np.array([keys.code(key) for key in decoded.keys], dtype=np.int64)
        error_codes = np.array([errors.code(error) for error in decoded.errors], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    known = (f.texts, keys.texts, errors.texts)
    if process.dtype != np.int64 or time.dtype != np.int64 or not len(found):
        return None
    if process.min() < 0 or process.max() >= MOST_CLIENT or time.min() < NO_TIME or time.max() >= MOST_CLIENT:
        return None
    if any(type(name) is not str or name[:1].isdecimal() or name[:1] == "-" for own in known for name in own):
        return None
    canonical_codes, values = _values(decoded.texts)
    return Events(
        np.fromiter(decoded.lines, np.int64, len(found)), time, process, (), types, f_codes, f.texts,
        key_codes, keys.texts, canonical_codes[decoded.value], values, error_codes, errors.texts,
    )  # fmt: skip


def _values(texts: Sequence[str]) -> tuple[Any, tuple[str, ...]]:
    """By raw text, the code of its canonical text; and those texts."""
    known = Vocabulary()
    codes = np.array([known.code(None if text == "null" else text) for text in texts], dtype=np.int64)
    return codes, known.texts


def _one_by_one(decoded: _Decoded, source: str) -> Events:
    builder = Builder(source)
    found, lines, value, texts, keys, errors = decoded
    for event, code, line, key, error in zip(found, value, lines, keys, errors, strict=False):
        type_, f = event.type, event.f
        if not isinstance(type_, str):
            raise builder.refusal(line, f'"type" is {shortened(in_words(type_))}, not a name')
        if not isinstance(f, str | None):
            raise builder.refusal(line, f'"f" is {shortened(in_words(f))}, not a name')
        if event.time is not None and type(event.time) is not int:
            raise builder.refusal(line, f'"time" is {shortened(in_words(event.time))}, not whole nanoseconds')
        builder.add(
            line,
            process_of(builder, line, event.process),
            type_,
            f,
            key_text(key),
            texts[code],
            time=event.time,
            error=error_text(error),
        )
    return builder.events()


UNUSUAL = re.compile(rb"[\s\\{.\xee]|\d[eE]|-0")
"""In JSON that has none of these, an equal value is an equal text."""


TOO_LONG = re.compile(rb"\d{%d}" % (MOST_DIGITS + 1))


def canonical(raw: bytes) -> str:
    """The one text of a JSON value in a history.

    Raises:
        ValueError: it is nested too deeply, or has a number that is too long.
    """
    _refuse_if_large(raw)
    if raw.count(b"[") + raw.count(b"{") > DEEPEST and _depth(raw) > DEEPEST:
        raise ValueError(f"nesting too deep: more than {DEEPEST} levels")
    if len(raw) > MOST_DIGITS and TOO_LONG.search(raw):
        raise ValueError(f"a number of more than {MOST_DIGITS} digits")
    if UNUSUAL.search(raw) is None:
        return raw.decode()
    try:
        return encoded(marked(msgspec.json.decode(raw)))
    except msgspec.DecodeError as damage:
        raise ValueError(f"a value that cannot be read: {damage}") from None


def _plain(raw: bytes) -> Any:
    _refuse_if_large(raw)
    return msgspec.json.decode(raw)


def _refuse_if_large(raw: bytes) -> None:
    most = MOST_TOKENS_OF_AN_EVENT
    if len(raw) > most and raw.count(b",") + raw.count(b"[") + raw.count(b"{") > most:
        raise ValueError(f"an event of more than {most:,} numbers, texts and brackets")


def marked(value: Any) -> Any:
    """A value of a JSON file as a value of a history: texts that begin with `MARK` get one more; names
    sorted.
    """
    if isinstance(value, str):
        return MARK + value if value.startswith(MARK) else value
    if isinstance(value, list):
        return [marked(item) for item in value]
    if isinstance(value, dict):
        return {marked(name): marked(value[name]) for name in sorted(value)}
    return value


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for token in TOKENS.finditer(raw.decode()):
        what = token.group()
        depth += (what in "[{") - (what in "]}")
        deepest = max(deepest, depth)
    return deepest
