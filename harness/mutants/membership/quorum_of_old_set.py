"""Majorities are counted by the configuration before the newest one."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.membership import Membership


@breaks
class CountsByOldSet(Membership):
    """Learns of each change of membership one change too late."""

    def is_majority(self, count: int) -> bool:
        """The count is compared with the voters before the last change."""
        before = self._state.configurations.last_but_one
        return count > len(before.voters) // 2


MUTANT = Mutant(
    name="quorum-of-old-set",
    about="majorities are counted by the configuration before the newest one",
    caught_by="election-safety",
    seed=16,
    source="thesis, section 4.1: the newest configuration in the log is in force",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(membership=CountsByOldSet),
)
