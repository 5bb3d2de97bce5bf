"""Recovery drops the log's last entry, as if it were torn."""

import msgspec

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Recovered, TruncateRecord
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class RecoversShort(WriteAheadLog):
    """Cuts one intact entry from the end of the log."""

    def recover(self) -> Recovered:
        """The node recovers all entries but the last one."""
        found = super().recover()
        if not found.entries:
            return found
        self.write([TruncateRecord(found.entries[-1].index)])
        self.sync()
        return msgspec.structs.replace(found, entries=found.entries[:-1])


MUTANT = Mutant(
    name="recover-short",
    about="recovery drops the log's last entry, as if it had been torn",
    caught_by="durable-log",
    source="a torn end cut by the wrong length",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=RecoversShort),
)
