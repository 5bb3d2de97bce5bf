"""A deregistration is answered at once, before a majority holds it."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Deregister
from node_impl.core.node import Node
from node_impl.core.registry.commands import decode_command


@breaks
class DeregistersAtOnce(Node):
    """Waits for a majority with every write but this one."""

    def may_acknowledge(self, index: int) -> bool:
        """If it only removes something."""
        entry = self.raft.log[index]
        return isinstance(decode_command(entry.payload), Deregister) or super().may_acknowledge(index)


PARTS = Parts(node=DeregistersAtOnce)
