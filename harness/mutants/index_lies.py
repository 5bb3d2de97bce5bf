"""A read's reply names the log's last index, although not all of it was applied when the state was read."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node


@breaks
class NamesLastIndex(Node):
    """Tells right data as of a wrong index."""

    def index_of_reading(self) -> int:
        """The end of the log."""
        return self.raft.log.last_index


PARTS = Parts(node=NamesLastIndex)
