"""A snapshot lacks the table of sessions, so that who restores it applies repeated writes again."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node
from node_impl.core.registry.sessions import Sessions


@breaks
class LeavesSessionsOut(Node):
    """Writes down half of the state."""

    def sessions_in_snapshot(self) -> bytes:
        """As if nobody had ever written."""
        return Sessions(self.config.max_clients).snapshot()


PARTS = Parts(node=LeavesSessionsOut)
