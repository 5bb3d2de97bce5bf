"""A follower compares the previous entry with its own, unless that is its last."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries


@breaks
class LastEntryUnchecked(Raft):
    """Is off by one: the loop ends before the last entry."""

    def previous_entry_matches(self, request: AppendEntries) -> bool:
        """Its own last entry matches anything."""
        return request.prev_log_index == self.log.last_index or super().previous_entry_matches(request)


PARTS = Parts(core=LastEntryUnchecked)
