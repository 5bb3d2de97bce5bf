"""A leader serves reads without confirming that it still leads."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class UnconfirmedReads(Raft):
    """Believes that it leads because it led."""

    def leadership_is_confirmed(self) -> bool:
        """Always."""
        return True


PARTS = Parts(core=UnconfirmedReads)
