"""The log is cut before the snapshot that covers it is on the disk."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import SnapshotRecord
from node_impl.core.storage.snapshot_file import SNAPSHOT_FILE, encode_snapshot_file
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class LogBeforeSnapshot(WriteAheadLog):
    """Puts the shorter log in place first."""

    def put_snapshot_and_log(self, record: SnapshotRecord) -> None:
        """The log goes on from a snapshot that is not there yet."""
        self._rewrite_log(record)
        self.put_in_place(SNAPSHOT_FILE, encode_snapshot_file(record.snapshot))


MUTANT = Mutant(
    name="log-before-snapshot",
    about="the log is cut before the snapshot that covers it is on the disk",
    caught_by="node-health",
    seed=6,
    source="Raft, section 7: entries are discarded once the snapshot is complete",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=LogBeforeSnapshot),
)
