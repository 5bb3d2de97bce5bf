"""A leader commits entries of earlier terms by counting copies."""

from harness.mutants.rules import breaks
from node_impl.build import Parts
from node_impl.raft.core import Raft


@breaks
class CommitsEarlierTerms(Raft):
    """Figure 8's mistake."""

    def may_commit_by_counting(self, index: int) -> bool:  # noqa: ARG002 - it never looks
        """Always."""
        return True


PARTS = Parts(core=CommitsEarlierTerms)
