"""A leader begins a change of membership before the previous change is committed."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.membership import Membership


@breaks
class ChangesOverlap(Membership):
    """Starts each change of membership at once."""

    def change_before_is_committed(self) -> bool:
        """The previous change counts as committed."""
        return True


MUTANT = Mutant(
    name="changes-overlap",
    about="a leader begins a change of membership before the previous change is committed",
    caught_by="membership",
    seed=16,
    source="thesis, section 4.1: one change at a time",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(membership=ChangesOverlap),
)
