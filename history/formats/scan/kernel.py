"""One pass over the bytes of a file: the fields of each event as numbers, and their texts numbered.

A value becomes its JSON text at once. Where an event has anything rarer than whole numbers, plain texts,
keywords, constants and vectors of these, it is left to the plain reader: its stretch of the file is noted.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from history.kernels import Integers, compiled_in_place

Bytes: TypeAlias = npt.NDArray[np.uint8]

NONE, NEMESIS = -1, -2
"""Codes of a text that is missing, and of the process that is the nemesis (as `builder` has them)."""
NO_INDEX = -(1 << 62)
F, KEY, VALUE, ERROR, RAW_ERROR = 102, 107, 118, 101, 69
"""The first byte of a numbered text: what it is."""
NOT_READ = -1
DEEPEST = 200
MOST_DIGITS = 18

QUOTE, COMMA, MINUS, PLUS, COLON, BACKSLASH, SEMICOLON, HASH = 34, 44, 45, 43, 58, 92, 59, 35
OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP = 91, 93, 40, 41, 123, 125


class Found(NamedTuple):
    """By event, what was read; an event with `slow` 1 is only known by where it stands."""

    begin: Integers
    end: Integers
    slow: Integers
    time: Integers
    process: Integers
    type: Integers
    f: Integers
    key: Integers
    value: Integers
    error: Integers
    number: Integers
    """What `:index` says; `NO_INDEX` without."""


class Texts(NamedTuple):
    """Texts that were numbered: a hash table (FNV-1a), and where each lies in `out`."""

    out: Bytes
    slots: Integers
    """A number plus 1, or 0; how many slots there are is a power of two."""
    begins: Integers
    ends: Integers
    counts: Integers
    """How many texts there are, how much of `out` is used, and 1 if there was no room for one."""


@compiled_in_place
def after_space(text: Bytes, at: int) -> int:
    """Where the next form begins: after blanks, commas and comments."""
    end = len(text)
    while at < end:
        c = text[at]
        if c == 32 or c == COMMA or 9 <= c <= 13:
            at += 1
        elif c == SEMICOLON:
            while at < end and text[at] != 10:
                at += 1
        else:
            break
    return at


@compiled_in_place
def ends_atom(text: Bytes, at: int) -> bool:
    """Whether a number, keyword or constant that reaches there is over."""
    if at >= len(text):
        return True
    c = text[at]
    return bool(
        c == 32
        or c in (COMMA, QUOTE, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP, SEMICOLON)
        or 9 <= c <= 13
    )


@compiled_in_place
def end_of_keyword(text: Bytes, at: int) -> int:
    """Where the keyword that begins there ends; NOT_READ if it has an unusual character."""
    at += 1
    begun = at
    while not ends_atom(text, at):
        c = text[at]
        if c < 33 or c > 126 or c == BACKSLASH:
            return NOT_READ
        at += 1
    return at if at > begun else NOT_READ


@compiled_in_place
def end_of_text(text: Bytes, at: int) -> int:
    """Where the text in quotes that begins there ends; NOT_READ if it has an escape, a control or a mark."""
    end = len(text)
    at += 1
    if at < end and text[at] == 0xEE:
        return NOT_READ
    while at < end and text[at] != QUOTE:
        if text[at] == BACKSLASH or text[at] < 32:
            return NOT_READ
        at += 1
    return at + 1 if at < end else NOT_READ


@compiled_in_place
def end_of_number(text: Bytes, at: int) -> int:
    """Where the whole number that begins there ends; NOT_READ if it is another number, or a long one."""
    if text[at] == MINUS or text[at] == PLUS:
        at += 1
    begun = at
    while at < len(text) and 48 <= text[at] <= 57:
        at += 1
    digits = at - begun
    if digits == 0 or digits > MOST_DIGITS or (digits > 1 and text[begun] == 48) or not ends_atom(text, at):
        return NOT_READ
    return at


@compiled_in_place
def number_at(text: Bytes, at: int, end: int) -> int:
    """The whole number in that stretch."""
    sign = 1
    if text[at] == MINUS:
        sign = -1
    if text[at] == MINUS or text[at] == PLUS:
        at += 1
    number = 0
    while at < end:
        number = number * 10 + (int(text[at]) - 48)
        at += 1
    return sign * number


@compiled_in_place
def is_word(text: Bytes, at: int, end: int, word: Bytes) -> bool:
    """Whether those bytes are that word."""
    if end - at != len(word):
        return False
    for place in range(len(word)):  # noqa: SIM110 - numba compiles no generator
        if text[at + place] != word[place]:
            return False
    return True


@compiled_in_place
def is_step(text: Bytes, at: int, end: int) -> bool:
    """Whether the keyword is `:r`, `:w`, `:append`, `:read` or `:write`: the name of a step."""
    length = end - at
    if length == 2:
        return bool(text[at + 1] == 114 or text[at + 1] == 119)
    if length == 7:
        return is_word(text, at + 1, end, APPEND)
    if length == 5:
        return is_word(text, at + 1, end, READ)
    return length == 6 and is_word(text, at + 1, end, WRITE)


APPEND = np.frombuffer(b"append", dtype=np.uint8)
READ, WRITE = np.frombuffer(b"read", dtype=np.uint8), np.frombuffer(b"write", dtype=np.uint8)
NULL, TRUE, FALSE = (np.frombuffer(word, dtype=np.uint8) for word in (b"null", b"true", b"false"))
NIL = np.frombuffer(b"nil", dtype=np.uint8)
NAMED_NEMESIS = np.frombuffer(b":nemesis", dtype=np.uint8)


@compiled_in_place
def copied(text: Bytes, at: int, end: int, out: Bytes, to: int) -> int:
    """Copy a stretch of the text; where the copy ends."""
    for place in range(at, end):
        out[to] = text[place]
        to += 1
    return to


@compiled_in_place
def scalar(text: Bytes, at: int, out: Bytes, to: int, is_name: bool) -> tuple[int, int]:
    """Write the JSON of the number, text, keyword or constant there; where it ends, and where its JSON
    does.
    """
    c = text[at]
    if c == QUOTE:
        end = end_of_text(text, at)
        return end, to if end < 0 else copied(text, at, end, out, to)
    if c == COLON:
        end = end_of_keyword(text, at)
        if end < 0:
            return NOT_READ, to
        out[to] = QUOTE
        to += 1
        if is_name and is_step(text, at, end):
            to = copied(text, at + 1, end, out, to)
        else:
            out[to], out[to + 1], out[to + 2] = 0xEE, 0x80, 0x80
            to = copied(text, at, end, out, to + 3)
        out[to] = QUOTE
        return end, to + 1
    if 48 <= c <= 57 or ((c in (MINUS, PLUS)) and at + 1 < len(text) and 48 <= text[at + 1] <= 57):
        end = end_of_number(text, at)
        if end < 0:
            return NOT_READ, to
        if c == PLUS or (c == MINUS and text[at + 1] == 48):
            at += 1
        return end, copied(text, at, end, out, to)
    end = at
    while not ends_atom(text, end):
        end += 1
    if is_word(text, at, end, NIL):
        return end, copied(NULL, 0, 4, out, to)
    if is_word(text, at, end, TRUE) or is_word(text, at, end, FALSE):
        return end, copied(text, at, end, out, to)
    return NOT_READ, to


@compiled_in_place
def converted(
    text: Bytes, at: int, out: Bytes, to: int, opened: Integers, items: Integers
) -> tuple[int, int]:
    """Write the JSON of the form there; where the form ends (NOT_READ if it is unusual), and where its JSON
    does.
    """
    depth = 0
    while True:
        at = after_space(text, at)
        if at >= len(text):
            return NOT_READ, to
        c = text[at]
        if c in (CLOSE, CLOSE_LIST):
            if depth == 0 or (opened[depth] == OPEN) != (c == CLOSE):
                return NOT_READ, to
            out[to] = CLOSE
            to += 1
            at += 1
            depth -= 1
        else:
            if depth > 0:
                if items[depth] > 0:
                    out[to] = COMMA
                    to += 1
                items[depth] += 1
            if c in (OPEN, OPEN_LIST):
                if depth >= DEEPEST - 2:
                    return NOT_READ, to
                depth += 1
                opened[depth] = c
                items[depth] = 0
                out[to] = OPEN
                to += 1
                at += 1
                continue
            at, to = scalar(text, at, out, to, depth > 1 and items[depth] == 1)
            if at < 0:
                return NOT_READ, to
        if depth == 0:
            return at, to


@compiled_in_place
def numbered(texts: Texts, begin: int, end: int) -> int:
    """The number of the text that was written to `out` there; if it is known already, its place is free
    again.
    """
    out, slots, begins, ends, counts = texts
    h = 2166136261
    for place in range(begin, end):
        h = ((h ^ out[place]) * 16777619) & 0xFFFFFFFF
    slot = (h ^ (h >> 15)) & (len(slots) - 1)
    while slots[slot] > 0:
        found = slots[slot] - 1
        if ends[found] - begins[found] == end - begin:
            same = True
            for place in range(end - begin):
                if out[begins[found] + place] != out[begin + place]:
                    same = False
                    break
            if same:
                return int(found)
        slot = (slot + 1) & (len(slots) - 1)
    known = int(counts[0])
    if known == len(begins):
        counts[2] = 1
        return NONE
    slots[slot] = known + 1
    begins[known], ends[known] = begin, end
    counts[0] = known + 1
    counts[1] = end
    return known


@compiled_in_place
def number_of_stretch(text: Bytes, at: int, end: int, kind: int, texts: Texts) -> int:
    """The number of a stretch of the text, as one of that kind."""
    begin = int(texts.counts[1])
    texts.out[begin] = kind
    return numbered(texts, begin, copied(text, at, end, texts.out, begin + 1))


@compiled_in_place
def type_of(text: Bytes, at: int, end: int) -> int:
    """The code of `:invoke`, `:ok`, `:fail` or `:info`; NOT_READ of anything else."""
    length = end - at
    if length == 7 and text[at + 1] == 105 and text[at + 2] == 110 and text[at + 3] == 118:
        return 0
    if length == 3 and text[at + 1] == 111 and text[at + 2] == 107:
        return 1
    if (
        length == 5
        and text[at + 1] == 102
        and text[at + 2] == 97
        and text[at + 3] == 105
        and text[at + 4] == 108
    ):
        return 2
    if (
        length == 5
        and text[at + 1] == 105
        and text[at + 2] == 110
        and text[at + 3] == 102
        and text[at + 4] == 111
    ):
        return 3
    return NOT_READ


@compiled_in_place
def field_of(text: Bytes, at: int, end: int) -> int:
    """Which field a keyword names: the letter of `Found`'s; 0 for one that is not used."""
    length = end - at
    first = text[at + 1]
    if length == 2 and first == 102:
        return 102  # :f
    if length == 4 and first == 107 and text[at + 2] == 101 and text[at + 3] == 121:
        return 107  # :key
    if length == 5 and first == 116 and text[at + 2] == 121:
        return 84 if text[at + 3] == 112 and text[at + 4] == 101 else 0  # :type
    if length == 5 and first == 116 and text[at + 2] == 105:
        return 116 if text[at + 3] == 109 and text[at + 4] == 101 else 0  # :time
    if length == 6 and first == 118 and text[at + 2] == 97 and text[at + 3] == 108 and text[at + 4] == 117:
        return 118 if text[at + 5] == 101 else 0  # :value
    if length == 6 and first == 101 and text[at + 2] == 114 and text[at + 3] == 114 and text[at + 4] == 111:
        return 101 if text[at + 5] == 114 else 0  # :error
    if length == 6 and first == 105 and text[at + 2] == 110 and text[at + 3] == 100 and text[at + 4] == 101:
        return 105 if text[at + 5] == 120 else 0  # :index
    if length == 8 and first == 112 and text[at + 2] == 114 and text[at + 3] == 111 and text[at + 4] == 99:
        return 112  # :process, or another word, which the plain reader is asked about
    return 0


