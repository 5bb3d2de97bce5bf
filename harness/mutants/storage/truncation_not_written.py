"""A log that is cut in memory is not cut on the disk."""

from collections.abc import Sequence

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Record, TruncateRecord
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class TruncationNotWritten(WriteAheadLog):
    """Writes new entries after old ones that should have been deleted."""

    def write(self, records: Sequence[Record]) -> None:
        """Records of truncations are dropped before the write."""
        super().write([record for record in records if not isinstance(record, TruncateRecord)])


MUTANT = Mutant(
    name="truncation-not-written",
    about="entries that are deleted from the log in memory are not deleted on the disk",
    caught_by="node-health",
    source="Raft, section 5.3: the log on stable storage is the log",
    also=(*DISK_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=TruncationNotWritten),
)
