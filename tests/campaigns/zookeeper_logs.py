"""Which updates the logs of ZooKeeper's nodes lack or have in a wrong place, by their files.

The format is that of `FileTxnLog` and `TxnHeader` (ZooKeeper 3.8): a header of 16 bytes, and for each update
a checksum (8 bytes), a length (4), as many bytes, and a last one. The bytes begin with the client's session
(8), the number of its request (4) and the zxid (8). All is big-endian, and a zxid has the epoch in its upper
32 bits. ZooKeeper reads a file up to the first update that is torn.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

HEADER_BYTES = 16
BEFORE = struct.Struct(">qi")
ZXID = struct.Struct(">12xq")
LAST_BYTE, LAST = 1, ord("B")


def misplaced(data: Mapping[str, Path]) -> dict[str, int]:
    """How many updates each node's log lacks or has in a wrong place.

    It lacks what another node's has, though later ones follow. What a snapshot brought is not lacking: one
    that includes the update, and not the one that follows. In a wrong place is what comes right after a later
    one.

    Args:
        data: the data folder of each node, by its name.
    """
    logs = {node: [*_updates(folder)] for node, folder in data.items()}
    written = {zxid for log in logs.values() for zxid in log}
    found = {}
    for node, log in logs.items():
        snapshots = sorted(_zxids_of_names(data[node], "snapshot"))
        in_order = sorted(set(log))
        found[node] = sum(after < before for before, after in pairwise(log)) + sum(
            _is_lacking(zxid, in_order, snapshots) for zxid in written.difference(log)
        )
    return found


def _is_lacking(zxid: int, log: Sequence[int], snapshots: Sequence[int]) -> bool:
    later, snapshot = bisect_right(log, zxid), bisect_left(snapshots, zxid)
    if later == len(log):
        return False
    return snapshot == len(snapshots) or snapshots[snapshot] >= log[later]


def _zxids_of_names(data: Path, kind: str) -> dict[int, Path]:
    """The files `log.*` or `snapshot.*`, each by the zxid in its name."""
    return {int(file.suffix[1:], 16): file for file in data.glob(f"version-2/{kind}.*")}


def _updates(data: Path) -> Iterator[int]:
    for _, file in sorted(_zxids_of_names(data, "log").items()):
        yield from _zxids(file.read_bytes())


def _zxids(log: bytes) -> Iterator[int]:
    at = HEADER_BYTES
    while at + BEFORE.size <= len(log):
        _, length = BEFORE.unpack_from(log, at)
        body = at + BEFORE.size
        at = body + length + LAST_BYTE
        if length < ZXID.size or at > len(log) or log[at - LAST_BYTE] != LAST:  # zeros fill the file up
            return
        yield ZXID.unpack_from(log, body)[0]
