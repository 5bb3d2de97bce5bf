"""A leader goes on to lead though no majority answers it."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections


@breaks
class LeadsWithoutQuorum(Elections):
    """Leaders do not check whether they are heard."""

    def hears_a_majority(self) -> bool:
        """A leader takes it for granted that it is answered."""
        return True


MUTANT = Mutant(
    name="lead-without-quorum",
    about="a leader that no node answers leads on, and all who hear its heartbeats wait for it for ever",
    caught_by="liveness",
    seed=233,
    source="thesis, section 6.2: a leader steps down if no majority answers it for an election time-out",
    also=(*CLIENT_CHECKERS, "recovery"),
    parts=Parts(elections=LeadsWithoutQuorum),
)
