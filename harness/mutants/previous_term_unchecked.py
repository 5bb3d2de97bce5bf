"""The consistency check looks whether there is a previous entry, not of which term."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries


@breaks
class PreviousTermUnchecked(Raft):
    """Matches by index alone."""

    def previous_entry_matches(self, request: AppendEntries) -> bool:
        """If there is one."""
        return request.prev_log_index <= self.log.last_index


PARTS = Parts(core=PreviousTermUnchecked)
