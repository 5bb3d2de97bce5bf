"""A vote is in memory only: of term and vote, only the term is written to the disk."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.member.state import RaftState


@breaks
class VoteNotPersisted(RaftState):
    """Forgets in a crash for which candidate it has voted."""

    def vote_for(self, candidate: str) -> None:
        """The vote is not recorded for the disk."""
        self.voted_for = candidate
        self.trace("vote", vote=candidate)


MUTANT = Mutant(
    name="vote-not-persisted",
    about="a vote is in memory only, so that a crash frees it",
    caught_by="one-vote-a-term",
    source="Raft, Figure 2: votedFor is persistent",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(state=VoteNotPersisted),
)
