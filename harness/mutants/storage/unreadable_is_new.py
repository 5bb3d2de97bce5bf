"""A log that cannot be read is taken for one that is not there."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class UnreadableIsNew(WriteAheadLog):
    """Begins with empty files where the disk fails."""

    def read(self, name: str) -> bytes | None:
        """An error of the disk looks like a file that is missing."""
        try:
            return super().read(name)
        except OSError:
            return None


MUTANT = Mutant(
    name="unreadable-is-new",
    about="a node that cannot read its log starts with an empty one",
    caught_by="durable-log",
    seed=5,
    source="Ganesan et al., Redundancy Does Not Imply Fault Tolerance (FAST 2017)",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=UnreadableIsNew),
)