@compiled_in_place
def end_of_form(text: Bytes, at: int, opened: Integers) -> int:
    """Where the form there ends, whatever it is; NOT_READ if it breaks a rule, or has `#_`."""
    depth = 0
    while True:
        at = after_space(text, at)
        if at >= len(text):
            return NOT_READ
        c = text[at]
        if c == QUOTE:
            at += 1
            while at < len(text) and text[at] != QUOTE:
                at += 2 if text[at] == BACKSLASH else 1
            if at >= len(text):
                return NOT_READ
            at += 1
        elif c == BACKSLASH:
            at += 2
            while not ends_atom(text, at):
                at += 1
        elif c == HASH and at + 1 < len(text) and text[at + 1] != OPEN_MAP:
            if text[at + 1] == 95:
                return NOT_READ
            is_tag = text[at + 1] != HASH
            at += 1
            while not ends_atom(text, at):
                at += 1
            if is_tag:
                continue
        elif c in (OPEN, OPEN_LIST, OPEN_MAP, HASH):
            if depth >= DEEPEST - 2:
                return NOT_READ
            at += 2 if c == HASH else 1
            depth += 1
            opened[depth] = OPEN_MAP if c == HASH else c
            continue
        elif c in (CLOSE, CLOSE_LIST, CLOSE_MAP):
            if depth == 0:
                return NOT_READ
            wanted = CLOSE_LIST if opened[depth] == OPEN_LIST else opened[depth] + 2
            if c != wanted:
                return NOT_READ
            at += 1
            depth -= 1
        else:
            while not ends_atom(text, at):
                at += 1
        if depth == 0:
            return at


