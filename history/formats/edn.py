"""EDN, as Clojure prints data (edn-format.org): the reader, with line numbers.

nil, true, false, integers, decimals, characters, strings, keywords, symbols, lists, vectors, maps, sets,
tags (`#inst "..."`: the tag is dropped), `#_` and comments. Keywords and symbols become texts without
the colon; sets become sorted lists. Maps keep their keys as texts where those are keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from history.history import HistoryError

TOKEN = re.compile(
    r"""(?P<space>[\s,]+|;[^\n]*)
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<open>\#\{|[\[({])
    |(?P<close>[\])}])
    |(?P<discard>\#_)
    |(?P<tag>\#[^\s,"()\[\]{}]+)
    |(?P<character>\\(?:newline|space|tab|return|u[0-9a-fA-F]{4}|.))
    |(?P<atom>[^\s,"()\[\]{};]+)""",
    re.VERBOSE | re.DOTALL,
)
INTEGER = re.compile(r"[+-]?\d+N?$")
DECIMAL = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?M?$")
CONSTANTS = {"nil": None, "true": True, "false": False}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
CLOSES = {"[": "]", "(": ")", "{": "}", "#{": "}"}
DISCARD = object()


def forms(text: str, source: str) -> Iterator[tuple[int, Any]]:
    """The line and value of each top-level form.

    Raises:
        HistoryError: the text is not EDN; with the line.
    """
    reader = _Reader(text, source)
    while (form := reader.form()) is not None:
        yield form


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._at = 0
        self._line = 1

    def _error(self, rule: str) -> HistoryError:
        return HistoryError(self._line, rule, self._source)

    def _token(self) -> tuple[str, str] | None:
        while self._at < len(self._text):
            match = TOKEN.match(self._text, self._at)
            if match is None or match.lastgroup is None:
                raise self._error(f"not EDN: {self._text[self._at : self._at + 20]!r}")
            token = match.group()
            self._at = match.end()
            if match.lastgroup != "space":
                return match.lastgroup, token
            self._line += token.count("\n")
        return None

    def form(self) -> tuple[int, Any] | None:
        """The next top-level form, or None at the end."""
        while (token := self._token()) is not None:
            line = self._line
            value = self._value(*token)
            if value is not DISCARD:
                return line, value
        return None

    def _value(self, kind: str, token: str) -> Any:
        match kind:
            case "atom":
                return self._atom(token)
            case "text":
                self._line += token.count("\n")
                return ESCAPE.sub(self._escaped, token[1:-1])
            case "open":
                return self._collection(token)
            case "character":
                names = {"newline": "\n", "space": " ", "tab": "\t", "return": "\r"}
                name = token[1:]
                return names.get(name) or (chr(int(name[1:], 16)) if len(name) == 5 else name)
            case "tag" | "discard":
                following = self._token()
                if following is None or following[0] == "close":
                    raise self._error(f"nothing follows {token}")
                value = self._value(*following)
                if value is DISCARD:  # what was to follow was itself discarded: the next one it is
                    return self._value(kind, token)
                return DISCARD if kind == "discard" else value
        raise self._error(f"unexpected {token!r}")

    def _collection(self, opened: str) -> Any:
        items: list[Any] = []
        while True:
            token = self._token()
            if token is None:
                raise self._error(f"{opened!r} is never closed")
            if token[0] == "close":
                break
            value = self._value(*token)
            if value is not DISCARD:
                items.append(value)
        if token[1] != CLOSES[opened]:
            raise self._error(f"{token[1]!r} closes {opened!r}")
        if opened == "#{":
            return sorted(items, key=repr)
        if opened != "{":
            return items
        if len(items) % 2:
            raise self._error("a map with a key and no value")
        return {
            key if isinstance(key, str) else repr(key): value
            for key, value in zip(items[::2], items[1::2], strict=True)
        }

    def _atom(self, token: str) -> Any:
        if token in CONSTANTS:
            return CONSTANTS[token]
        if token.startswith(":"):
            return token[1:]
        if INTEGER.match(token):
            return int(token.rstrip("N"))
        if DECIMAL.match(token):
            return float(token.rstrip("M"))
        return token

    def _escaped(self, match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in ESCAPES:
            raise self._error(f"unknown escape \\{code} in a text")
        return ESCAPES[code]
