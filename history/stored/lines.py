"""Reads a large file of our own JSON lines in one compiled pass, without an object a line.

A file that is too large to be held is read in pieces (`pieces`), by the same kernels.

The kernel reads what the recorder writes: the fields of an operation, each at most once, no blanks between
them. Where a file holds anything else, or breaks a rule, `columns_of` returns None: then the plain reader
(`store`) reads the file line by line, and names the line. Both give the same for every file.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from history.files import UNREADABLE
from history.history import TYPES, Codes, Columns
from history.kernels import Form as KernelForm
from history.kernels import Integers, compiled_in_place, fitting, inlined
from history.limits import LONGEST_LINE_BYTES, MOST_DEPTH
from history.values import encoded

Bytes: TypeAlias = npt.NDArray[np.uint8]
UNUSUAL, ABSENT = -1, -1
MOST_DIGITS = 18
BYTES_A_COUNT = 1 << 18
"""Lines are counted in stretches of this length, which stay in the processor's cache."""
BYTES_A_STEP = 24
"""The plain reader takes about a microsecond for this number of bytes."""
QUOTE, COMMA, MINUS, COLON, BACKSLASH = 34, 44, 45, 58, 92
OPEN, CLOSE, OPEN_MAP, CLOSE_MAP, NEWLINE = 91, 93, 123, 125, 10
INDEX, TIME, PROCESS, TYPE, F, KEY, VALUE, ERROR, NODE, RAFT_INDEX, FIELDS = range(11)
NAMES = np.frombuffer(b"index time process type f key value error node raft_index ", dtype=np.uint8)
"""The names of the fields in the order of their numbers, each followed by a blank."""
NAME_BEGINS = np.cumsum([0, *(len(name) + 1 for name in NAMES.tobytes().split())], dtype=np.int64)
"""By field where its name begins in NAMES, and at last where the next one would."""
KINDS = np.frombuffer(b"invoke ok fail info ", dtype=np.uint8)


class Slots(NamedTuple):
    """Texts that were numbered, as stretches of the file, or of `kept`: a hash table."""

    slots: Integers
    """A number plus 1, or 0; how many slots there are is a power of two."""
    begins: Integers
    ends: Integers
    fields: Integers
    """By number the field that holds the text; texts of two fields are two."""
    counts: Integers
    """How many texts there are, and how many of these, the first ones, are in `kept`."""
    kept: Bytes
    """The texts of pieces of the file that were read before."""


@compiled_in_place
def word_at(text: Bytes, at: int, end: int, words: Bytes) -> int:
    """Which of `words` (each followed by a blank) stands there; UNUSUAL if none does."""
    word, place = 0, 0
    while place < len(words):
        same = at
        while words[place] != 32:
            if same >= 0 and same < end and text[same] == words[place]:
                same += 1
            else:
                same = -1
            place += 1
        if same == end:
            return word
        place += 1
        word += 1
    return UNUSUAL


@compiled_in_place
def text_end(text: Bytes, at: int) -> int:
    """Where the text in quotes that begins there ends; UNUSUAL without an end on this line."""
    at += 1
    while at < len(text) and text[at] != QUOTE:
        if text[at] < 32:
            return UNUSUAL
        at += 2 if text[at] == BACKSLASH else 1
    return at + 1 if at < len(text) else UNUSUAL


@compiled_in_place
def value_end(text: Bytes, at: int) -> int:
    """Where the JSON value that begins there ends; UNUSUAL if that is not plain."""
    depth = 0
    while at < len(text):
        c = text[at]
        if c == QUOTE:
            at = text_end(text, at)
            if at < 0:
                return UNUSUAL
        elif c in (OPEN, OPEN_MAP):
            depth += 1
            at += 1
            if depth >= MOST_DEPTH:
                return UNUSUAL
        elif c in (CLOSE, CLOSE_MAP):
            if depth == 0:
                return at
            depth -= 1
            at += 1
        elif c == COMMA and depth == 0:
            return at
        elif c <= 32:
            return UNUSUAL
        else:
            at += 1
    return UNUSUAL


@inlined
def first_slot(text: Bytes, begin: int, end: int, field: int, mask: int) -> int:
    """The slot in which a text of that field is looked for first."""
    h = 2166136261 + field
    for at in range(begin, end):
        h = ((h ^ text[at]) * 16777619) & 0xFFFFFFFF
    return (h ^ (h >> 15)) & mask