@compiled_in_place
def event(text: Bytes, at: int, n: int, found: Found, texts: Texts, opened: Integers, items: Integers) -> int:
    """Read the map there as event n; where it ends, or NOT_READ if the plain reader must read it."""
    out = texts.out
    found.slow[n], found.begin[n] = 0, at
    found.time[n] = found.type[n] = found.f[n] = found.key[n] = found.value[n] = found.error[n] = NONE
    found.process[n] = found.number[n] = NO_INDEX
    at += 1
    while True:
        at = after_space(text, at)
        if at >= len(text):
            return NOT_READ
        if text[at] == CLOSE_MAP:
            break
        if text[at] != COLON:
            return NOT_READ
        end = end_of_keyword(text, at)
        if end < 0:
            return NOT_READ
        field = field_of(text, at, end)
        at = after_space(text, end)
        if at >= len(text):
            return NOT_READ
        used = int(texts.counts[1])
        if field == 84 or field == 102:
            end = end_of_keyword(text, at) if text[at] == COLON else NOT_READ
            if end < 0:
                return NOT_READ
            if field == 84:
                found.type[n] = type_of(text, at, end)
            else:
                found.f[n] = number_of_stretch(text, at + 1, end, F, texts)
        elif field == 116 or field == 105 or field == 112:
            if 48 <= text[at] <= 57:
                end = end_of_number(text, at)
                if end < 0:
                    return NOT_READ
                number = number_at(text, at, end)
                if field == 116:
                    found.time[n] = number
                elif field == 105:
                    found.number[n] = number
                else:
                    found.process[n] = number
            elif field == 112 and text[at] == COLON:
                end = end_of_keyword(text, at)
                if end < 0 or not is_word(text, at, end, NAMED_NEMESIS):
                    return NOT_READ
                found.process[n] = NEMESIS
            else:
                return NOT_READ
        elif field == 107:
            end, to = scalar(text, at, out, used + 1, False)
            # A text that looks like a number, and a keyword, are marked: that is left to the plain reader.
            if end < 0 or text[at] == COLON or text[at] == PLUS:
                return NOT_READ
            if text[at] == QUOTE:
                if end - at > 2 and (48 <= text[at + 1] <= 57 or text[at + 1] == MINUS or text[at + 1] > 127):
                    return NOT_READ
                found.key[n] = number_of_stretch(text, at + 1, end - 1, KEY, texts)
            elif 48 <= text[at] <= 57:
                found.key[n] = number_of_stretch(text, at, end, KEY, texts)
            else:
                return NOT_READ
        elif field == 101:
            if text[at] == COLON:
                end = end_of_keyword(text, at)
                if end < 0:
                    return NOT_READ
                found.error[n] = number_of_stretch(text, at + 1, end, ERROR, texts)
            else:
                end = end_of_form(text, at, opened)
                if end < 0:
                    return NOT_READ
                found.error[n] = number_of_stretch(text, at, end, RAW_ERROR, texts)
        else:
            end, to = converted(text, at, out, used + 1, opened, items)
            if end < 0:
                return NOT_READ
            if field == 118:
                out[used] = VALUE
                found.value[n] = numbered(texts, used, to)
        at = end
    if found.type[n] < 0 or found.f[n] < 0 or found.process[n] == NO_INDEX:
        return NOT_READ
    return at + 1


