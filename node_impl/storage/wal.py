"""The write-ahead log: Figure 2's persistent state (currentTerm, votedFor, log[]) over any `Disk`.

`write` collects records, `sync` puts all that was collected into one frame, writes it and fsyncs:
group commit. Only after `sync` returned may a message or reply depend on them. `format.py` has the
bytes, and the argument which damage is a torn write and which is not.

Sans-I/O: the disk is passed in, and no call here starts a thread or reads a clock.
"""

from __future__ import annotations

from collections.abc import Sequence

from node_impl.events import AppendRecord, Entry, HardState, Record, Recovered, TruncateRecord
from node_impl.storage.disk import Disk
from node_impl.storage.format import CorruptLog, encode_frame, file_header, scan

FILE = "log.wal"


class WriteAheadLog:
    """The node's log on a disk. Call `recover` once, then `write` and `sync` as often as needed.

    Any `OSError` is final: the caller ends the process and neither retries nor goes on.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._pending: list[Record] = []
        self._size = 0
        self._last = 0
        """Index of the log's last entry, pending ones included."""

    def recover(self) -> Recovered:
        """Read the log, cut a torn end, and make durable what was found.

        The fsync matters: after a kill the kernel may still hold frames that the last life wrote and
        never synced; the node is about to rely on them.

        Raises:
            CorruptLog: the file is damaged, or its records do not follow one another.
            OSError: the disk fails.
        """
        data = self._disk.read(FILE)
        if data is None:
            self._disk.create(FILE, file_header())
            self._size = len(file_header())
            return Recovered(HardState(0, None), (), (f"{FILE}: new",))
        found = scan(data, FILE)
        hard_state, entries = replay(found.records, found.good_bytes)
        notes: tuple[str, ...] = ()
        if found.torn is not None:
            self._disk.truncate(FILE, found.good_bytes)
            cut = len(data) - found.good_bytes
            notes = (f"{FILE}: cut a torn end of {cut} bytes at byte {found.good_bytes}: {found.torn}",)
        self._disk.sync(FILE)
        self._size = found.good_bytes
        self._last = len(entries)
        return Recovered(hard_state, entries, notes)

    def write(self, records: Sequence[Record]) -> None:
        """Collect records for the next `sync`.

        Raises:
            ValueError: entries do not follow the last one, or a truncation begins after it: the log
                could not be recovered from this.
        """
        for record in records:
            self._last = _last_after(record, self._last)
            self._pending.append(record)

    def sync(self) -> None:
        """Make all that was written durable, as one frame; on return it outlives a power loss."""
        if not self._pending:
            return
        frame = encode_frame(self._pending, self._size)
        self._pending.clear()
        self._disk.append(FILE, frame)
        self._size += len(frame)
        self._disk.sync(FILE)


def replay(records: Sequence[Record], good_bytes: int) -> tuple[HardState, tuple[Entry, ...]]:
    """The state that these records lead to; `good_bytes` says in an error how far the file was read.

    Raises:
        CorruptLog: entries leave a gap or overlap, or a truncation begins after the last entry.
    """
    hard_state = HardState(0, None)
    entries: list[Entry] = []
    for record in records:
        try:
            _last_after(record, len(entries))
        except ValueError as error:
            raise CorruptLog(FILE, good_bytes, f"among intact frames before here, {error}") from error
        match record:
            case HardState():
                hard_state = record
            case AppendRecord():
                entries.extend(record.entries)
            case TruncateRecord(index):
                del entries[index - 1 :]
    return hard_state, tuple(entries)


def _last_after(record: Record, last: int) -> int:
    """The last index after `record`, given the last index before it."""
    match record:
        case HardState():
            return last
        case AppendRecord(entries):
            for entry in entries:
                if entry.index != last + 1:
                    raise ValueError(f"entry {entry.index} is to follow entry {last}")
                last = entry.index
            return last
        case TruncateRecord(index):
            if not 1 <= index <= last:
                raise ValueError(f"the log is to be cut from entry {index}, but it ends at entry {last}")
            return index - 1
