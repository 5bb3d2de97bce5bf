"""A node does not remember that it has voted."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class VotesTwice(Raft):
    """Gives its vote to everybody whose log is good enough."""

    def vote_is_free_for(self, candidate: str) -> bool:  # noqa: ARG002 - it never looks
        """Always."""
        return True


PARTS = Parts(core=VotesTwice)
