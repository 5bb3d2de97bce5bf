"""A voter does not compare logs."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import PreVote, RequestVote


@breaks
class VotesWithoutLogCheck(Raft):
    """Votes for whoever asks first in a term."""

    def candidate_log_is_up_to_date(self, request: RequestVote | PreVote) -> bool:  # noqa: ARG002 - it never looks
        """Always."""
        return True


PARTS = Parts(core=VotesWithoutLogCheck)
