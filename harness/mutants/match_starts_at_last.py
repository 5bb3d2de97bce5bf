"""A new leader believes that everybody holds its whole log already, its first entry included."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.progress import Progress


@breaks
class MatchStartsAtLast(Raft):
    """Takes nextIndex for matchIndex."""

    def new_progress(self) -> Progress:
        """All matched, though nobody has answered."""
        progress = super().new_progress()
        progress.match_index = progress.next_index
        return progress


PARTS = Parts(core=MatchStartsAtLast)
