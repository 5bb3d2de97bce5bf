"""A voter does not compare the candidate's log with its own."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.messages import PreVote, RequestVote


@breaks
class VotesWithoutLogCheck(Elections):
    """Votes for the first candidate of a term, whatever its log holds."""

    def candidate_log_is_up_to_date(self, request: RequestVote | PreVote) -> bool:  # noqa: ARG002 - this is the bug
        """Every log counts as up to date."""
        return True


MUTANT = Mutant(
    name="vote-without-log-check",
    about="a voter does not check that the candidate's log is as up to date as its own",
    caught_by="leader-completeness",
    seed=1,
    source="Raft, section 5.4.1; the Raft of Nacos before 1.4 compared terms only",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(elections=VotesWithoutLogCheck),
)
