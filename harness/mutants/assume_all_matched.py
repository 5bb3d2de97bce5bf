"""A leader takes a follower's consent to one message as consent to its whole log."""

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.core import Raft
from node_impl.core.raft.messages import AppendEntriesReply


@breaks
class AssumesAllMatched(Raft):
    """Sets matchIndex too far."""

    def _on_append_entries_reply(self, sender: str, reply: AppendEntriesReply) -> None:
        if reply.success and self.role == "leader" and reply.term == self.current_term:
            reply = msgspec.structs.replace(reply, match_index=self.log.last_index)
        super()._on_append_entries_reply(sender, reply)


PARTS = Parts(core=AssumesAllMatched)
