"""A leader that is deposed tells those who wait for their writes that they are done."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node
from node_impl.core.raft.messages import Written
from node_impl.core.registry.sessions import Outcome
from node_impl.core.serving.writes import Origin


@breaks
class AnswersDeposed(Node):
    """Takes appended for committed, when followers forwarded it."""

    def outcome_of_orphan(self, origin: Origin, index: int | None) -> Outcome:
        """Done, for another node's client."""
        if index is not None and not isinstance(origin, int):
            return Written(index, None)
        return super().outcome_of_orphan(origin, index)


PARTS = Parts(node=AnswersDeposed)
