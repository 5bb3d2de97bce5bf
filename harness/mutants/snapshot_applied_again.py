"""A node becomes what its snapshot says again and again, and so forgets what it has applied since."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node


@breaks
class AppliesSnapshotAgain(Node):
    """Never takes the snapshot for done."""

    def _restore(self) -> None:
        snapshot = self.raft.installed
        super()._restore()
        self.raft.installed = snapshot


PARTS = Parts(node=AppliesSnapshotAgain)
