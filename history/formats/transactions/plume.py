"""The format of Plume (OOPSLA 2024), which PolySI, IsoVista and AWDIT read, too: one step a line.

    w(key,value,session,transaction)
    r(key,value,session,transaction)

All are whole numbers. Transaction -1 was aborted: its reads are left out, its writes are kept, as no other
may read them. A key's initial value is 0, unless a transaction of the file writes 0 to it. The
transactions of a session are in the order in which they first appear.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from history.formats.names import PLUME
from history.formats.transactions.log import Names, Steps, TransactionLog, assembled
from history.formats.transactions.numbers import (
    EXACT_DIGITS,
    FOLD,
    MINUS,
    MOST_DIGITS,
    NINE,
    ZERO,
    Numbered,
    number_of,
    room,
)
from history.history import FAIL, OK, HistoryError
from history.kernels import AnyIntegers, compiled_in_place

NEWLINE, RETURN, SPACE, OPEN, COMMA, CLOSE, READ_LETTER, WRITE_LETTER = 10, 13, 32, 40, 44, 41, 114, 119
SHAPE = "a line is r(key,value,session,transaction) or w(...), whole numbers of at most 64 bits"


class _Rows(NamedTuple):
    """The steps of a file, in order of lines."""

    writes: AnyIntegers
    keys: AnyIntegers
    versions: AnyIntegers
    transactions: AnyIntegers
    """Numbered in order of first appearance, each aborted write on its own."""


class _Found(NamedTuple):
    """The transactions of a file."""

    sessions: AnyIntegers
    """By transaction its session."""
    aborted: AnyIntegers
    """By transaction whether it was aborted."""
    lines: AnyIntegers
    """By transaction its first line."""
    numbers: AnyIntegers
    """By number of a name of a transaction, the transaction."""
    totals: AnyIntegers
    """The numbers of steps, transactions, keys and versions."""


@compiled_in_place
def whole_number(text: AnyIntegers, at: int) -> tuple[int, int, int]:
    """(end, begin without zeros at the front, `folded`) of the digits at `at`; end -1 for none."""
    begin, start, folded = at, at, 0
    while at < len(text) and ZERO <= text[at] <= NINE:
        if folded == 0:
            begin = at
        folded = (folded * 10 + (text[at] - ZERO)) & FOLD
        at += 1
    if at == start or at - begin > MOST_DIGITS or at >= len(text):
        return -1, begin, folded
    return at, begin, folded


@compiled_in_place
def _scan(
    text: AnyIntegers,
    rows: _Rows,
    found: _Found,
    keys: Numbered,
    versions: Numbered,
    sessions: Numbered,
    names: Numbered,
) -> int:
    """Read all lines; the result is the first line that breaks the format, or 0."""
    writes, row_keys, row_versions, row_transactions = rows
    of_session, aborted, lines, numbers, totals = found
    size = len(text)
    at = line = step = known_keys = known_versions = known_sessions = known_names = known = 0
    last_folded = last_session = -1
    last = session = 0
    session_folded = -1
    while at < size:
        line += 1
        while at < size and (text[at] == SPACE or text[at] == RETURN):
            at += 1
        if at >= size:
            break
        if text[at] == NEWLINE:
            at += 1
            continue
        letter = text[at]
        if (letter != READ_LETTER and letter != WRITE_LETTER) or at + 1 >= size or text[at + 1] != OPEN:
            return line
        end, begin, folded = whole_number(text, at + 2)
        if end < 0 or text[end] != COMMA:
            return line
        key = number_of(text, 0, folded, begin, end, known_keys, keys)
        value_end, value_begin, value_folded = whole_number(text, end + 1)
        if value_end < 0 or text[value_end] != COMMA:
            return line
        end, begin, folded = whole_number(text, value_end + 1)
        if end < 0 or text[end] != COMMA:
            return line
        if folded != session_folded or end - begin > EXACT_DIGITS:
            session = number_of(text, 0, folded, begin, end, known_sessions, sessions)
            session_folded = folded if session < known_sessions else -1
        at = end + 1
        minus = at < size and text[at] == MINUS
        end, begin, folded = whole_number(text, at + 1 if minus else at)
        if end < 0 or text[end] != CLOSE or (minus and folded != 1):
            return line
        at = end + 1
        while at < size and (text[at] == SPACE or text[at] == RETURN):
            at += 1
        if at < size and text[at] != NEWLINE:
            return line
        at += 1
        known_keys += key == known_keys
        known_sessions += session == known_sessions
        if minus and letter == READ_LETTER:
            continue
        version = number_of(text, key, value_folded, value_begin, value_end, known_versions, versions)
        known_versions += version == known_versions
        new = minus
        if minus:
            last_folded = -1
        elif folded != last_folded or session != last_session or end - begin > EXACT_DIGITS:
            name = number_of(text, session, folded, begin, end, known_names, names)
            new = name == known_names
            if new:
                numbers[name] = known
                known_names += 1
            last = numbers[name]
            last_folded, last_session = folded, session
        if new:
            last = known
            of_session[known] = session
            aborted[known] = minus
            lines[known] = line
            known += 1
        writes[step] = letter == WRITE_LETTER
        row_keys[step] = key
        row_versions[step] = version
        row_transactions[step] = last
        step += 1
    totals[0] = step
    totals[1] = known
    totals[2] = known_keys
    totals[3] = known_versions
    return 0


def read_plume(content: bytes, source: str) -> TransactionLog:
    """Read a file.

    Raises:
        HistoryError: a line breaks the format, or there is none; with the line.
    """
    most = content.count(b"\n") + 1
    text = np.frombuffer(content, dtype=np.uint8)
    rows = _Rows(np.zeros(most, dtype=np.int8), *(np.zeros(most, dtype=np.int32) for _ in range(3)))
    sessions, aborted, lines, numbers = (np.zeros(most, dtype=np.int32) for _ in range(4))
    found = _Found(sessions, aborted, lines, numbers, np.zeros(4, dtype=np.int64))
    keys, versions = room(most), room(most)
    wrong = _scan.by_size(text, rows, found, keys, versions, room(most), room(most))
    steps, transactions, key_count, version_count = found.totals.tolist()
    if wrong or not steps:
        raise HistoryError(int(wrong) or 1, SHAPE if wrong else "the file holds no step", source)
    return assembled(
        Steps(*(column[:steps] for column in rows)),
        session=found.sessions[:transactions],
        outcome=np.where(found.aborted[:transactions] == 1, FAIL, OK),
        line=found.lines[:transactions],
        names=Names(
            content,
            *(side[:key_count] for side in (keys.begins, keys.ends)),
            *(column[:version_count] for column in (versions.keys, versions.begins, versions.ends)),
        ),
        initial=np.flatnonzero(versions.folded[:version_count] == 0),
        format_name=PLUME,
    )
