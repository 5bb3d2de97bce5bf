"""A log that is cut in memory is not cut on the disk."""

from collections.abc import Sequence

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Record, TruncateRecord
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class TruncationNotWritten(WriteAheadLog):
    """Writes what is added, over what should be gone."""

    def write(self, records: Sequence[Record]) -> None:
        """Appends and votes."""
        super().write([record for record in records if not isinstance(record, TruncateRecord)])


PARTS = Parts(storage=TruncationNotWritten)
