"""The leader changes its registry when a write is proposed."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Request
from node_impl.core.node import Node, Origin


@breaks
class AppliesBeforeCommit(Node):
    """Shows what nobody agreed on yet."""

    def _propose(self, request: Request, origin: Origin) -> None:
        super()._propose(request, origin)
        self.registry.apply(self.raft.log[self.raft.log.last_index])


PARTS = Parts(node=AppliesBeforeCommit)
