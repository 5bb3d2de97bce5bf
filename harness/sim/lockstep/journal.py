"""The disk of a foreign node: a journal of records, which a core only adds to, or replaces as a whole.

It is the reference node's log on the same simulated disk, with its bytes
(node_impl/core/storage/format.py): one checksummed frame a write, a torn end is cut, and any other damage
is refused. So power losses, torn writes, full disks and rot are the same for a foreign core, and what a
synced record survives is no matter of the core.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from node_impl.core.storage.disk import UNFINISHED, Disk, put_in_place
from node_impl.core.storage.format import CorruptLog, Scan, encode_frame, file_header, scan
from node_impl.core.storage.wal import FILE

_decode = msgspec.msgpack.Decoder(tuple[bytes, ...]).decode


class Replacement(msgspec.Struct, frozen=True):
    """In `Persist.records`: the journal holds nothing but these records from now on.

    A record is the text that the core gave.
    """

    records: tuple[bytes, ...]


class Handed(msgspec.Struct, frozen=True):
    """An effect of a node whose persists are `written`: the kernel gets these records, unsynced."""

    records: tuple[bytes, ...] | Replacement


class RecoveredJournal(msgspec.Struct, frozen=True):
    """What a journal holds at the start of a life."""

    records: tuple[bytes, ...]
    notes: tuple[str, ...] = ()
    """Lines for the node's log."""


class Journal:
    """A foreign node's records on a disk. Call `recover` once, then `write` and `sync` as often as needed."""

    def __init__(self, disk: Disk, *, is_synced: bool = True) -> None:
        self._disk = disk
        self._is_synced = is_synced
        self._pending: list[bytes] = []
        self._replacement: tuple[bytes, ...] | None = None
        self._size = 0

    def recover(self) -> RecoveredJournal:
        """Read the journal, make durable what was found, and cut a torn end.

        Raises:
            CorruptLog: it is damaged in a way that no crash explains.
            OSError: the disk fails.
        """
        data = self._disk.read(FILE)
        if data is None:
            put_in_place(self._disk, FILE, file_header())
            self._size = len(file_header())
            return RecoveredJournal((), (f"{FILE}: new",))
        found = scan(data, FILE, _decode) if self._is_synced else _beginning(data)
        if self._is_synced:
            self._disk.sync(FILE)
            self._disk.sync_folder()
        notes: tuple[str, ...] = ()
        if found.torn is not None:
            self._disk.truncate(FILE, found.good_bytes)
            if self._is_synced:
                self._disk.sync(FILE)
            notes = (f"{FILE}: cut a torn end at byte {found.good_bytes}: {found.torn}",)
        self._size = found.good_bytes
        return RecoveredJournal(found.records, notes)

    def write(self, records: Sequence[bytes | Replacement]) -> None:
        """Collect records for the next `sync`."""
        for record in records:
            if isinstance(record, Replacement):
                self._replacement = record.records
                self._pending.clear()
            else:
                self._pending.append(record)

    def hand(self, records: tuple[bytes, ...] | Replacement) -> None:
        """Give records to the kernel, which keeps them when the process ends, and may lose them with power.

        Raises:
            OSError: the disk fails.
        """
        if isinstance(records, Replacement):
            content = file_header()
            content += encode_frame(records.records, len(content))
            self._disk.write_new(FILE + UNFINISHED, content)
            self._disk.rename(FILE + UNFINISHED, FILE)
            self._size = len(content)
        else:
            frame = encode_frame(records, self._size)
            self._disk.append(FILE, frame)
            self._size += len(frame)

    def sync(self) -> None:
        """Write what was collected; it is durable on return.

        Raises:
            OSError: the disk fails.
        """
        replacement, self._replacement = self._replacement, None
        if replacement is not None:
            content = file_header()
            content += encode_frame((*replacement, *self._pending), len(content))
            put_in_place(self._disk, FILE, content)
            self._size = len(content)
        elif self._pending:
            frame = encode_frame(self._pending, self._size)
            self._disk.append(FILE, frame)
            self._disk.sync(FILE)
            self._size += len(frame)
        self._pending.clear()


def _beginning(data: bytes) -> Scan:
    """What is left of a journal that nothing synced: all up to the first damage, wherever that is."""
    try:
        return scan(data, FILE, _decode)
    except CorruptLog as damage:
        whole = scan(data[: damage.offset], FILE, _decode)
        return Scan(whole.records, whole.good_bytes, str(damage))
