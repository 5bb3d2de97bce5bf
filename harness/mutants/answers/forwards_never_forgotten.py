"""A follower remembers each forward that was lost for as long as its leader leads."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.serving.client_writes import ClientWrites


@breaks
class RemembersEveryForward(ClientWrites):
    """What is remembered of a forward goes with its answer alone."""

    def remembers_too_many_forwards(self) -> bool:
        """There are never too many."""
        return False


MUTANT = Mutant(
    name="forwards-never-forgotten",
    about="a follower remembers each write whose forward or answer was lost for as long as its leader leads",
    caught_by="resources",
    seed=11,
    source="this node, until its sizes were counted",
    parts=Parts(client_writes=RemembersEveryForward),
)
