"""A failed write or fsync is taken for a success."""

import contextlib

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class SwallowsDiskErrors(WriteAheadLog):
    """Goes on after an error of the disk."""

    def sync(self) -> None:
        """An error of the disk is ignored."""
        with contextlib.suppress(OSError):
            super().sync()


MUTANT = Mutant(
    name="swallow-disk-errors",
    about="a failed write or fsync is taken for a success, and the log goes on after the hole",
    caught_by="node-health",
    seed=2,
    source="Rebello et al., Can Applications Recover from fsync Failures? (2020)",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=SwallowsDiskErrors),
)
