"""Values of operations: how they lie in a history as JSON, and how they are compared and shown.

A value is JSON-like. Files of other tools have more types than JSON: EDN has keywords, characters, sets,
exact decimals and more, and `:a`, `"a"` and `\\a` are three different values. Such a value becomes JSON that
no other value becomes, so equal JSON is an equal value:

| written in the file | JSON of the history |
|---|---|
| `1`, `"a"`, `true`, `nil` | itself: `1`, `"a"`, `true`, `null` |
| `[1 2]`, `(1 2)` | `[1,2]`; as in Clojure, lists equal vectors |
| `:a`, `\\a`, `1.5M`, `1/2`, `##Inf`, a symbol | a text: `MARK` and then what was written |
| `#{1 2}`, `#inst "2020"` | a list whose first item is a text: `MARK` and then `#{` or the tag |
| `{:a 1}`, `{0 1}` | an object; its names are the keyword without colon, and the digits |
| `{"a" 1}`, and any other key | an object; a name is `MARK` and then what was written |
| a text that begins with `MARK` | a text with one more `MARK` before it |

Plain numbers and texts cost nothing. In Python, `True == 1 == 1.0`; in a history these are three values.
`frozen` makes hashable values that differ exactly where the JSON differs, and that also compute as Python's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

MARK: Final = "\ue000"
"""A character for private use, which texts do not have."""
DEEPEST = 200
"""How deep the values of a file may be nested; what reads them may call itself once a level."""


class Typed(str):
    """A text that stands for a value of a type which JSON lacks; it is shown as the file wrote it."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = self[1:]
        return quoted(shown) if shown.startswith(MARK) else shown

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)


SET: Final = Typed(MARK + "#{")
"""The first item of a list that stands for a set."""
MAP: Final = Typed(MARK + "{")
"""The first item of the tuple of pairs that `frozen` makes of an object."""


class Boolean:
    """True or false as a value that differs from every number, unlike Python's."""

    __slots__ = ("_is_true",)

    def __init__(self, is_true: bool) -> None:
        self._is_true = is_true

    def __bool__(self) -> bool:
        return self._is_true

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._is_true

    def __hash__(self) -> int:
        return hash(self._is_true)

    def __repr__(self) -> str:
        return "true" if self._is_true else "false"


TRUE, FALSE = Boolean(True), Boolean(False)


class Real(float):
    """A number with a point, which differs from every whole number, unlike Python's."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and float.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return float.__hash__(self)


_NUMBERS: Final = frozenset({int, type(None)})


def frozen(value: Any) -> Any:
    """A JSON-like value as a hashable one, such that two are equal exactly if the values are.

    Lists become tuples, sets frozensets, objects tuples of pairs after `MAP`; true and false become `TRUE`
    and `FALSE`.
    """
    kind = type(value)
    if kind is int or value is None:
        return value
    if kind is str:
        return Typed(value) if value.startswith(MARK) else value
    if kind is bool:
        return TRUE if value else FALSE
    if kind is float:
        return Real(value)
    if kind is not list and isinstance(value, Mapping):
        pairs = [(Typed(name) if name.startswith(MARK) else name, frozen(v)) for name, v in value.items()]
        return (MAP, *sorted(pairs, key=lambda pair: pair[0]))
    if isinstance(value, list | tuple):
        if all(map(_NUMBERS.__contains__, map(type, value))):
            return tuple(value)
        items = [frozen(item) for item in value]
        return frozenset(items[1:]) if items and items[0] == SET else tuple(items)
    return value


def elements(value: Any) -> list[Any] | None:
    """The items of a list or of a set; None of any other value."""
    if not isinstance(value, list | tuple):
        return None
    tag = _tag(value)
    if tag is None:
        return list(value)
    return list(value[1:]) if tag == SET else None


def _tag(value: Sequence[Any]) -> str | None:
    """What a list stands for, if it is not a list: `SET`, `MAP`, or a mark and a tag."""
    head = value[0] if value else None
    if not isinstance(head, str) or not head.startswith(MARK):
        return None
    is_tag = head == MAP or (head[1:2] == "#" and head[2:3] != "#")
    return head if is_tag else None


def _plain(value: object) -> str:
    """What the encoder is to write for a `Typed`."""
    if isinstance(value, Typed):
        return str.__str__(value)
    raise TypeError(f"a value is JSON-like, not {type(value).__name__}")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encoded(value: Any) -> str:
    """A JSON-like value as the JSON text of a history."""
    return _encoder.encode(value).decode()


def decoded(text: str) -> Any:
    """The value of a JSON text; texts with a mark become `Typed`."""
    value = msgspec.json.decode(text)
    return _typed(value) if MARK in text else value


def _typed(value: Any) -> Any:
    if isinstance(value, str):
        return Typed(value) if value.startswith(MARK) else value
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, dict):
        return {_typed(name): _typed(item) for name, item in value.items()}
    return value


def quoted(text: str) -> str:
    """A text in quotes, with nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in encoded(text))


def in_words(value: Any) -> str:
    """A value as its file wrote it: `:a`, `"a"`, `true`, `nil`, `[1 2]`, `#{1 2}`.

    The value may also be a frozen one.
    """
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case Typed():
            return repr(value)
        case str():
            return repr(Typed(value)) if value.startswith(MARK) else quoted(value)
        case frozenset():
            return "#{" + " ".join(sorted(map(in_words, value))) + "}"
        case Mapping():
            return "{" + ", ".join(f"{_name(name)} {in_words(item)}" for name, item in value.items()) + "}"
        case list() | tuple():
            return _sequence(value)
        case _:
            return repr(value)


def key_in_words(key: str) -> str:
    """A key of a history: a text as it is, anything else as its file wrote it."""
    return in_words(key) if key.startswith(MARK) else key


def _sequence(value: Sequence[Any]) -> str:
    tag = _tag(value)
    if tag == SET:
        return "#{" + " ".join(map(in_words, value[1:])) + "}"
    if tag == MAP:
        return "{" + ", ".join(f"{_name(name)} {in_words(item)}" for name, item in value[1:]) + "}"
    if tag is not None:
        return " ".join([tag[1:], *map(in_words, value[1:])])
    return "[" + " ".join(map(in_words, value)) + "]"


def _name(name: str) -> str:
    return name[1:] if name.startswith(MARK) else name
