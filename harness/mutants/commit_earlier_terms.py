"""A leader commits an entry of an earlier term because a majority holds it: Figure 8."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class CommitsEarlierTerms(Raft):
    """Counts copies of whatever entry there is."""

    def may_commit_by_counting(self, index: int) -> bool:  # noqa: ARG002 - it never looks
        """Any."""
        return True


PARTS = Parts(core=CommitsEarlierTerms)
