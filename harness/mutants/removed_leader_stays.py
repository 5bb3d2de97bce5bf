"""A leader that was removed from the cluster goes on leading it."""

from harness.mutants.rules import breaks
from node_impl.build import Parts
from node_impl.raft.core import Raft


@breaks
class RemovedLeaderStays(Raft):
    """Never finds that it is no member any more."""

    def has_been_removed(self) -> bool:
        """Never."""
        return False


PARTS = Parts(core=RemovedLeaderStays)
