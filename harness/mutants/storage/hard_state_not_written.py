"""Term and vote are left out of the log on disk."""

from collections.abc import Sequence

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import HardState, Record
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class HardStateNotWritten(WriteAheadLog):
    """Writes entries and truncations, and never term and vote."""

    def write(self, records: Sequence[Record]) -> None:
        """Records of term and vote are dropped before the write."""
        super().write([record for record in records if not isinstance(record, HardState)])


MUTANT = Mutant(
    name="hard-state-not-written",
    about="term and vote are never written to the log on disk",
    caught_by="term-monotonic",
    seed=3,
    source="Raft, Figure 2: updated on stable storage before responding to RPCs",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=HardStateNotWritten),
)
