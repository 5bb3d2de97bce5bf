"""What is written to the log stays in the process until much has gathered."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class BufferedLog(WriteAheadLog):
    """Says that it has synced, and has not even written."""

    ENOUGH_RECORDS = 500

    def sync(self) -> None:
        """Only once in a while."""
        if len(self._pending) >= self.ENOUGH_RECORDS:
            super().sync()


PARTS = Parts(storage=BufferedLog)
