"""The snapshot's bytes on disk.

```
file = "ACKPSNP\\n"  version u32  length u64  crc32(payload) u32  crc32(the 24 bytes before) u32  payload
payload = MessagePack of node_impl.core.events.Snapshot
```

Integers are little-endian. The file is put in place whole or not at all, so whatever is wrong with it
is damage, never a torn write: it is refused.
"""

from __future__ import annotations

import struct
import zlib

from node_impl.core.events import Snapshot
from node_impl.core.raft.snapshot_bytes import SnapshotBytesError, decode_snapshot, encode_snapshot
from node_impl.core.storage.format import CorruptLog

SNAPSHOT_FILE = "snapshot"
MAGIC = b"ACKPSNP\n"
VERSION = 1

_HEADER = struct.Struct("<8sIQII")


def encode_snapshot_file(snapshot: Snapshot) -> bytes:
    """Encode a snapshot as the whole file."""
    payload = encode_snapshot(snapshot)
    start = _HEADER.pack(MAGIC, VERSION, len(payload), zlib.crc32(payload), 0)[:-4]
    return start + struct.pack("<I", zlib.crc32(start)) + payload


def read_snapshot_file(data: bytes) -> Snapshot:
    """The snapshot in the file.

    Raises:
        CorruptLog: anything is wrong with it.
    """
    if len(data) < _HEADER.size:
        raise CorruptLog(SNAPSHOT_FILE, len(data), f"the file ends within its {_HEADER.size} byte header")
    magic, version, length, crc, header_crc = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise CorruptLog(SNAPSHOT_FILE, 0, f"not a snapshot of this node: it begins with {data[:8]!r}")
    if zlib.crc32(data[: _HEADER.size - 4]) != header_crc:
        raise CorruptLog(SNAPSHOT_FILE, 8, "the file's header has a wrong checksum")
    if version != VERSION:
        raise CorruptLog(SNAPSHOT_FILE, 8, f"format version {version}; this program reads version {VERSION}")
    payload = data[_HEADER.size :]
    if len(payload) != length:
        raise CorruptLog(
            SNAPSHOT_FILE, _HEADER.size, f"{len(payload)} bytes follow the header, which says {length}"
        )
    if zlib.crc32(payload) != crc:
        raise CorruptLog(SNAPSHOT_FILE, _HEADER.size, "the snapshot has a wrong checksum")
    try:
        return decode_snapshot(payload)
    except SnapshotBytesError as error:
        raise CorruptLog(SNAPSHOT_FILE, _HEADER.size, str(error)) from error
