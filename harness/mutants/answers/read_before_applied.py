"""A read is answered from the applied state, however old it is."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.serving.client_reads import ClientReads


@breaks
class ReadsBeforeApplied(ClientReads):
    """Obtains a read index and does not wait until it is applied."""

    def may_serve_read(self, read_index: int) -> bool:  # noqa: ARG002 - this is the bug
        """Every read may be served at once."""
        return True


MUTANT = Mutant(
    name="read-before-applied",
    about="a read is answered from the applied state, without waiting for its read index",
    caught_by="linearizability",
    seed=3,
    source="thesis, section 6.4, step 4",
    also=CLIENT_CHECKERS,
    parts=Parts(client_reads=ReadsBeforeApplied),
)
