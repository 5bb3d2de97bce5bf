"""A new leader deletes the entries of its log that it does not know to be committed.

Some of these entries are committed."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.elections import Elections


@breaks
class DiscardsOnElection(Elections):
    """Deletes entries of its own log when it becomes leader."""

    def become_leader(self) -> None:
        """The entries that may not be committed are deleted first."""
        if self._state.log.last_index > self._state.commit_index:
            self._state.truncate(self._state.commit_index + 1)
        super().become_leader()


MUTANT = Mutant(
    name="discard-on-election",
    about="a new leader deletes entries that it does not know to be committed",
    caught_by="committed-never-truncated",
    options=("--nemesis", "kill:leader"),
    source="Raft, Figure 3, Leader Append-Only: a leader never deletes entries of its log",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(elections=DiscardsOnElection),
)