@compiled_in_place
def number_of(text: Bytes, begin: int, end: int, field: int, found: Slots) -> int:
    """The number of a text of that field."""
    mask = len(found.slots) - 1
    slot = first_slot(text, begin, end, field, mask)
    while found.slots[slot] > 0:
        known = found.slots[slot] - 1
        first = found.begins[known]
        if found.fields[known] == field and found.ends[known] - first == end - begin:
            same = 0
            if known < found.counts[1]:
                while same < end - begin and found.kept[first + same] == text[begin + same]:
                    same += 1
            else:
                while same < end - begin and text[first + same] == text[begin + same]:
                    same += 1
            if same == end - begin:
                return int(known)
        slot = (slot + 1) & mask
    new = found.counts[0]
    if new == len(found.begins):
        return UNUSUAL
    found.slots[slot] = new + 1
    found.begins[new] = begin
    found.ends[new] = end
    found.fields[new] = field
    found.counts[0] = new + 1
    return int(new)


@compiled_in_place
def whole_number(text: Bytes, at: int, end: int) -> int:
    """The whole number in that stretch; -(1 << 62) if it is none, or a long one."""
    sign = 1
    if at < end and text[at] == MINUS:
        sign = -1
        at += 1
    if at >= end or end - at > MOST_DIGITS or (text[at] == 48 and (end - at > 1 or sign < 0)):
        return -(1 << 62)
    number = 0
    while at < end:
        if text[at] < 48 or text[at] > 57:
            return -(1 << 62)
        number = number * 10 + (int(text[at]) - 48)
        at += 1
    return sign * number


@inlined
def is_name_at(text: Bytes, at: int, field: int) -> bool:
    """Whether the name of a field stands there, and a quotation mark after it."""
    begin, length = NAME_BEGINS[field], NAME_BEGINS[field + 1] - NAME_BEGINS[field] - 1
    same = 0
    if at + length < len(text) and text[at + length] == QUOTE:
        while same < length and text[at + same] == NAMES[begin + same]:
            same += 1
    return bool(same == length)


@inlined
def number_end(text: Bytes, at: int) -> int:
    """Where the digits that begin there end, after a minus or none."""
    end = at
    if end < len(text) and text[end] == MINUS:
        end += 1
    while end < len(text) and text[end] >= 48 and text[end] <= 57:
        end += 1
    return end


@compiled_in_place
def scan(
    text: Bytes, first: int, rows: int, longest: int, fields: Integers, expected: Integers, found: Slots
) -> int:
    """Read all lines: a column of `rows` numbers each field; how many lines there are, or UNUSUAL.

    The first line is that of the operation `first`.

    `fields` and `expected` are ABSENT at first. Lines are written alike, so that a name is first compared
    with the one which the line before had at that place (`expected`).
    """
    at = line = 0
    while at < len(text):
        if line >= rows or text[at] != OPEN_MAP:
            return UNUSUAL
        given = place = 0
        begin = at
        at += 1
        while True:
            if at >= len(text) or text[at] != QUOTE:
                return UNUSUAL
            field = expected[place]
            if field >= 0 and is_name_at(text, at + 1, field):
                end = at + 2 + NAME_BEGINS[field + 1] - NAME_BEGINS[field] - 1
            else:
                end = text_end(text, at)
                if end < 0:
                    return UNUSUAL
                field = word_at(text, at + 1, end - 1, NAMES)
                expected[place] = field
            if field < 0 or given >> field & 1 or end >= len(text) or text[end] != COLON:
                return UNUSUAL
            place += 1
            given |= 1 << field
            at = end + 1
            if field <= PROCESS or field == RAFT_INDEX:
                end = number_end(text, at)
                number = whole_number(text, at, end)
                if number == -(1 << 62) or (field == RAFT_INDEX and number < 0):
                    return UNUSUAL
                fields[field * rows + line] = number
            else:
                if field != VALUE and (at >= len(text) or text[at] != QUOTE):
                    return UNUSUAL
                end = text_end(text, at) if text[at] == QUOTE else value_end(text, at)
                if end <= at:
                    return UNUSUAL
                if field == TYPE:
                    fields[field * rows + line] = word_at(text, at + 1, end - 1, KINDS)
                else:
                    known = number_of(text, at, end, field, found)
                    if known < 0:
                        return UNUSUAL
                    fields[field * rows + line] = known
            at = end
            if at >= len(text):
                return UNUSUAL
            if text[at] == COMMA:
                at += 1
            elif text[at] == CLOSE_MAP:
                break
            else:
                return UNUSUAL
        needed = 1 << INDEX | 1 << TIME | 1 << PROCESS | 1 << TYPE | 1 << F
        if (
            given & needed != needed
            or fields[INDEX * rows + line] != first + line
            or fields[TYPE * rows + line] < 0
        ):
            return UNUSUAL
        at += 1
        if at >= len(text) or text[at] != NEWLINE or at - begin >= longest:
            return UNUSUAL
        at += 1
        line += 1
    return line


