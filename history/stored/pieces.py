"""Reads a file of our own JSON lines that is too large to be held: in pieces, by the kernels of `lines`.

What is kept of a piece is a narrow column of each field, and each text once, in one array of bytes. So ten
million operations, of which each write has a value of its own, take some hundred megabytes. As in `lines`,
None means that the plain reader has to read the file, or would be sooner done.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import BinaryIO, TypeVar, cast

import msgspec
import numpy as np
import numpy.typing as npt

from history.files import UNREADABLE, is_too_deep
from history.history import Codes, Columns
from history.kernels import Form, compiled_in_place, fitting
from history.limits import LONGEST_LINE_BYTES
from history.operation import Operation
from history.stored.lines import (
    ABSENT,
    BYTES_A_STEP,
    ERROR,
    FIELDS,
    KEY,
    NODE,
    PROCESS,
    RAFT_INDEX,
    TIME,
    TYPE,
    UNFIT,
    VALUE,
    Bytes,
    F,
    Slots,
    columns_from,
    first_slot,
    lines_in,
    most_texts,
    scan,
)

Number = TypeVar("Number", np.int64, np.uint8)
PIECE_BYTES = 1 << 25
WIDE, NARROW, OF_TYPES = "q", "i", "b"
"""What a column grows as: 64 bits, 32, or 8."""
GROWN_AS = {
    TIME: WIDE, RAFT_INDEX: WIDE, TYPE: OF_TYPES,
    PROCESS: NARROW, F: NARROW, KEY: NARROW, VALUE: NARROW, ERROR: NARROW, NODE: NARROW,
}  # fmt: skip


def columns_in_pieces(file: BinaryIO, size: int) -> Columns | None:
    """The columns of a file of this size, in bytes. A last line that may be torn counts if it is whole."""
    if fitting(size // BYTES_A_STEP) is not Form.COMPILED:
        return None
    read = _Read()
    rest = b""
    while piece := file.read(PIECE_BYTES):
        whole, end, begun = piece.rpartition(b"\n")
        if end and not read.take(rest + whole + end):
            return None
        rest = begun if end else rest + piece
        if len(rest) > LONGEST_LINE_BYTES:
            return None
    # A crash cut this line, as the docstring of `store` allows; it is whole if only the newline is missing.
    if rest and _is_operation(rest) and not read.take(rest + b"\n"):
        return None
    try:
        columns = columns_from(read.found.kept, read.columns(), read.found)
    except UNFIT:
        return None
    return replace(
        columns,
        process=shortest(columns.process),
        f=shortest(columns.f),
        key=shortest(columns.key),
        node=shortest(columns.node),
    )


MOST_OF_16_BITS = 1 << 14
"""Numbers up to this one may be kept in 16 bits: what reckons with them may double them."""


def shortest(numbers: Codes) -> Codes:
    """The same in 16 bits, if they are small."""
    is_large = numbers.min(initial=0) <= -MOST_OF_16_BITS or numbers.max(initial=0) >= MOST_OF_16_BITS
    if is_large or numbers.strides == (0,):
        return numbers
    return cast(Codes, numbers.astype(np.int16))


def _is_operation(line: bytes) -> bool:
    try:
        return not is_too_deep(line) and bool(msgspec.json.decode(line, type=Operation))
    except UNREADABLE:
        return False


class _Read:
    """What is kept of the pieces that were read."""

    def __init__(self) -> None:
        none = np.zeros(0, dtype=np.int64)
        two = np.zeros(2, dtype=np.int64)
        self.found = Slots(two, none, none, none, two.copy(), np.empty(0, dtype=np.uint8))
        self._lines = 0
        self._expected = np.full(FIELDS + 1, ABSENT, dtype=np.int64)
        self._grown = {field: _Column(kind) for field, kind in GROWN_AS.items()}

    def take(self, piece: bytes) -> bool:
        """Take whole lines; whether they are usual."""
        text = np.frombuffer(piece, dtype=np.uint8)
        lines = lines_in(text)
        if lines == 0:
            return not len(text)
        self._make_room(most_texts(lines))
        fields = np.full(FIELDS * lines, ABSENT, dtype=np.int64)
        read = scan(text, self._lines, lines, LONGEST_LINE_BYTES, fields, self._expected, self.found)
        if read != lines:
            return False
        self._keep_texts(text)
        self._lines += lines
        by_field = fields.reshape(FIELDS, lines)
        return all(column.add(by_field[field]) for field, column in self._grown.items())

    def columns(self) -> dict[int, Codes]:
        """By field its numbers; what was kept of them is no longer here."""
        made = {field: column.numbers() for field, column in self._grown.items()}
        self._grown.clear()
        self.found = self.found._replace(slots=np.zeros(2, dtype=np.int64))
        return made

    def _make_room(self, more: int) -> None:
        """Make room for this number of further texts."""
        found = self.found
        needed = int(found.counts[0]) + more
        if needed > len(found.begins):
            begins, ends, fields = (
                _longer(numbers, needed) for numbers in (found.begins, found.ends, found.fields)
            )
            found = found._replace(begins=begins, ends=ends, fields=fields)
        if 2 * needed > len(found.slots):
            found = found._replace(slots=np.zeros(1 << (2 * needed).bit_length(), dtype=np.int64))
            fill(found)
        self.found = found

    def _keep_texts(self, text: Bytes) -> None:
        """Copy the texts that the last piece was the first to have."""
        found = self.found
        count, known = (int(number) for number in found.counts)
        used = int(found.ends[known - 1]) if known else 0
        needed = used + int((found.ends[known:count] - found.begins[known:count]).sum())
        if needed > len(found.kept):
            self.found = found = found._replace(kept=_longer(found.kept, needed))
        keep_texts(text, used, found)


def _longer(numbers: npt.NDArray[Number], needed: int) -> npt.NDArray[Number]:
    """The same with room for at least this number; what is not used of it takes no memory."""
    longer = np.empty(needed + needed // 4, dtype=numbers.dtype)
    longer[: len(numbers)] = numbers
    return longer


@compiled_in_place
def fill(found: Slots) -> None:
    """Put all texts, which are in `kept`, into empty slots."""
    mask = len(found.slots) - 1
    for known in range(found.counts[0]):
        slot = first_slot(found.kept, found.begins[known], found.ends[known], found.fields[known], mask)
        while found.slots[slot] > 0:
            slot = (slot + 1) & mask
        found.slots[slot] = known + 1


@compiled_in_place
def keep_texts(text: Bytes, used: int, found: Slots) -> None:
    """Copy the texts that are not in `kept` behind those that are."""
    for number in range(found.counts[1], found.counts[0]):
        begin = used
        for at in range(found.begins[number], found.ends[number]):
            found.kept[used] = text[at]
            used += 1
        found.begins[number] = begin
        found.ends[number] = used
    found.counts[1] = found.counts[0]


class _Column:
    """The numbers of one field. While all are ABSENT, they are only counted."""

    def __init__(self, kind: str) -> None:
        self._grown = array(kind)
        self._absent = 0

    def add(self, numbers: Codes) -> bool:
        """Take the numbers of a piece; whether they have room."""
        if not len(self._grown) and numbers.max() == ABSENT == numbers.min():
            self._absent += len(numbers)
            return True
        least = np.iinfo(np.dtype(self._grown.typecode))
        if numbers.min() < least.min or numbers.max() > least.max:
            return False
        if self._absent:
            self._grown.frombytes(np.full(self._absent, ABSENT, dtype=self._grown.typecode).tobytes())
            self._absent = 0
        self._grown.frombytes(numbers.astype(self._grown.typecode).tobytes())
        return True

    def numbers(self) -> Codes:
        """All of them; an array that cannot be written, and takes no memory, if all are ABSENT."""
        if self._absent:
            return np.broadcast_to(np.int64(ABSENT), self._absent)
        return np.frombuffer(self._grown, dtype=self._grown.typecode)
