"""The bytes of the write-ahead log, and how far kinds of damage in them can be distinguished.

```
file   = header frame*
header = "ACKPWAL\\n"  version u32  crc32 u32                        (16 bytes; crc over the 12 before)
frame  = mark 4  length u32  crc32(payload) u32  crc32(header) u32   payload   end 1
payload = MessagePack array of records: HardState | AppendRecord | TruncateRecord
```

Integers are little-endian. The frame header's crc starts from the frame's own offset, so a frame is
good only where it was written, and an image of a frame inside a client's data is none.

**One frame is in flight.** All records of one group commit form one frame, and a frame's first byte
is written only after the frame before it was fsynced. The file itself appears whole (header included)
or not at all. So whatever is followed by the beginning of another frame *was* durable, and may have
been acknowledged: losing it would break Raft. Of the last frame, by what is wrong with it:

- *Fewer bytes than its header says.* A kill or a power loss in mid-write does that; decay does not, since
  the length has a checksum of its own. Cut.
- *A sector's part of it is all zeros.* A power loss does that: the file's new length reached the disk, this
  sector did not. Decay would have to zero a whole sector. Cut.
- *All bytes are there, without such a hole, and a checksum is wrong.* No crash does that; a flipped bit in a
  synced frame does. **Refuse.**

A frame neither begins nor ends with a zero byte, even with one bit flipped, so the piece of a
sector that it shares with its neighbours is never all zeros by chance. A damaged frame followed by
anything, or a damaged header with a good header anywhere after it, is refused.

What cannot be detected: a synced last frame that vanished whole (the file is shorter, or sectors read as
zeros: a disk that lied about fsync) looks like one never synced, and is cut; so is a flipped
bit in a last frame in which a client stored a sector (512 bytes, aligned) of zero bytes. Only
another copy could know; this is the price of accepting torn writes at all.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from node_impl.core.events import Record

MAGIC = b"ACKPWAL\n"
VERSION = 1
MARK = b"\xf5Frm"
END = b"\xa5"
SECTOR_BYTES = 512

_FILE = struct.Struct("<8sII")
_FRAME = struct.Struct("<4sIII")
HEADER_BYTES = _FILE.size

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Record, ...]).decode


class CorruptLog(Exception):
    """The log is damaged in a way that no crash explains; starting from it could lose acknowledged writes."""

    def __init__(self, file: str, offset: int, reason: str) -> None:
        super().__init__(
            f"{file}, byte {offset}: {reason}. The node does not start, since acknowledged writes or its own "
            "vote could be lost. Restore the file from a copy of the disk, or replace this node by one of "
            "another name; never empty the folder and start again under this name"
        )
        self.file = file
        self.offset = offset
        self.reason = reason


class Scan(msgspec.Struct, frozen=True):
    """What a log's bytes hold."""

    records: tuple[Any, ...]
    """Each a `Record`, unless the log was scanned for others."""
    good_bytes: int
    """The length of the file up to the end of its last good frame."""
    torn: str | None
    """Why what follows is a write that never completed; None if nothing follows."""


def file_header() -> bytes:
    """The 16 bytes every log begins with."""
    start = _FILE.pack(MAGIC, VERSION, 0)[:-4]
    return start + struct.pack("<I", zlib.crc32(start))


def encode_frame(records: Sequence[Any], offset: int) -> bytes:
    """The frame that holds these records at that offset of the file."""
    payload = _encode(records)
    start = _FRAME.pack(MARK, len(payload), zlib.crc32(payload), 0)[:-4]
    return b"".join((start, struct.pack("<I", _header_crc(start, offset)), payload, END))


def scan(data: bytes, file: str, decode: Callable[[bytes], Sequence[Any]] = _decode) -> Scan:
    """Read all frames.

    Args:
        decode: reads the records of one frame's payload; by default those of this node.

    Raises:
        CorruptLog: another format, or damage that a torn write does not explain.
    """
    _check_file_header(data, file)
    records: list[Any] = []
    offset = HEADER_BYTES
    torn: str | None = None
    while offset < len(data) and torn is None:
        length = _payload_length(data, offset)
        if length is None:
            torn = _explain_bad_header(data, offset, file)
            break
        begin, end = offset + _FRAME.size, offset + _FRAME.size + length + len(END)
        if end > len(data):
            torn = f"{len(data) - offset} of a frame's {end - offset} bytes"
            break
        payload = data[begin : begin + length]
        crc = _FRAME.unpack_from(data, offset)[2]
        if zlib.crc32(payload) != crc or data[end - 1 : end] != END:
            torn = _explain_bad_payload(data, offset, end, file)
            break
        try:
            records.extend(decode(payload))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CorruptLog(
                file, offset, f"an intact frame holds no records of this version: {error}"
            ) from error
        offset = end
    return Scan(tuple(records), offset, torn)


def _check_file_header(data: bytes, file: str) -> None:
    if len(data) < HEADER_BYTES:
        raise CorruptLog(
            file,
            len(data),
            f"the file ends within its {HEADER_BYTES} byte header, which is written whole or not",
        )
    magic, version, crc = _FILE.unpack_from(data)
    if magic != MAGIC:
        raise CorruptLog(file, 0, f"not a write-ahead log of this node: it begins with {data[:8]!r}")
    if zlib.crc32(data[: HEADER_BYTES - 4]) != crc:
        raise CorruptLog(file, 8, "the file's header has a wrong checksum")
    if version != VERSION:
        raise CorruptLog(file, 8, f"format version {version}; this program reads version {VERSION}")


def _header_crc(start: bytes, offset: int) -> int:
    return zlib.crc32(start, offset & 0xFFFFFFFF)


def _payload_length(data: bytes, offset: int) -> int | None:
    """The length that a good frame header at `offset` states; None if there is no good header."""
    if len(data) - offset < _FRAME.size:
        return None
    mark, length, _, crc = _FRAME.unpack_from(data, offset)
    if mark != MARK or _header_crc(data[offset : offset + 12], offset) != crc:
        return None
    return int(length)


def _explain_bad_header(data: bytes, offset: int, file: str) -> str:
    rest = len(data) - offset
    if rest < _FRAME.size:
        return f"{rest} of a frame header's {_FRAME.size} bytes"
    later = _next_good_header(data, offset + 1)
    if later is not None:
        raise CorruptLog(file, offset, f"a damaged frame, although a good one follows at byte {later}")
    if not _has_unwritten_sector(data, offset, offset + _FRAME.size):
        raise CorruptLog(file, offset, "the last frame's header is all there, but its checksum is wrong")
    return f"{rest} bytes whose first sector never reached the disk"


def _explain_bad_payload(data: bytes, offset: int, end: int, file: str) -> str:
    if end < len(data):
        raise CorruptLog(file, offset, f"a frame with a wrong checksum, although more follows at byte {end}")
    if not _has_unwritten_sector(data, offset, end):
        raise CorruptLog(file, offset, "the last frame is all there, but its checksum is wrong")
    return f"{end - offset} bytes of which some sector never reached the disk"


def _next_good_header(data: bytes, start: int) -> int | None:
    found = data.find(MARK, start)
    while found >= 0:
        if _payload_length(data, found) is not None:
            return found
        found = data.find(MARK, found + 1)
    return None


def _has_unwritten_sector(data: bytes, start: int, stop: int) -> bool:
    """Whether a sector that overlaps [start, stop) is all zeros from `start` on."""
    while start < stop:
        after = (start // SECTOR_BYTES + 1) * SECTOR_BYTES
        if not any(data[start:after]):
            return True
        start = after
    return False
