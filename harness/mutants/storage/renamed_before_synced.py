"""A file gets its name before its bytes are on the disk."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.disk import UNFINISHED
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class RenamedBeforeSynced(WriteAheadLog):
    """Renames a file that was written and not synced."""

    def put_in_place(self, name: str, content: bytes) -> None:
        """The bytes are left to the kernel; only the name is made durable."""
        unfinished = name + UNFINISHED
        self._disk.write_new(unfinished, content)
        self._disk.rename(unfinished, name)
        self._disk.sync_folder()


MUTANT = Mutant(
    name="renamed-before-synced",
    about="a snapshot or log is renamed into its place before its bytes are synced",
    caught_by="node-health",
    seed=1,
    source="Pillai et al., All File Systems Are Not Created Equal (OSDI 2014)",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=RenamedBeforeSynced),
)
