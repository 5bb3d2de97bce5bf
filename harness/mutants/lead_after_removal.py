"""A leader that was removed from the cluster goes on to lead it."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class LeadsAfterRemoval(Raft):
    """Does not see that it is gone."""

    def has_been_removed(self) -> bool:
        """Never."""
        return False


PARTS = Parts(core=LeadsAfterRemoval)
