"""The reader of ZooKeeper's logs, on files made here."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.campaigns.zookeeper_logs import misplaced


def written(folder: Path, zxids: Sequence[int], snapshots: Sequence[int] = (), torn: int = 0) -> Path:
    """A node's data folder; `torn` is the update from which on nothing can be read, none if it is 0."""
    (folder / "version-2").mkdir(parents=True)
    log = struct.pack(">4siq", b"ZKLG", 2, 0)
    for zxid in zxids:
        update = struct.pack(">qiqqi", 7, 1, zxid, 0, 5) + b"rest"
        log += struct.pack(">qi", 0, len(update)) + update + (b"x" if zxid == torn else b"B")
    (folder / f"version-2/log.{zxids[0]:x}").write_bytes(log + bytes(64))
    for snapshot in snapshots:
        (folder / f"version-2/snapshot.{snapshot:x}").write_bytes(b"")
    return folder


WHOLE = (0x100000001, 0x100000002, 0x100000003, 0x200000001, 0x200000002, 0x300000001)


@pytest.mark.parametrize(
    ("zxids", "snapshots", "torn", "found"),
    [
        (WHOLE, (), 0, 0),
        (WHOLE[:3], (), 0, 0),
        (WHOLE[3:], (0x100000003,), 0, 0),
        (WHOLE[:1] + WHOLE[2:], (), 0, 1),
        (WHOLE[:3] + WHOLE[5:], (), 0, 2),
        (WHOLE[:3] + WHOLE[5:], (0x200000001,), 0, 1),
        (WHOLE[:3] + WHOLE[5:], (0x300000001,), 0, 2),
        (WHOLE, (), 0x100000003, 0),
        (WHOLE[:3] + WHOLE[4:5] + WHOLE[3:4] + WHOLE[5:], (), 0, 1),
    ],
    ids=[
        "whole",
        "behind",
        "a snapshot",
        "a hole",
        "an epoch",
        "a snapshot between",
        "a later one",
        "torn",
        "two exchanged",
    ],
)
def test_misplaced(
    zxids: Sequence[int], snapshots: Sequence[int], torn: int, found: int, tmp_path: Path
) -> None:
    folders = {
        "n1": written(tmp_path / "n1", WHOLE),
        "n2": written(tmp_path / "n2", zxids, snapshots, torn),
    }
    assert misplaced(folders) == {"n1": 0, "n2": found}
