"""A leader commits an entry of an earlier term because a majority holds it (Figure 8 of the Raft paper)."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.replication import Replication


@breaks
class CommitsEarlierTerms(Replication):
    """Counts the copies of an entry of any term."""

    def may_commit_by_counting(self, index: int) -> bool:  # noqa: ARG002 - this is the bug
        """An entry of any term may be committed by counting its copies."""
        return True


MUTANT = Mutant(
    name="commit-earlier-terms",
    about="a leader commits an entry of an earlier term because a majority holds it",
    caught_by="leader-completeness",
    seed=91,
    source="Raft, section 5.4.2, Figure 8",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=CommitsEarlierTerms),
)