@compiled_in_place
def scan(text: Bytes, found: Found, texts: Texts, opened: Integers, items: Integers) -> int:
    """Read all events of a file; how many there are, or NOT_READ if it is no plain sequence of maps.

    So it is if there are more than `found` has room for.
    """
    n = at = 0
    spread = 0
    while True:
        at = after_space(text, at)
        if at >= len(text):
            return n if spread == 0 else NOT_READ
        c = text[at]
        if c == HASH:  # the tag of a record
            at += 1
            if at >= len(text) or not (97 <= text[at] <= 122 or 65 <= text[at] <= 90):
                return NOT_READ
            while not ends_atom(text, at):
                at += 1
            at = after_space(text, at)
            if at >= len(text) or text[at] != OPEN_MAP:
                return NOT_READ
            c = text[at]
        if c == OPEN_MAP:
            if n == len(found.begin):
                return NOT_READ
            end = event(text, at, n, found, texts, opened, items)
            if end < 0:
                end = end_of_form(text, at, opened)
                if end < 0:
                    return NOT_READ
                found.slow[n] = 1
                found.begin[n] = at
            found.end[n] = end
            at = end
            n += 1
        elif (c in (OPEN, OPEN_LIST)) and spread == 0:
            spread = c
            at += 1
        elif spread > 0 and c == (CLOSE if spread == OPEN else CLOSE_LIST):
            spread = 0
            at += 1
        else:
            return NOT_READ


