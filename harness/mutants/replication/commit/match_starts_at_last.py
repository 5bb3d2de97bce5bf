"""A new leader believes that each follower already holds its whole log, the term's first entry included."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.followers import Followers, Progress


@breaks
class MatchStartsAtLast(Followers):
    """Sets matchIndex to nextIndex when a term begins."""

    def new_progress(self) -> Progress:
        """All entries count as matched before the follower has answered."""
        progress = super().new_progress()
        progress.match_index = progress.next_index
        return progress


MUTANT = Mutant(
    name="match-starts-at-last",
    about="a new leader believes that each follower already holds its whole log",
    caught_by="leader-completeness",
    source="Raft, Figure 2: matchIndex is initialized to 0",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(followers=MatchStartsAtLast),
)
