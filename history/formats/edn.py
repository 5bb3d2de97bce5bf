"""EDN, as Clojure prints data (edn-format.org): the reader, with line numbers.

nil, true, false, numbers of all kinds, characters, texts, keywords, symbols, lists, vectors, maps, sets,
tags, `#_` and comments. `history.values` says as what each type is read. As in Clojure, a list equals a
vector of the same items, `1` is not `1.0`, and `1.0M` is not `1.00M`.

The reader never calls itself, so no nesting exhausts Python's stack; nesting of more than `DEEPEST` levels is
refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from history.history import HistoryError
from history.limits import MOST_TOKENS_OF_AN_EVENT
from history.values import DEEPEST, MARK, SET, Typed, encoded, in_words

TOKEN = re.compile(
    r"""(?P<space>[\s,]+|;[^\n]*)
    |(?P<text>"(?:[^"\\]|\\.)*+")
    |(?P<open>\#\{|[\[({])
    |(?P<close>[\])}])
    |(?P<discard>\#_)
    |(?P<atom>\#\#(?:Inf|-Inf|NaN)|[^\s,"()\[\]{};#\\][^\s,"()\[\]{};]*)
    |(?P<tag>\#[^\s,"()\[\]{};#_][^\s,"()\[\]{};]*)
    |(?P<character>\\(?:newline|space|tab|return|backspace|formfeed|u[0-9a-fA-F]{4}|.))""",
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "\\": "\\"}
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
SURROGATE = re.compile("[\ud800-\udfff]")
CLOSES = {"[": "]", "(": ")", "{": "}", "#{": "}"}
CHARACTERS = {
    "newline": "\n",
    "space": " ",
    "tab": "\t",
    "return": "\r",
    "backspace": "\b",
    "formfeed": "\f",
}
NAMES_OF_CHARACTERS = {character: name for name, character in CHARACTERS.items()}
HISTORY = Typed(f"{MARK}:history")
MOST_DIGITS = 4000
"""Python takes this long a number without being asked twice."""
DIGITS = re.compile(r"-?\d+\Z")


def forms(text: str, source: str) -> Iterator[tuple[int, Any, int]]:
    """The line and value of each top-level form, and the place in the text after it.

    Raises:
        HistoryError: the text is not EDN; with the line.
    """
    return _Reader(text, source).forms(spread=False)


def records(text: str, source: str) -> Iterator[tuple[int, Any, int]]:
    """The same, but each item of a list or vector at the top by itself, without the tag that it may have.

    So it is with a map at the top that has `:history`: of the map, only these items are read.

    Raises:
        HistoryError: the text is not EDN; with the line.
    """
    return _Reader(text, source).forms(spread=True)


class _Open:
    """A collection, tag or `#_` that waits for what belongs to it."""

    __slots__ = ("base", "is_spread", "items", "line", "opened")

    def __init__(self, opened: str, line: int, base: int) -> None:
        self.opened = opened
        self.line = line
        self.base = base
        """How many collections were open around what was yielded before this one."""
        self.is_spread = False
        """Its items are yielded one by one; of a map, those of its `:history`."""
        self.items: list[Any] = []

    @property
    def waits_for_one(self) -> bool:
        return self.opened not in CLOSES


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._line = 1

    def _error(self, rule: str, line: int | None = None) -> HistoryError:
        return HistoryError(self._line if line is None else line, rule, self._source)

    def forms(self, *, spread: bool) -> Iterator[tuple[int, Any, int]]:
        """The top-level forms; with `spread`, the items of those that are lists or vectors instead."""
        text, at, match_at = self._text, 0, TOKEN.match
        stack: list[_Open] = []
        tokens = 0
        base = 0
        """How many collections are open around what is yielded: those that are spread, and their tags."""
        while at < len(text):
            match = match_at(text, at)
            if match is None:
                raise self._error(f"not EDN: {text[at : at + 20]!r}")
            at = match.end()
            kind, token = match.lastgroup, match.group()
            if kind == "space":
                self._line += token.count("\n")
                continue
            line = self._line
            tokens += 1
            if tokens > MOST_TOKENS_OF_AN_EVENT:
                raise self._error(
                    f"an event of more than {MOST_TOKENS_OF_AN_EVENT:,} numbers, texts and brackets"
                )
            if kind == "open" or kind == "tag" or kind == "discard":
                if len(stack) > DEEPEST:
                    raise self._error(f"nesting too deep: more than {DEEPEST} levels")
                opened = _Open(token, line, base)
                if spread and kind == "open" and token in ("[", "(") and _holds_events(stack, base):
                    if stack:
                        stack[-1].is_spread = True
                    opened.is_spread = True
                    base = len(stack) + 1
                stack.append(opened)
                continue
            if kind == "close":
                value = self._closed(stack, token)
                closed = stack.pop()
                line = closed.line
                if closed.is_spread:
                    base = closed.base
                    if closed.opened != "{":
                        if stack:
                            stack[-1].items.append(None)  # :history has been read
                        continue
                    while len(stack) > base:
                        stack.pop()  # its tags
                    tokens = 0
                    continue
            else:
                value = self._scalar(kind, token)
            while len(stack) > base and stack[-1].waits_for_one:  # tags and `#_` end with what follows them
                tag = stack.pop()
                line = tag.line
                if tag.opened == "#_":
                    break
                value = self._tagged(tag.opened, value, drop=spread and len(stack) == base)
            else:
                if len(stack) > base:
                    stack[-1].items.append(value)
                else:
                    yield line, value, at
                    tokens = 0
        if stack:
            what = stack[-1].opened
            raise self._error(
                f"nothing follows {what}" if stack[-1].waits_for_one else f"{what!r} is never closed",
            )

    def _closed(self, stack: list[_Open], token: str) -> Any:
        if not stack:
            raise self._error(f"unexpected {token!r}")
        opened, items = stack[-1].opened, stack[-1].items
        if stack[-1].waits_for_one:
            raise self._error(f"nothing follows {opened}")
        if token != CLOSES[opened]:
            raise self._error(f"{token!r} closes {opened!r}")
        if opened == "#{":
            different = {encoded(item): item for item in items}
            return [SET, *(different[key] for key in sorted(different))]
        if opened != "{":
            return items
        if len(items) % 2:
            raise self._error("a map with a key and no value")
        pairs = sorted(zip(map(_name, items[::2]), items[1::2], strict=True), key=lambda pair: pair[0])
        return dict(pairs)

    def _tagged(self, tag: str, value: Any, *, drop: bool) -> Any:
        """A value after its tag; `#:name{...}` gives its keywords that namespace."""
        if isinstance(value, dict) and tag.startswith("#:"):
            prefix = tag[2:]
            return {
                name if name.startswith(MARK) or DIGITS.match(name) or "/" in name else f"{prefix}/{name}": v
                for name, v in value.items()
            }
        return value if drop else [Typed(MARK + tag), value]

    def _scalar(self, kind: str | None, token: str) -> Any:
        if kind == "text":
            self._line += token.count("\n")
            value = self._unescaped(token[1:-1]) if "\\" in token else token[1:-1]
            return MARK + value if value.startswith(MARK) else value
        if kind == "character":
            name = token[1:]
            character = CHARACTERS.get(name) or (self._unescaped(token) if len(name) == 5 else name)
            self._line += name == "\n"
            return Typed(f"{MARK}\\{NAMES_OF_CHARACTERS.get(character, character)}")
        try:
            return atom(token)
        except ValueError as refusal:
            raise self._error(str(refusal)) from None

    def _unescaped(self, text: str) -> str:
        value = ESCAPE.sub(self._escaped, text)
        if SURROGATE.search(value):  # Java writes a character beyond 16 bits as two
            try:
                return value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                raise self._error("half a character: an escape of one surrogate alone") from None
        return value

    def _escaped(self, match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in ESCAPES:
            raise self._error(f"unknown escape \\{code} in a text")
        return ESCAPES[code]


def _holds_events(stack: list[_Open], base: int) -> bool:
    """Whether the list that opens here is at the top, or the `:history` of a map at the top."""
    if not stack:
        return True
    if len(stack) == base or stack[-1].opened != "{" or any(around.opened == "{" for around in stack[:base]):
        return False
    if any(not tag.waits_for_one or tag.opened[:2] in ("#_", "#:") for tag in stack[base:-1]):
        return False
    names = stack[-1].items
    return len(names) % 2 == 1 and names[-1] == HISTORY


def _name(key: Any) -> str:
    """The name in a JSON object that stands for a key of a map."""
    if isinstance(key, Typed) and key[1:2] == ":" and not DIGITS.match(key[2:]) and key[2:3] != MARK:
        return key[2:]
    if type(key) is int:
        return str(key)
    return MARK + in_words(key)


NUMBERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Any]], ...] = (
    (re.compile(r"([+-]?(?:0|[1-9]\d*))N?\Z"), lambda m: int(m[1])),
    (re.compile(r"([+-]?)0[xX]([0-9a-fA-F]+)N?\Z"), lambda m: int(m[1] + m[2], 16)),
    (re.compile(r"([+-]?)0([0-7]+)N?\Z"), lambda m: int(m[1] + m[2], 8)),
    (re.compile(r"[+-]?\d+(?:\.\d*(?:[eE][+-]?\d+)?|[eE][+-]?\d+)\Z"), lambda m: _real(m[0])),
    (re.compile(r"\+?(-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M)\Z"), lambda m: Typed(MARK + m[1])),
    (re.compile(r"\+?(-?\d+)/(\d*[1-9]\d*)\Z"), lambda m: _ratio(int(m[1]), int(m[2]))),
)
"""Clojure's numbers: whole, hexadecimal, octal, with a point, exact decimals, ratios."""
CONSTANTS: dict[str, Any] = {"nil": None, "true": True, "false": False}
LIKE_A_NUMBER = re.compile(r"[+-]?\d")


def atom(token: str) -> Any:
    """The value of a number, constant, keyword or symbol.

    Raises:
        ValueError: it begins as a number and is none.
    """
    if token in CONSTANTS:
        return CONSTANTS[token]
    if not LIKE_A_NUMBER.match(token):
        return Typed(MARK + token)
    if len(token) > MOST_DIGITS:
        raise ValueError(f"a number of {len(token)} digits; at most {MOST_DIGITS} are read")
    for pattern, read in NUMBERS:
        match = pattern.match(token)
        if match is not None:
            return read(match)
    raise ValueError(f"not a number: {token!r}")


def _real(text: str) -> Any:
    number = float(text)
    if math.isfinite(number):
        return number
    return Typed(MARK + ("##Inf" if number > 0 else "##-Inf"))


def _ratio(above: int, below: int) -> Any:
    ratio = Fraction(above, below)
    return int(ratio) if ratio.denominator == 1 else Typed(f"{MARK}{ratio}")
