"""A read is answered from what is applied here, however old that is."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node


@breaks
class ReadsBeforeApplied(Node):
    """Asks for a read index and does not wait for it."""

    def may_serve_read(self, read_index: int) -> bool:  # noqa: ARG002 - it never looks
        """At once."""
        return True


PARTS = Parts(node=ReadsBeforeApplied)
