"""Which updates the logs of ZooKeeper's nodes lack, by their files.

The format is that of `FileTxnLog` and `TxnHeader` (ZooKeeper 3.8): a header of 16 bytes, and for each update
a checksum (8 bytes), a length (4), as many bytes, and a last one. The bytes begin with the client's session
(8), the number of its request (4) and the zxid (8). All is big-endian, and a zxid has the epoch in its upper
32 bits. ZooKeeper reads a file up to the first update that is torn.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HEADER_BYTES = 16
BEFORE = struct.Struct(">qi")
ZXID = struct.Struct(">12xq")
LAST_BYTE, LAST = 1, ord("B")


def lacking(data: Mapping[str, Path]) -> dict[str, int]:
    """How many updates each node's log lacks that another node's has, though later ones follow in it.

    What a snapshot brought is not lacking: a snapshot that includes the update, and not the one that follows.

    Args:
        data: the data folder of each node, by its name.
    """
    logs = {
        node: sorted({zxid for file in folder.glob("version-2/log.*") for zxid in _zxids(file.read_bytes())})
        for node, folder in data.items()
    }
    written = {zxid for log in logs.values() for zxid in log}
    found = {}
    for node, log in logs.items():
        snapshots = sorted(int(file.suffix[1:], 16) for file in data[node].glob("version-2/snapshot.*"))
        found[node] = sum(_is_lacking(zxid, log, snapshots) for zxid in written.difference(log))
    return found


def _is_lacking(zxid: int, log: Sequence[int], snapshots: Sequence[int]) -> bool:
    later, snapshot = bisect_right(log, zxid), bisect_left(snapshots, zxid)
    if later == len(log):
        return False
    return snapshot == len(snapshots) or snapshots[snapshot] >= log[later]


def _zxids(log: bytes) -> Iterator[int]:
    at = HEADER_BYTES
    while at + BEFORE.size <= len(log):
        _, length = BEFORE.unpack_from(log, at)
        body = at + BEFORE.size
        at = body + length + LAST_BYTE
        if length < ZXID.size or at > len(log) or log[at - LAST_BYTE] != LAST:  # zeros fill the file up
            return
        yield ZXID.unpack_from(log, body)[0]
