"""A new leader changes the membership before it has committed an entry of its own term."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class ChangesBeforeOwnCommit(Raft):
    """Does single-server changes as they were first published."""

    def has_committed_in_its_term(self) -> bool:
        """As far as it cares."""
        return True


PARTS = Parts(core=ChangesBeforeOwnCommit)
