"""A snapshot is said to hold all that is committed, and holds what is applied."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node


@breaks
class ClaimsUnapplied(Node):
    """Names the wrong index."""

    def snapshot_index(self) -> int:
        """What is yet to be applied, too."""
        return self.raft.commit_index


PARTS = Parts(node=ClaimsUnapplied)
