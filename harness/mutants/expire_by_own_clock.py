"""Every node removes whom it has not heard itself, by its own clock and from its own state."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.node import Node
from node_impl.core.registry.commands import encode_command
from node_impl.core.requests import Expire


@breaks
class ExpiresByOwnClock(Node):
    """Beats reach the leader alone, and so the others hear nobody."""

    def may_watch_beats(self) -> bool:
        """Everybody."""
        return True

    def _decide(self, expiry: Expire) -> None:
        if self.raft.role == "leader":
            super()._decide(expiry)
        else:
            here = (self.raft.last_applied, self.raft.current_term)
            self.registry.apply(Entry(*here, "command", encode_command(expiry)))


PARTS = Parts(node=ExpiresByOwnClock)
