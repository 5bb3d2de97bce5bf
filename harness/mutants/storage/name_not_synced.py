"""A file is put in place without an fsync of its folder."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.disk import UNFINISHED
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class NameNotSynced(WriteAheadLog):
    """Leaves the new name of a synced file to the kernel."""

    def put_in_place(self, name: str, content: bytes) -> None:
        """The rename is not made durable."""
        unfinished = name + UNFINISHED
        self._disk.write_new(unfinished, content)
        self._disk.sync(unfinished)
        self._disk.rename(unfinished, name)


MUTANT = Mutant(
    name="name-not-synced",
    about="a snapshot or log is renamed into its place and its folder is not synced",
    caught_by="durable-log",
    source="Pillai et al., All File Systems Are Not Created Equal (OSDI 2014)",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=NameNotSynced),
)
