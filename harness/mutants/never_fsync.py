"""The log is written and never synced: it outlives the process, and no loss of power."""

from harness.mutants.rules import breaks
from node_impl.build import Parts
from node_impl.storage.format import encode_frame
from node_impl.storage.wal import FILE, WriteAheadLog


@breaks
class NeverSyncs(WriteAheadLog):
    """Leaves its bytes to the kernel."""

    def sync(self) -> None:
        """Write, and no more."""
        if self._pending:
            frame = encode_frame(self._pending, self._size)
            self._pending.clear()
            self._disk.append(FILE, frame)
            self._size += len(frame)


PARTS = Parts(storage=NeverSyncs)
