"""Recovery drops the log's last entry, as if it were torn."""

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Recovered, TruncateRecord
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class RecoversShort(WriteAheadLog):
    """Cuts too much."""

    def recover(self) -> Recovered:
        """All but the last entry."""
        found = super().recover()
        if not found.entries:
            return found
        self.write([TruncateRecord(found.entries[-1].index)])
        self.sync()
        return msgspec.structs.replace(found, entries=found.entries[:-1])


PARTS = Parts(storage=RecoversShort)
