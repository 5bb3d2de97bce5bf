"""A new snapshot or log is written over the old one."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class SnapshotOverwritten(WriteAheadLog):
    """Empties the old file before the new one is there."""

    def put_in_place(self, name: str, content: bytes) -> None:
        """The old file is gone when the first byte of the new one is written."""
        self._disk.write_new(name, content)
        self._disk.sync(name)
        self._disk.sync_folder()


MUTANT = Mutant(
    name="snapshot-overwritten",
    about="a new snapshot or log is written over the old one, in place",
    caught_by="node-health",
    seed=10,
    source="Raft, section 7: a snapshot replaces the log only when it is complete",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=SnapshotOverwritten),
)
