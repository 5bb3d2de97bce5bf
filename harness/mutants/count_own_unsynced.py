"""The leader counts its own copy before it is on its disk."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class CountsOwnUnsynced(Raft):
    """Trusts its memory."""

    def own_match_index(self) -> int:
        """All it holds, in memory."""
        return self.log.last_index


PARTS = Parts(core=CountsOwnUnsynced)
