"""A node that restarts takes its snapshot for all there is, and drops the log that follows it."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Snapshot
from node_impl.core.storage.wal import Replayed, WriteAheadLog


@breaks
class InstallsOverNewerLog(WriteAheadLog):
    """Forgets entries that it had said to hold."""

    def log_goes_on_from(self, snapshot: Snapshot, log: Replayed) -> bool:  # noqa: ARG002 - it never looks
        """Never."""
        return False


PARTS = Parts(storage=InstallsOverNewerLog)
