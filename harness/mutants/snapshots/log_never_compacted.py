"""Nodes take snapshots and keep their whole log all the same."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Snapshot
from node_impl.core.raft.snapshots import Snapshots


@breaks
class CompactsNothing(Snapshots):
    """The log keeps every entry that a snapshot stands for."""

    def compaction_point(self, snapshot: Snapshot) -> int:  # noqa: ARG002 - this is the bug
        """The log begins where it began."""
        return self._state.log.base_index


MUTANT = Mutant(
    name="log-never-compacted",
    about="nodes take snapshots and keep their whole log all the same, in memory and on disk",
    caught_by="resources",
    seed=8,
    source="Raft, section 7: once a snapshot is written, all entries up to its last one may be deleted",
    parts=Parts(snapshots=CompactsNothing),
)
