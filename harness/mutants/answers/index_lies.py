"""A read's reply names the log's last index, although less was applied when the state was read."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.serving.client_reads import ClientReads


@breaks
class NamesLastIndex(ClientReads):
    """Returns correct data with a wrong index."""

    def index_of_reading(self) -> int:
        """The reply names the end of the log."""
        return self._raft.state.log.last_index


MUTANT = Mutant(
    name="index-lies",
    about="a read's reply names the log's last index, though less was applied; its data are correct",
    caught_by="index-honesty",
    seed=0,
    source="the node's own promise: a read names what was applied when its state was read",
    also=("session-guarantees", "bounded-staleness"),
    parts=Parts(client_reads=NamesLastIndex),
)
