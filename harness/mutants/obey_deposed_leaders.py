"""A follower takes entries from a leader of an earlier term."""

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntries


@breaks
class ObeysDeposedLeaders(Raft):
    """Does not look at the request's term."""

    def _on_append_entries(self, leader: str, request: AppendEntries) -> None:
        if self.role == "follower":
            request = msgspec.structs.replace(request, term=self.current_term)
        super()._on_append_entries(leader, request)


PARTS = Parts(core=ObeysDeposedLeaders)
