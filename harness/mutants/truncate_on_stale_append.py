"""A follower takes every AppendEntries for the whole rest of the log, also an old one."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries


@breaks
class TruncatesOnStaleAppend(Raft):
    """Cuts what an old message does not mention."""

    def truncation_point(self, request: AppendEntries) -> int | None:
        """Whatever follows the request's last entry."""
        end = request.prev_log_index + len(request.entries) + 1
        if request.entries and self.previous_entry_matches(request) and end <= self.log.last_index:
            return request.prev_log_index + 1
        return super().truncation_point(request)


PARTS = Parts(core=TruncatesOnStaleAppend)
