"""The log is written and never synced: it survives a crash of the process, and no loss of power."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage import Disk, WriteAheadLog


class _UnsyncedDisk:
    """A disk whose `sync` does nothing."""

    def __init__(self, disk: Disk) -> None:
        self.read, self.write_new = disk.read, disk.write_new
        self.append, self.truncate = disk.append, disk.truncate
        self.rename, self.sync_folder = disk.rename, disk.sync_folder

    def sync(self, name: str) -> None:
        """The bytes stay in the kernel's cache."""


@breaks
class NeverSyncs(WriteAheadLog):
    """Takes a write for a sync."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(_UnsyncedDisk(disk))


MUTANT = Mutant(
    name="never-fsync",
    about="the log is written and never synced, so that it does not survive a loss of power",
    caught_by="durable-log",
    seed=20,
    source="Raft, Figure 2; many systems leave fsync out by default, for speed",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=NeverSyncs),
)
