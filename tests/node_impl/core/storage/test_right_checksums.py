"""Files whose checksums are right although a program other than this node wrote them: they are read, or
refused as damaged, and nothing else is raised."""

from __future__ import annotations

import contextlib
import struct
import zlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from node_impl.core.raft.snapshot_bytes import SnapshotBytesError, decode_snapshot, encode_snapshot
from node_impl.core.storage import CorruptLog, WriteAheadLog
from node_impl.core.storage.format import END, HEADER_BYTES, MARK, file_header
from node_impl.core.storage.snapshot_file import MAGIC, SNAPSHOT_FILE, VERSION
from node_impl.core.storage.wal import FILE
from tests.node_impl.core.storage.fake_disk import FakeDisk
from tests.node_impl.core.storage.test_snapshot_file import snapshot_of, whole
from tests.node_impl.core.storage.test_wal import Commit, commits

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=9)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=20,
)
"""What MessagePack can hold."""


@st.composite
def almost(draw: st.DrawFn, payload: bytes) -> bytes:
    """This payload, with up to three bytes changed, or some values in its place."""
    if draw(st.booleans()):
        return msgspec.msgpack.encode(draw(VALUES))
    changed = bytearray(payload)
    for at in draw(st.lists(st.integers(0, len(payload) - 1), max_size=3)):
        changed[at] = draw(st.integers(0, 255))
    return bytes(changed)


def log_of(payloads: list[bytes]) -> bytes:
    """A log with these payloads in its frames, each with right checksums."""
    data = file_header()
    for payload in payloads:
        start = struct.pack("<4sII", MARK, len(payload), zlib.crc32(payload))
        data += start + struct.pack("<I", zlib.crc32(start, len(data) & 0xFFFFFFFF)) + payload + END
    return data


@given(commits(min_size=1), st.data())
def test_a_log_is_read_or_refused(groups: list[Commit], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(groups) | st.just(groups))
    whole_ones = [msgspec.msgpack.encode(group) for group in shuffled]
    payloads = [data.draw(almost(one) | st.just(one)) for one in whole_ones]
    content = log_of(payloads)
    disk = FakeDisk.holding(FILE, content)
    try:
        found = WriteAheadLog(disk).recover()
    except CorruptLog:
        assert disk.files[FILE] == content, "what is refused is left as it was"
    else:
        indices = [entry.index for entry in found.entries]
        assert indices == list(range(found.base.index + 1, found.base.index + 1 + len(indices)))
        assert WriteAheadLog(disk).recover().entries == found.entries


def test_the_helper_writes_what_the_node_writes() -> None:
    content = whole().synced[FILE]
    begin, length = HEADER_BYTES + 16, struct.unpack_from("<I", content, HEADER_BYTES + 4)[0]
    assert log_of([content[begin : begin + length]]) == content


@given(st.data())
def test_a_snapshot_is_read_or_refused(data: st.DataObject) -> None:
    payload = data.draw(almost(encode_snapshot(snapshot_of(2, 2, 2).snapshot)))
    start = struct.pack("<8sIQI", MAGIC, VERSION, len(payload), zlib.crc32(payload))
    disk = whole()
    disk.create(SNAPSHOT_FILE, start + struct.pack("<I", zlib.crc32(start)) + payload)
    with contextlib.suppress(CorruptLog):
        assert WriteAheadLog(disk).recover().snapshot == snapshot_of(2, 2, 2).snapshot, (
            "a digest is in it, too"
        )
    with contextlib.suppress(SnapshotBytesError):
        assert decode_snapshot(payload) == snapshot_of(2, 2, 2).snapshot
