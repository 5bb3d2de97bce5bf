"""A candidate counts votes that it was granted in an earlier term."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.messages import RequestVoteReply


@breaks
class CountsOldVotes(Elections):
    """Does not compare the term of a vote with its own."""

    def is_vote_for_this_term(self, reply: RequestVoteReply) -> bool:
        """A granted vote counts in any term."""
        return reply.granted


MUTANT = Mutant(
    name="count-old-votes",
    about="a candidate counts votes that it was granted in an earlier term",
    caught_by="election-safety",
    seed=1,
    source="Raft, section 5.2: a candidate wins by votes in the same term",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(elections=CountsOldVotes),
)
