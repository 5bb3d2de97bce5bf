"""A new leader changes the membership before it has committed an entry of its own term."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.membership import Membership


@breaks
class ChangesBeforeOwnCommit(Membership):
    """Changes the membership as the algorithm was first published."""

    def leader_may_change_members(self) -> bool:
        """An entry of the leader's term counts as committed."""
        return True


MUTANT = Mutant(
    name="change-before-own-commit",
    about="a new leader changes the membership before it has committed an entry of its term",
    caught_by="membership",
    seed=6,
    source="Ongaro, bug in single-server membership changes (raft-dev, 2015)",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(membership=ChangesBeforeOwnCommit),
)
