"""A candidate counts votes that were given to it in an earlier term."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import RequestVoteReply


@breaks
class CountsOldVotes(Raft):
    """Does not look at the term of the reply."""

    def is_vote_for_this_term(self, reply: RequestVoteReply) -> bool:
        """Whenever it was given."""
        return reply.granted


PARTS = Parts(core=CountsOldVotes)
