"""A node restores its snapshot again and again, and so loses what it has applied since."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Snapshot
from node_impl.core.serving.state_machine import StateMachine


@breaks
class AppliesSnapshotAgain(StateMachine):
    """Never notes that the snapshot has been restored."""

    def snapshot_to_restore(self) -> Snapshot | None:
        """The snapshot stays among those that are to be restored."""
        return self._raft.snapshots.installed


MUTANT = Mutant(
    name="snapshot-applied-again",
    about="a node restores its snapshot again and again, and so loses what it has applied since",
    caught_by="durability",
    seed=1,
    source="Raft, section 7: the state machine is reset once",
    also=("snapshot-safety", *CLIENT_CHECKERS),
    parts=Parts(state_machine=AppliesSnapshotAgain),
)
