"""A leader that was removed from the cluster goes on to lead it."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.membership import Membership


@breaks
class LeadsAfterRemoval(Membership):
    """Does not notice that it was removed."""

    def has_been_removed(self) -> bool:
        """The node never counts as removed."""
        return False


MUTANT = Mutant(
    name="lead-after-removal",
    about="a leader that was removed from the cluster continues to lead it",
    caught_by="membership",
    options=("--nemesis", "membership:remove-leader"),
    seed=5,
    source="thesis, section 4.2.2",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(membership=LeadsAfterRemoval),
)
