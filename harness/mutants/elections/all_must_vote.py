"""An election is won only with the votes of all voters."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections


@breaks
class NeedsAll(Elections):
    """Candidates wait for every vote."""

    def _count_vote(self, voter: str) -> None:
        """The election is won once no vote is missing."""
        self.votes.add(voter)
        if self.votes >= set(self._membership.voters):
            self.become_leader()


MUTANT = Mutant(
    name="all-must-vote",
    about="a candidate needs the votes of all: while one node is away, no election is won",
    caught_by="liveness",
    seed=23,
    source="Raft, section 5.2: a candidate wins with votes from a majority of the servers",
    also=(*CLIENT_CHECKERS, "recovery"),
    parts=Parts(elections=NeedsAll),
)
