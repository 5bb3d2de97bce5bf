"""A follower installs each snapshot that it receives, also one older than its own state."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.snapshots import Snapshots


@breaks
class InstallsOverNewerState(Snapshots):
    """Replaces its state by an older one."""

    def is_news(self, index: int) -> bool:  # noqa: ARG002 - this is the bug
        """Every snapshot counts as newer than the state."""
        return True


MUTANT = Mutant(
    name="install-over-newer-state",
    about="a follower installs each snapshot that it receives, also one older than its own state",
    caught_by="commit-monotonic",
    seed=31,
    source="Raft, Figure 13: a snapshot of a prefix holds nothing new",
    also=(*DISK_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(snapshots=InstallsOverNewerState),
)
