"""A node restores its snapshot again and again, and so loses what it has applied since."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.node import Node


@breaks
class AppliesSnapshotAgain(Node):
    """Never notes that the snapshot has been restored."""

    def _restore(self) -> None:
        snapshot = self.raft.installed
        super()._restore()
        self.raft.installed = snapshot


MUTANT = Mutant(
    name="snapshot-applied-again",
    about="a node restores its snapshot again and again, and so loses what it has applied since",
    caught_by="durability",
    seed=1,
    source="Raft, section 7: the state machine is reset once",
    also=("snapshot-safety", *CLIENT_CHECKERS),
    parts=Parts(node=AppliesSnapshotAgain),
)
