"""The leader answers a write as soon as it is proposed."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node


@breaks
class AcknowledgesEarly(Node):
    """Does not wait for a majority."""

    def may_acknowledge(self, index: int) -> bool:  # noqa: ARG002 - it never looks
        """At once."""
        return True


PARTS = Parts(node=AcknowledgesEarly)
