"""A node that hears its leader takes over the term of any candidate."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections
from node_impl.core.raft.messages import RequestVote


@breaks
class ListensToAnyCandidate(Elections):
    """Leaders and their followers move to a candidate's term, also under a healthy leader."""

    def may_be_disturbed(self, request: RequestVote) -> bool:  # noqa: ARG002 - this is the bug
        """Every candidate is listened to."""
        return True


MUTANT = Mutant(
    name="candidates-disturb",
    about="a node that hears no other and campaigns without end deposes the others' leader again and again",
    caught_by="liveness",
    seed=71,
    source="thesis, section 4.2.3: a server that hears a leader neither votes nor updates its term",
    also=(*CLIENT_CHECKERS, "recovery"),
    parts=Parts(elections=ListensToAnyCandidate),
)
