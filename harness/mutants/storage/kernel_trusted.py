"""Recovery takes what the kernel holds for durable."""

from harness.mutants.mutant import CLIENT_CHECKERS, DISK_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.storage.wal import WriteAheadLog


@breaks
class KernelTrusted(WriteAheadLog):
    """Relies on bytes and names that the killed life never synced."""

    def make_durable_what_was_found(self) -> None:
        """Nothing is synced: it was read, after all."""


MUTANT = Mutant(
    name="kernel-trusted",
    about="a node that starts again takes what the kernel holds for what is on the disk",
    caught_by="durable-log",
    seed=5,
    source="an early state of this node; etcd syncs its log when it opens it",
    also=(*DISK_CHECKERS, *ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(storage=KernelTrusted),
)
