"""A leader proposes each copy of a forwarded write that the network delivers."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.serving.client_writes import ClientWrites


@breaks
class ProposesEachCopy(ClientWrites):
    """Does not remember which forwards it has seen."""

    def is_first_copy(self, message_id: str) -> bool:  # noqa: ARG002 - this is the bug
        """Every copy is taken for the first."""
        return True


MUTANT = Mutant(
    name="forward-proposed-twice",
    about="a forwarded write that the network delivers twice is proposed twice",
    caught_by="applied-once",
    seed=3,
    source="Raft, section 5.1: messages may be repeated; thesis, section 6.3",
    also=CLIENT_CHECKERS,
    parts=Parts(client_writes=ProposesEachCopy),
)
