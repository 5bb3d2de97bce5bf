"""The log is written and never synced: it outlives the process, and no loss of power."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage import Disk, WriteAheadLog


class _Hasty:
    """A disk that is never waited for."""

    def __init__(self, disk: Disk) -> None:
        self.read, self.create = disk.read, disk.create
        self.append, self.truncate = disk.append, disk.truncate

    def sync(self, name: str) -> None:
        """Leaves the bytes to the kernel."""


@breaks
class NeverSyncs(WriteAheadLog):
    """Takes writing for keeping."""

    def __init__(self, disk: Disk) -> None:
        super().__init__(_Hasty(disk))


PARTS = Parts(storage=NeverSyncs)
