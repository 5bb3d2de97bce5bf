"""A new leader deletes the entries of its log that it does not know to be committed.

Some of these entries are committed."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft


@breaks
class DiscardsOnElection(Raft):
    """Deletes entries of its own log when it becomes leader."""

    def _become_leader(self) -> None:
        if self.log.last_index > self.commit_index:
            self._truncate(self.commit_index + 1)
        super()._become_leader()


MUTANT = Mutant(
    name="discard-on-election",
    about="a new leader deletes entries that it does not know to be committed",
    caught_by="committed-never-truncated",
    options=("--nemesis", "kill:leader"),
    source="Raft, Figure 3, Leader Append-Only: a leader never deletes entries of its log",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(core=DiscardsOnElection),
)
