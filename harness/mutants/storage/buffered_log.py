"""The log stays in the process's buffer until many records have gathered."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class BufferedLog(WriteAheadLog):
    """Reports records as synced that it has not even written."""

    ENOUGH_RECORDS = 500

    def sync(self) -> None:
        """Nothing is written or synced until enough records wait."""
        if len(self._pending) >= self.ENOUGH_RECORDS:
            super().sync()


MUTANT = Mutant(
    name="buffered-log",
    about="the log stays in the process's own buffer while writes are acknowledged",
    caught_by="durability",
    seed=2,
    options=("--nemesis", "kill:all"),
    source="Raft, Figure 2: updated on stable storage before responding to RPCs",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=BufferedLog),
)
