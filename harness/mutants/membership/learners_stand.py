"""A learner that hears no leader stands for election."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.membership import Membership


@breaks
class LearnersStand(Membership):
    """Lets each member stand for election, voter or not."""

    def may_stand(self) -> bool:
        """Each member of the configuration may stand for election."""
        return self._state.name in self.members


MUTANT = Mutant(
    name="learners-stand",
    about="a learner that hears no leader stands for election",
    caught_by="membership",
    seed=12,
    source="thesis, section 4.2.1: learners do not vote",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(membership=LearnersStand),
)
