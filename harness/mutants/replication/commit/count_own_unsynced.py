"""A leader counts its own copy of an entry before it is on its disk."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.replication import Replication


@breaks
class CountsOwnUnsynced(Replication):
    """Counts entries that are in the leader's memory only."""

    def own_match_index(self) -> int:
        """The leader matches up to its last entry, synced or not."""
        return self._state.log.last_index


MUTANT = Mutant(
    name="count-own-unsynced",
    about="a leader counts its own copy of an entry before it is on its disk",
    caught_by="durable-before-acknowledge",
    seed=2,
    source="Ongaro's thesis, section 10.2.1",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=CountsOwnUnsynced),
)
