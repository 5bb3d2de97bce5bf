"""Messages leave before what they promise is on disk."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class SendsBeforeFsync(Raft):
    """Waits for no disk."""

    def sync_barrier(self) -> int:
        """Nothing."""
        return 0


PARTS = Parts(core=SendsBeforeFsync)
