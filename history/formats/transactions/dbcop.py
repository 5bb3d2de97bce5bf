"""dbcop's histories (Biswas & Enea, OOPSLA 2019): `history.bincode`, its JSON of old and new, and its text.

In bincode numbers are little-endian and have 64 bits, and a length stands before each list and text:

    id nodes variables transactions events   info start end   sessions of transactions of events
    event: write(1 byte) variable value success(1 byte)      after a transaction's events: success(1 byte)

A transaction without success, and each write without success, was aborted; a read without success has no
reply. In JSON an event is `{"write": true, "variable": 0, "value": 1, "success": true}`, or, since dbcop was
rewritten, `{"Write": {"variable": 0, "version": 1}}` in a transaction with `"committed"`. The text is

    [x:=1 y==2] [z==?]!
    ---

with `:=` for a write, `==` for a read, `?` for the initial value, `!` after what was not committed, and a
line of dashes between sessions. A key's initial value is 0, or nothing.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from history.formats.names import DBCOP_BINCODE, DBCOP_JSON, DBCOP_TEXT
from history.formats.transactions.listed import Listed, Step
from history.formats.transactions.log import TransactionLog
from history.formats.transactions.whole import WholeSteps, whole_log
from history.history import FAIL, OK, HistoryError
from history.kernels import AnyIntegers, compiled_in_place

LENGTH = struct.Struct("<Q")
PARAMETERS = 5
EVENT_BYTES, EVENT_LEAST = 18, 1
CUT = "the file ends within dbcop's bincode, or is none"
FLAGS = "a flag of dbcop's bincode is neither 0 nor 1"
REST = "bytes follow the end of dbcop's bincode"
EVENT = re.compile(r"([A-Za-z_]\w*)(:=|==)(\d{1,20}|\?)")
TRANSACTION = re.compile(r"\s*\[([^\[\]]*)\](!?)")
TEXT_START = re.compile(r"\s*(//[^\n]*\n\s*)*\[\s*[A-Za-z_]\w*(:=|==)")


class _Sessions(NamedTuple):
    writes: AnyIntegers
    keys: AnyIntegers
    values: AnyIntegers
    transactions: AnyIntegers
    sessions: AnyIntegers
    """By transaction."""
    aborted: AnyIntegers
    """By transaction."""
    places: AnyIntegers
    """By transaction the byte where it begins."""
    totals: AnyIntegers
    """The numbers of steps and transactions."""


@compiled_in_place
def little_endian(content: AnyIntegers, at: int) -> int:
    """The signed number of 64 bits there."""
    high = int(content[at + 7])
    number = high - 256 if high >= 128 else high
    for place in range(at + 6, at - 1, -1):
        number = number * 256 + int(content[place])
    return number


@compiled_in_place
def _scan(content: AnyIntegers, at: int, found: _Sessions) -> int:
    """Read the sessions from byte `at` on; 0, or what is wrong: 1 cut, 2 a flag, 3 a rest."""
    writes, keys, values, transactions, of_session, aborted, places, totals = found
    size = len(content)
    steps = known = 0
    if at + 8 > size:
        return 1
    sessions = little_endian(content, at)
    at += 8
    session = 0
    while session < sessions:
        if at + 8 > size:
            return 1
        left = little_endian(content, at)
        at += 8
        while left > 0:
            if at + 8 > size:
                return 1
            events = little_endian(content, at)
            if events < 0 or events > (size - at) // EVENT_BYTES:
                return 1
            begun = at
            at += 8
            own = known
            known += 1
            if at + events * EVENT_BYTES >= size:
                return 1
            success = content[at + events * EVENT_BYTES]
            of_session[own] = session
            places[own] = begun
            aborted[own] = success == 0
            for _ in range(events):
                done = content[at + 17]
                if content[at] > 1 or done > 1 or success > 1:
                    return 2
                write = content[at] == 1
                if done == 1 or write:
                    writes[steps] = write
                    keys[steps] = little_endian(content, at + 1)
                    values[steps] = little_endian(content, at + 9)
                    transactions[steps] = own
                    if done == 0 and success == 1:  # no transaction may read this write
                        transactions[steps] = known
                        of_session[known] = session
                        places[known] = begun
                        aborted[known] = 1
                        known += 1
                    steps += 1
                at += EVENT_BYTES
            at += 1
            left -= 1
        session += 1
    totals[0] = steps
    totals[1] = known
    return 3 if at < size else 0


def sessions_at(content: bytes) -> int:
    """The byte of a bincode where the sessions begin, or -1 if the content is none."""
    at = PARAMETERS * LENGTH.size
    for _ in range(3):
        if at + LENGTH.size > len(content):
            return -1
        (length,) = LENGTH.unpack_from(content, at)
        at += LENGTH.size + length
        if at > len(content):
            return -1
    return at if at + LENGTH.size <= len(content) else -1


def read_bincode(content: bytes, source: str) -> TransactionLog:
    """Read a `history.bincode`.

    Raises:
        HistoryError: the content is none.
    """
    at = sessions_at(content)
    if at < 0:
        raise HistoryError(1, CUT, source)
    most, transactions = len(content) // EVENT_BYTES + 1, len(content) // 9 + len(content) // EVENT_BYTES + 1
    found = _Sessions(
        np.zeros(most, dtype=np.int8),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int64),
        np.zeros(most, dtype=np.int32),
        np.zeros(transactions, dtype=np.int32),
        np.zeros(transactions, dtype=np.int32),
        np.zeros(transactions, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
    )
    wrong = _scan.by_size(np.frombuffer(content, dtype=np.uint8), at, found)
    if wrong:
        raise HistoryError(1, (CUT, FLAGS, REST)[wrong - 1], source)
    steps, known = found.totals.tolist()
    if not known:
        raise HistoryError(1, "the file holds no transaction", source)
    return whole_log(
        WholeSteps(*(column[:steps] for column in found[:4])),
        session=found.sessions[:known],
        outcome=np.where(found.aborted[:known] == 1, FAIL, OK),
        line=found.places[:known],
        format_name=DBCOP_BINCODE,
    )


def read_json(content: bytes, source: str) -> TransactionLog:
    """Read a history in JSON, of the old or the new dbcop.

    Raises:
        HistoryError: the content is none.
    """
    try:
        whole = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as refusal:
        raise HistoryError(1, f"not JSON: {refusal}", source) from None
    sessions = whole.get("data") if isinstance(whole, dict) else whole
    listed = Listed(source, DBCOP_JSON)
    try:
        for number, session in enumerate(sessions or ()):
            for transaction in session:
                committed = transaction["committed"] if "committed" in transaction else transaction["success"]
                steps = [step for event in transaction["events"] for step in _event(event)]
                listed.add(number, steps, OK if committed else FAIL, 1)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise HistoryError(1, "the JSON has not the shape of dbcop's histories", source) from None
    return listed.finish()


def _event(event: Any) -> Iterator[Step]:
    """The step of an event; none for a read without a reply."""
    if "write" in event:
        if event["success"] or event["write"]:
            initial = not event["write"] and event["value"] == 0
            yield Step(event["write"], event["variable"], event["value"], initial, not event["success"])
        return
    (kind, fields) = next(iter(event.items()))
    if kind not in ("Read", "Write"):
        raise ValueError(kind)
    version = fields["version"]
    yield Step(kind == "Write", fields["variable"], version, version is None or version == 0)


def read_text(content: bytes, source: str) -> TransactionLog:
    """Read a history in dbcop's text.

    Raises:
        HistoryError: a line breaks the grammar; with the line.
    """
    listed, session = Listed(source, DBCOP_TEXT), 0
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        rest = line.split("//", 1)[0].strip()
        if rest and not rest.strip("-"):
            session += 1
            rest = ""
        while rest:
            match = TRANSACTION.match(rest)
            events = [EVENT.fullmatch(text) for text in match[1].split()] if match else []
            if match is None or None in events:
                raise HistoryError(number, f"not transactions [x:=1 y==2] of dbcop's: {line[:80]!r}", source)
            steps = [_step(*event.groups()) for event in events if event is not None]
            listed.add(session, steps, FAIL if match[2] else OK, number)
            rest = rest[match.end() :].strip()
    return listed.finish()


def _step(name: str, sign: str, version: str) -> Step:
    value = None if version == "?" else int(version)
    return Step(sign == ":=", name, value, value is None or value == 0)
