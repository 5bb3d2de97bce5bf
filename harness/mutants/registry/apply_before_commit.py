"""The leader changes its registry when a write is proposed."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Request
from node_impl.core.node import Node, Origin


@breaks
class AppliesBeforeCommit(Node):
    """Applies a proposed write to the leader's registry before a majority holds it."""

    def _propose(self, request: Request, origin: Origin) -> None:
        super()._propose(request, origin)
        self.registry.apply(self.raft.log[self.raft.log.last_index])


MUTANT = Mutant(
    name="apply-before-commit",
    about="the leader applies a write when it is proposed, before a majority holds it",
    caught_by="linearizability",
    source="the Raft of Nacos before 1.4 applied locally before it replicated",
    also=(*CLIENT_CHECKERS, "snapshot-safety"),
    parts=Parts(node=AppliesBeforeCommit),
)
