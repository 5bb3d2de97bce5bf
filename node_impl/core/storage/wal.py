"""The node's persistent state over any `Disk`: currentTerm, votedFor, log[] (Figure 2), and a snapshot.

`write` collects records, `sync` puts all that was collected into one frame, writes it and fsyncs:
group commit. Only after `sync` returned may a message or reply depend on them. `format.py` has the
bytes, and the argument which damage is a torn write and which is not.

A snapshot is a file of its own, and a new log is written after it, each put in place whole or not at all
(`put_in_place`). So a crash leaves one of three: the old two, the new snapshot with the old log, the new two.
In the middle case the old log is treated as when a snapshot is installed: if it holds the snapshot's last
entry, it goes on from there, and if not it is superseded as a whole (section 7).

Without I/O: the disk is passed in, and no call here starts a thread or reads a clock.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from node_impl.core.events import (
    AppendRecord,
    BaseRecord,
    Entry,
    HardState,
    Record,
    Recovered,
    Snapshot,
    SnapshotRecord,
    TruncateRecord,
)
from node_impl.core.storage.disk import Disk, put_in_place
from node_impl.core.storage.format import CorruptLog, encode_frame, file_header, scan
from node_impl.core.storage.snapshot_file import SNAPSHOT_FILE, encode_snapshot_file, read_snapshot_file

FILE = "log.wal"
NO_BASE = BaseRecord(0, 0)


class Replayed(msgspec.Struct, frozen=True):
    """The state that a log's records lead to."""

    hard_state: HardState
    base: BaseRecord
    entries: tuple[Entry, ...]


class WriteAheadLog:
    """The node's log on a disk. Call `recover` once, then `write` and `sync` as often as needed.

    Any `OSError` is final: the caller ends the process and neither retries nor goes on.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._pending: list[Record] = []
        self._snapshot: SnapshotRecord | None = None
        """A snapshot that is to be put in place before the pending records."""
        self._hard_state = HardState(0, None)
        """The last one written, pending ones included."""
        self._size = 0
        self._base = 0
        self._last = 0
        """Indices of the log's base and last entry, pending ones included."""

    def recover(self) -> Recovered:
        """Read the snapshot and the log, make durable what was found, and cut a torn end.

        Raises:
            CorruptLog: a file is damaged or missing, or records do not follow one another.
            OSError: the disk fails.
        """
        content = self.read(SNAPSHOT_FILE)
        snapshot = None if content is None else read_snapshot_file(content)
        data = self.read(FILE)
        if data is None:
            if snapshot is not None:
                raise CorruptLog(FILE, 0, f"it is missing, although there is a {SNAPSHOT_FILE}")
            self.put_in_place(FILE, file_header())
            self._size = len(file_header())
            return Recovered(HardState(0, None), (), (f"{FILE}: new",))
        found = scan(data, FILE)
        state = replay(found.records, found.good_bytes)
        self.make_durable_what_was_found()
        notes: tuple[str, ...] = ()
        if found.torn is not None:
            self.cut_torn_end(found.good_bytes)
            cut = len(data) - found.good_bytes
            notes = (f"{FILE}: cut a torn end of {cut} bytes at byte {found.good_bytes}: {found.torn}",)
        self._size = found.good_bytes
        self._hard_state = state.hard_state
        if state.base.index > (0 if snapshot is None else snapshot.index):
            what = "there is none" if snapshot is None else f"the one here ends at entry {snapshot.index}"
            raise CorruptLog(
                SNAPSHOT_FILE, 0, f"{FILE} goes on from a snapshot up to entry {state.base.index}, but {what}"
            )
        if snapshot is not None and not self.log_goes_on_from(snapshot, state):
            superseded = SnapshotRecord(snapshot, BaseRecord(snapshot.index, snapshot.term), ())
            self._rewrite_log(superseded)
            notes = (*notes, f"{FILE}: superseded by the snapshot up to entry {snapshot.index}")
            state = Replayed(state.hard_state, superseded.base, ())
        self._base = state.base.index
        self._last = state.base.index + len(state.entries)
        return Recovered(state.hard_state, state.entries, notes, state.base, snapshot)

    def read(self, name: str) -> bytes | None:
        """A whole file; None if there is none. One that cannot be read is not one that is missing."""
        return self._disk.read(name)

    def make_durable_what_was_found(self) -> None:
        """Sync the log and the names of all files, since the node is about to rely on them.

        After a kill the kernel may still hold frames that the last life wrote and never synced, or a log that
        it put in place of another one and whose name is not durable: what this life adds to that file would
        be lost with the name.
        """
        self._disk.sync(FILE)
        self._disk.sync_folder()

    def cut_torn_end(self, size: int) -> None:
        """Cut the log to `size` bytes, durable on return: what is written next comes where the torn end was,
        and a mixture of both is not a log."""
        self._disk.truncate(FILE, size)
        self._disk.sync(FILE)

    def put_in_place(self, name: str, content: bytes) -> None:
        """Put a whole new file, durable on return; after a crash it is there entirely or not at all."""
        put_in_place(self._disk, name, content)

    def log_goes_on_from(self, snapshot: Snapshot, log: Replayed) -> bool:
        """Whether the log holds the snapshot's last entry: then what follows it there is good (section 7)."""
        position = snapshot.index - log.base.index
        if position == 0:
            return log.base.term == snapshot.term
        return position <= len(log.entries) and log.entries[position - 1].term == snapshot.term

    def write(self, records: Sequence[Record]) -> None:
        """Collect records for the next `sync`.

        Raises:
            ValueError: entries do not follow the last one, or a truncation begins after it: the log
                could not be recovered from this.
        """
        for record in records:
            self._base, self._last = _after(record, self._base, self._last)
            if isinstance(record, HardState):
                self._hard_state = record
            if isinstance(record, SnapshotRecord):
                self._snapshot = record
                self._pending.clear()  # the log that the snapshot brings, and the newest vote, say it all
            else:
                self._pending.append(record)

    def sync(self) -> None:
        """Make all that was written durable, as one frame; on return it outlives a power loss."""
        if self._snapshot is not None:
            record, self._snapshot = self._snapshot, None
            self.put_snapshot_and_log(record)
        if not self._pending:
            return
        frame = encode_frame(self._pending, self._size)
        self._pending.clear()
        self._disk.append(FILE, frame)
        self._size += len(frame)
        self._disk.sync(FILE)

    def put_snapshot_and_log(self, record: SnapshotRecord) -> None:
        """Put a snapshot in place, and then the log that goes on from it: a log whose beginning no snapshot
        holds is worth nothing."""
        self.put_in_place(SNAPSHOT_FILE, encode_snapshot_file(record.snapshot))
        self._rewrite_log(record)

    def _rewrite_log(self, record: SnapshotRecord) -> None:
        header = file_header()
        records = (record.base, self._hard_state, AppendRecord(record.entries))
        content = header + encode_frame(records, len(header))
        self.put_in_place(FILE, content)
        self._size = len(content)


