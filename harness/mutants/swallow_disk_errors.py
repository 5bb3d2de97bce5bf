"""A failed fsync is taken for a success."""

import contextlib

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class SwallowsDiskErrors(WriteAheadLog):
    """Goes on as if nothing had happened."""

    def sync(self) -> None:
        """Whatever the disk says."""
        with contextlib.suppress(OSError):
            super().sync()


PARTS = Parts(storage=SwallowsDiskErrors)
