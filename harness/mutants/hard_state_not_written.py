"""Term and vote are left out of the log."""

from collections.abc import Sequence

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import HardState, Record
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class HardStateNotWritten(WriteAheadLog):
    """Writes entries alone."""

    def write(self, records: Sequence[Record]) -> None:
        """Entries and truncations."""
        super().write([record for record in records if not isinstance(record, HardState)])


PARTS = Parts(storage=HardStateNotWritten)