def replay(records: Sequence[Record], good_bytes: int) -> Replayed:
    """The state that these records lead to; `good_bytes` says in an error how far the file was read.

    Raises:
        CorruptLog: entries leave a gap or overlap, or a truncation begins after the last entry.
    """
    hard_state = HardState(0, None)
    base = NO_BASE
    last = 0
    entries: list[Entry] = []
    for record in records:
        try:
            _, last = _after(record, base.index, last)
        except ValueError as error:
            raise CorruptLog(FILE, good_bytes, f"among intact frames before here, {error}") from error
        match record:
            case HardState():
                hard_state = record
            case AppendRecord():
                entries.extend(record.entries)
            case TruncateRecord(index):
                del entries[index - base.index - 1 :]
            case BaseRecord():
                base, entries = record, []
    return Replayed(hard_state, base, tuple(entries))


def _after(record: Record, base: int, last: int) -> tuple[int, int]:
    """The indices of the base and of the last entry after `record`, given those before it."""
    match record:
        case HardState():
            return base, last
        case AppendRecord(entries):
            return base, _last_of(entries, last)
        case TruncateRecord(index):
            if not base + 1 <= index <= last:
                raise ValueError(f"the log is to be cut from entry {index}, but it ends at entry {last}")
            return base, index - 1
        case BaseRecord(index):
            return index, index
        case SnapshotRecord(snapshot, begin, entries):
            if begin.index > snapshot.index:
                raise ValueError(
                    f"the log is to begin after {begin.index}, the snapshot ends at {snapshot.index}"
                )
            return begin.index, _last_of(entries, begin.index)


def _last_of(entries: Sequence[Entry], last: int) -> int:
    for entry in entries:
        if entry.index != last + 1:
            raise ValueError(f"entry {entry.index} is to follow entry {last}")
        last = entry.index
    return last
