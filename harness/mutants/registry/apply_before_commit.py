"""The leader changes its registry when a write is proposed."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Request
from node_impl.core.serving.client_writes import ClientWrites, Origin


@breaks
class AppliesBeforeCommit(ClientWrites):
    """Applies a proposed write to the leader's registry before a majority holds it."""

    def propose(self, request: Request, origin: Origin) -> None:
        """The entry is applied as soon as it is in the log."""
        super().propose(request, origin)
        self._machine.registry.apply(self._raft.state.log[self._raft.state.log.last_index])


MUTANT = Mutant(
    name="apply-before-commit",
    about="the leader applies a write when it is proposed, before a majority holds it",
    caught_by="linearizability",
    seed=2,
    source="the Raft of Nacos before 1.4 applied locally before it replicated",
    also=(*CLIENT_CHECKERS, "snapshot-safety"),
    parts=Parts(client_writes=AppliesBeforeCommit),
)
