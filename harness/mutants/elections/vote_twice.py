"""A node votes for every candidate that asks, also twice in one term."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections


@breaks
class VotesTwice(Elections):
    """Grants its vote to each candidate whose log is up to date."""

    def vote_is_free_for(self, candidate: str) -> bool:  # noqa: ARG002 - this is the bug
        """The vote is free for each candidate, also after it was given."""
        return True


MUTANT = Mutant(
    name="vote-twice",
    about="a node votes for every candidate that asks, also twice in one term",
    caught_by="one-vote-a-term",
    # Split votes show it: time-outs hardly longer than an election make them the rule.
    options=("--nemesis", "kill:leader", "--election-ms", "30", "--heartbeat-ms", "10"),
    source="Raft, section 5.2: at most one vote a term",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(elections=VotesTwice),
)
