"""How reports write values: safe characters, times with a fitting unit, figures, short JSON.

Everything in a recording may hold any text: a node's log line, a key from a fuzzer. What a page, a
terminal or an XML file cannot carry, or what would deceive its reader (controls, lone surrogates,
direction overrides), is shown by its escape instead of silently dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from checkers.words import count
from history.units import MICROSECOND_NS, MILLISECOND_NS, SECOND_NS

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str) -> str:
    """`text` with controls (but tab and newline), surrogates and direction overrides as visible escapes."""
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the last an ellipsis where something was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


_TIME = re.compile(r"\d s\b")


def has_time(text: str) -> bool:
    """Whether a sentence says when something happened: `at 3.750 s`."""
    return _TIME.search(text) is not None


def first_sentence(text: str) -> str:
    """The first sentence of a text, without its full stop."""
    return text.partition(". ")[0].removesuffix(".")


def last_sentence(text: str) -> str:
    """The last sentence of a text, without its full stop."""
    return text.removesuffix(".").rpartition(". ")[2]


def uncapitalized(sentence: str) -> str:
    """A sentence as it continues another one."""
    return sentence[:1].lower() + sentence[1:]


def seconds(ns: int | float) -> str:
    """A point in a run's time, to the millisecond: `12.345 s`."""
    return f"{ns / SECOND_NS:.3f} s"


def duration(ns: int | float) -> str:
    """A length of time in a fitting unit, three digits or so: `850 µs`, `3.2 ms`, `2.01 s`, `4 min 10 s`."""
    if ns < MICROSECOND_NS:
        return f"{ns:.0f} ns"
    if ns < MILLISECOND_NS:
        return f"{_digits(ns / MICROSECOND_NS)} µs"
    if ns < SECOND_NS:
        return f"{_digits(ns / MILLISECOND_NS)} ms"
    if ns < 120 * SECOND_NS:
        return f"{_digits(ns / SECOND_NS)} s"
    minutes, rest = divmod(round(ns / SECOND_NS), 60)
    return f"{minutes} min {rest} s"


def _digits(number: float) -> str:
    places = 2 if number < 10 else 1 if number < 100 else 0
    text = f"{number:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """A share of the whole: `99.2 %`; `100 %` only for all of it."""
    shown = f"{_digits(share * 100)} %"
    return "> 99.9 %" if share < 1 and shown == "100 %" else shown


def times(factor: float) -> str:
    """How many times as much: `3.1 times`."""
    return f"{_digits(factor)} times"


def size(bytes_: int) -> str:
    """A number of bytes in powers of 1000: `1.4 MB`."""
    number = float(bytes_)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{_digits(number)} {unit}"
        number /= 1000
    return f"{_digits(number)} TB"


def short(value: Any, length: int = 60) -> str:
    """A JSON-like value in one line for a label: `r17`, `id r17, weight 1`, `[3] a, b, c`, `null`."""
    line = _one_line(value, depth=0).replace("\n", "\\n").replace("\t", "\\t")
    return shorten(line, length)


def _one_line(value: Any, depth: int) -> str:
    match value:
        case None:
            return "null"
        case str():
            return clean(value)
        case bool():
            return "true" if value else "false"
        case Mapping():
            if depth > 2:
                return "{…}"
            inner = ", ".join(f"{clean(str(k))} {_one_line(v, depth + 1)}" for k, v in value.items())
            return f"{{{inner}}}" if depth else inner
        case list() | tuple():
            if depth > 2:
                return "[…]"
            shown = ", ".join(_one_line(item, depth + 1) for item in value[:8])
            return f"[{len(value)}] {shown}" + (", …" if len(value) > 8 else "")
        case float():
            return f"{value:.6g}"
        case _:
            return clean(str(value))


def exact(value: Any) -> str:
    """A value without cuts: text as it is, all else as JSON (or its `repr`, where JSON has none for it)."""
    if isinstance(value, str):
        return clean(value)
    try:
        return clean(msgspec.json.encode(value).decode())
    except (TypeError, ValueError):  # ValueError: lone surrogates in a text, integers beyond 64 bits
        return clean(repr(value))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """A nested mapping as rows (path, text), depth first; a list of plain values is one row."""
    match value:
        case Mapping() if value or not path:
            for name, inner in value.items():
                text = clean(str(name))
                yield from leaves(inner, f"{path} · {text}" if path else text)
        case list() | tuple() if any(isinstance(item, Mapping) for item in value):
            for number, item in enumerate(value):
                yield from leaves(item, f"{path}[{number}]")
        case float():
            yield path, f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
        case None:
            yield path, "none"
        case bool():
            yield path, _one_line(value, 0)
        case int():
            yield path, count(value)
        case list() | tuple():
            shown = ", ".join(_one_line(item, 1) for item in value[:40]) or "none"
            yield path, shown if len(value) <= 40 else f"{shown}, … ({count(len(value))} in all)"
        case _:
            yield path, exact(value)
