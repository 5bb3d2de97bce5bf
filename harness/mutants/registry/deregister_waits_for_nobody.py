"""A deregistration is answered at once, before a majority holds it."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Deregister
from node_impl.core.registry.commands import decode_command
from node_impl.core.serving.client_writes import ClientWrites


@breaks
class DeregistersAtOnce(ClientWrites):
    """Waits for a majority with every write but a deregistration."""

    def may_acknowledge(self, index: int) -> bool:
        """A deregistration may be acknowledged at once."""
        entry = self._raft.state.log[index]
        return isinstance(decode_command(entry.payload), Deregister) or super().may_acknowledge(index)


MUTANT = Mutant(
    name="deregister-waits-for-nobody",
    about="a deregistration is answered before a majority holds it",
    caught_by="durable-before-acknowledge",
    seed=3,
    source="the Raft of Nacos before 1.4 waited for a majority to publish, and not to delete",
    also=(
        *CLIENT_CHECKERS,
        "durable-before-acknowledge",
        "leader-completeness",
        "committed-never-truncated",
    ),
    parts=Parts(client_writes=DeregistersAtOnce),
)