@compiled_in_place
def lines_of_log(
    text: Bytes, logger: Bytes, found: Found, texts: Texts, opened: Integers, items: Integers
) -> int:
    """Read the lines of a log that name this logger, or all lines if it is empty; how many there are.

    NOT_READ if there are more than `found` has room for.
    """
    n = at = 0
    size = len(logger)
    while at < len(text):
        begin = at
        while at < len(text) and text[at] != 10:
            at += 1
        end = at
        at += 1
        place = begin
        if size > 0:
            while place + size <= end and not (
                text[place] == logger[0] and is_word(text, place, place + size, logger)
            ):
                place += 1
            if place + size > end:
                continue
            place += size
            if place < end and text[place] == COLON:
                place += 1
            else:
                while place < end and (text[place] == 32 or text[place] == 9):
                    place += 1
                if place < end and text[place] == MINUS:
                    place += 1
        if n == len(found.begin):
            return NOT_READ
        found.begin[n], found.end[n], found.slow[n] = begin, end, 1
        found.time[n] = found.type[n] = found.f[n] = found.key[n] = found.value[n] = found.error[n] = NONE
        found.process[n] = found.number[n] = NO_INDEX
        if fields_of_line(text, place, end, n, found, texts, opened, items):
            found.slow[n] = 0
        n += 1
    return n


@compiled_in_place
def fields_of_line(
    line: Bytes,
    at: int,
    end: int,
    n: int,
    found: Found,
    texts: Texts,
    opened: Integers,
    items: Integers,
) -> bool:
    """Read `PROCESS :TYPE :F VALUE ERROR` from `at` to `end`; whether that was plain enough."""
    starts, ends, out = items, opened, texts.out  # free at this time
    for word in range(3):
        while at < end and (line[at] == 32 or line[at] == 9):
            at += 1
        starts[word] = at
        while at < end and line[at] != 32 and line[at] != 9:
            if line[at] < 33 or line[at] > 126:
                return False
            at += 1
        ends[word] = at
        if at == starts[word]:
            return False
    first, first_end = int(starts[0]), int(ends[0])
    kind, kind_end = int(starts[1]), int(ends[1])
    name, name_end = int(starts[2]), int(ends[2])
    if line[kind] != COLON or line[name] != COLON:
        return False
    if is_word(line, first, first_end, NAMED_NEMESIS):
        found.process[n] = NEMESIS
    elif 48 <= line[first] <= 57 and end_of_number(line, first) == first_end:
        found.process[n] = number_at(line, first, first_end)
    else:
        return False
    found.type[n] = type_of(line, kind, kind_end)
    if found.type[n] < 0 or end_of_keyword(line, name) != name_end:
        return False
    found.f[n] = number_of_stretch(line, name + 1, name_end, F, texts)
    found.value[n] = found.error[n] = NONE
    at = after_space(line, at)
    if at >= end:
        return True
    if line[at] == SEMICOLON or line[at] == HASH:
        return False
    used = int(texts.counts[1])
    is_keyword = line[at] == COLON
    at, to = converted(line, at, out, used + 1, opened, items)
    if at < 0 or at > end:
        return False
    rest, rest_end = at, end
    while rest < rest_end and (line[rest] == 32 or line[rest] == 9):
        rest += 1
    while rest_end > rest and (line[rest_end - 1] == 32 or line[rest_end - 1] == 9):
        rest_end -= 1
    if rest == rest_end and is_keyword and found.type[n] >= 2:
        return False  # an error in the place of the value
    out[used] = VALUE
    found.value[n] = numbered(texts, used, to)
    if rest < rest_end:
        for place in range(rest, rest_end):
            if line[place] < 32 or line[place] > 126:
                return False
        found.error[n] = number_of_stretch(line, rest, rest_end, ERROR, texts)
    return True
