"""Messages leave before the data that they promise are on disk."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.member.state import RaftState


@breaks
class SendsBeforeFsync(RaftState):
    """Sends each message without waiting for the disk."""

    def sync_barrier(self) -> int:
        """A message waits for no write to the disk."""
        return 0


MUTANT = Mutant(
    name="send-before-fsync",
    about="messages leave before the data that they promise are on disk",
    caught_by="durable-before-acknowledge",
    seed=2,
    source="Raft, Figure 2: updated on stable storage before responding to RPCs",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(state=SendsBeforeFsync),
)
