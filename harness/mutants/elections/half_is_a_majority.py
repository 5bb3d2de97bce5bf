"""Half of the members, rounded down, count as a majority."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.membership import Membership


@breaks
class HalfIsAMajority(Membership):
    """Rounds the size of a majority down where Raft rounds it up."""

    def is_majority(self, count: int) -> bool:
        """Half of the members, rounded down, are enough."""
        return count >= len(self.members) // 2


MUTANT = Mutant(
    name="half-is-a-majority",
    about="half of the members, rounded down, count as a majority",
    caught_by="election-safety",
    source="Raft, section 5.2: a majority of the full cluster",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(membership=HalfIsAMajority),
)
