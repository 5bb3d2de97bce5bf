"""A leader begins a change of membership while the one before it is not committed."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class ChangesOverlap(Raft):
    """Takes on the next change at once."""

    def change_before_is_committed(self) -> bool:
        """As far as it cares."""
        return True


PARTS = Parts(core=ChangesOverlap)
