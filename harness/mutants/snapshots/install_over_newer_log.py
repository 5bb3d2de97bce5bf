"""A restarting node keeps its snapshot only, and drops the log entries that follow it."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Snapshot
from node_impl.core.storage.wal import Replayed, WriteAheadLog


@breaks
class InstallsOverNewerLog(WriteAheadLog):
    """Drops entries that it has acknowledged to hold."""

    def log_goes_on_from(self, snapshot: Snapshot, log: Replayed) -> bool:  # noqa: ARG002 - this is the bug
        """No log is taken for the continuation of a snapshot."""
        return False


MUTANT = Mutant(
    name="install-over-newer-log",
    about="a restarting node keeps its snapshot only, and drops the log entries that follow it",
    caught_by="durable-log",
    seed=1,
    source="Raft, Figure 13, rule 6: retain log entries following it",
    also=(*DISK_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=InstallsOverNewerLog),
)