@compiled_in_place
def copy_texts(text: Bytes, begins: Integers, ends: Integers, copy: Bytes) -> None:
    """Copy stretches of the file, with a new line after each."""
    to = 0
    for number in range(len(begins)):
        for at in range(begins[number], ends[number]):
            copy[to] = text[at]
            to += 1
        copy[to] = NEWLINE
        to += 1


@compiled_in_place
def is_usual(values: Bytes) -> bool:
    """Whether each value, followed by a new line, is written in the only way that a history writes it.

    These are numbers of less than 19 digits, lists, and what has only small letters, without blanks.
    """
    digits = 0
    before = NEWLINE
    for at in range(len(values)):
        c = values[at]
        if c >= 48 and c <= 57:
            if c == 48 and before == MINUS:
                return False
            digits += 1
            if digits > MOST_DIGITS:
                return False
        else:
            is_letter = c >= 97 and c <= 122
            if is_letter and digits > 0:
                return False
            if not is_letter and c not in (MINUS, OPEN, CLOSE, QUOTE, COMMA, NEWLINE):
                return False
            digits = 0
        before = c
    return True


def columns_of(content: bytes) -> Columns | None:
    """The columns of a file; None if the plain reader is sooner done, or has to read it."""
    if fitting(len(content) // BYTES_A_STEP) is not KernelForm.COMPILED or not content.endswith(b"\n"):
        return None
    text = np.frombuffer(content, dtype=np.uint8)
    lines = lines_in(text)
    most = most_texts(lines)
    found = Slots(
        np.zeros(1 << (2 * most).bit_length(), dtype=np.int64),
        np.empty(most, dtype=np.int64),
        np.empty(most, dtype=np.int64),
        np.empty(most, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.empty(0, dtype=np.uint8),
    )
    fields = np.full(FIELDS * lines, ABSENT, dtype=np.int64)
    expected = np.full(FIELDS + 1, ABSENT, dtype=np.int64)
    if scan(text, 0, lines, LONGEST_LINE_BYTES, fields, expected, found) != lines:
        return None
    try:
        return columns_from(text, dict(enumerate(fields.reshape(FIELDS, lines))), found)
    except UNFIT:
        return None


UNFIT = (*UNREADABLE, UnicodeEncodeError, OverflowError)
"""What a text raises that the plain reader has to read."""


def most_texts(lines: int) -> int:
    """The most different texts that this number of lines is read with."""
    return 2 * lines + 1_000


def lines_in(text: Bytes) -> int:
    """How many lines end in a text; `bytes.count` looks for each end by itself, which takes three times as
    long."""
    if len(text) <= BYTES_A_COUNT:
        return int(np.count_nonzero(text == NEWLINE))
    return sum(
        int(np.count_nonzero(text[at : at + BYTES_A_COUNT] == NEWLINE))
        for at in range(0, len(text), BYTES_A_COUNT)
    )


def columns_from(text: Bytes, fields: dict[int, Codes], found: Slots) -> Columns:
    """The columns, of what `scan` left by field: numbers, and numbers of texts, stretches of `text`.

    Each field is taken out of `fields` as soon as it was looked at, so that it is not there twice.

    Raises:
        UNFIT: a text is not what a history holds.
    """
    count = int(found.counts[0])
    begins, ends, kinds = (array[:count] for array in (found.begins, found.ends, found.fields))

    def named(field: int) -> tuple[Codes, tuple[str, ...]]:
        own = np.flatnonzero(kinds == field)
        if not len(own):
            return _alone(fields.pop(field)), ()
        texts, are_distinct = _texts_in_turn(text, begins[own], ends[own], field)
        numbers = fields.pop(field)
        codes = np.full(count + 1, ABSENT, dtype=numbers.dtype)
        if are_distinct:
            absent = texts.index("null") if field == VALUE and "null" in texts else len(texts)
            codes[own] = np.arange(len(own))
            codes[own[absent + 1 :]] -= 1
            codes[own[absent : absent + 1]] = ABSENT
            del texts[absent : absent + 1]
            return _renumbered(numbers, codes), tuple(texts)
        code_of: dict[str, int] = {}
        codes[own] = [
            ABSENT if text == "null" and field == VALUE else code_of.setdefault(text, len(code_of))
            for text in texts
        ]
        return _renumbered(numbers, codes), tuple(code_of)

    f, f_names = named(F)
    key, keys = named(KEY)
    value, values = named(VALUE)
    error, errors = named(ERROR)
    node, nodes = named(NODE)
    return Columns(
        time=_alone(fields.pop(TIME)),
        process=_alone(fields.pop(PROCESS)),
        type=fields.pop(TYPE).astype(np.int8, copy=False),
        f=f,
        f_names=f_names,
        key=key,
        keys=keys,
        value=value,
        values=values,
        error=error,
        errors=errors,
        node=node,
        nodes=nodes,
        raft_index=_alone(fields.pop(RAFT_INDEX)),
    )


NUMBERS_AT_ONCE = 1 << 20
"""Numbers are looked up in this many steps at a time, as numpy makes them 64 bits wide for that."""
TEXTS_AT_ONCE = 1 << 18
"""Texts are decoded in this many at a time."""


def _is_alone(numbers: Codes) -> bool:
    """Whether no other column lies in the same memory."""
    return not isinstance(numbers.base, np.ndarray) or numbers.strides == (0,)


def _alone(numbers: Codes) -> Codes:
    """The same in memory of their own, so that the other columns need not stay."""
    return numbers if _is_alone(numbers) else numbers.copy()


def _renumbered(numbers: Codes, codes: Codes) -> Codes:
    """The code of each number, in memory of their own; ABSENT stays."""
    if numbers.strides == (0,):
        return numbers  # nothing but ABSENT
    found = numbers if _is_alone(numbers) else np.empty_like(numbers)
    for at in range(0, len(numbers), NUMBERS_AT_ONCE):
        part = slice(at, at + NUMBERS_AT_ONCE)
        found[part] = codes[numbers[part]]
    return found


def _texts_in_turn(text: Bytes, begins: Integers, ends: Integers, field: int) -> tuple[list[str], bool]:
    """The same as `_texts`, of some texts after the others."""
    found, are_distinct = _texts(text, begins[:TEXTS_AT_ONCE], ends[:TEXTS_AT_ONCE], field)
    for at in range(TEXTS_AT_ONCE, len(begins), TEXTS_AT_ONCE):
        part = slice(at, at + TEXTS_AT_ONCE)
        more, are_more_distinct = _texts(text, begins[part], ends[part], field)
        found += more
        are_distinct &= are_more_distinct
    return found, are_distinct


def _texts(text: Bytes, begins: Integers, ends: Integers, field: int) -> tuple[list[str], bool]:
    """The different texts of a field, as a history has them, and whether no two of these are the same.

    For values each is the one JSON text that stands for it; for other fields, what stands in the quotes.
    """
    if not len(begins):
        return [], True
    copy = np.empty(int((ends - begins).sum()) + len(begins), dtype=np.uint8)
    copy_texts(text, begins, ends, copy)
    raw = copy.tobytes()[:-1]
    in_json = b"[" + raw.replace(b"\n", b",") + b"]"
    if field != VALUE:
        if raw.isascii() and b"\\" not in raw:
            return raw[1:-1].decode().split('"\n"'), True
        return _decoded(in_json, list[str], len(begins)), False
    values = _decoded(in_json, list[Any], len(begins))
    if is_usual(copy):
        return raw.decode().split("\n"), True
    return [encoded(value) for value in values], False


def _decoded(raws: bytes, type_: Any, count: int) -> list[Any]:
    found: list[Any] = msgspec.json.decode(raws, type=type_)
    if len(found) != count:
        raise msgspec.DecodeError("not one value each")
    return found


assert tuple(KINDS.tobytes().decode().split()) == TYPES
