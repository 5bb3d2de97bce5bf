"""A leader takes a follower's reply to one message for a reply to its whole log."""

import msgspec

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import AppendEntriesReply
from node_impl.core.raft.replication import Replication


@breaks
class AssumesAllMatched(Replication):
    """Sets a follower's matchIndex to the end of the leader's log."""

    def on_append_entries_reply(self, sender: str, reply: AppendEntriesReply) -> None:
        """A consent is taken as one to the whole log."""
        if reply.success and self._state.role == "leader" and reply.term == self._state.current_term:
            reply = msgspec.structs.replace(reply, match_index=self._state.log.last_index)
        super().on_append_entries_reply(sender, reply)


MUTANT = Mutant(
    name="assume-all-matched",
    about="a leader takes a follower's reply to one message for a reply to its whole log",
    caught_by="durable-before-acknowledge",
    source="Raft, Figure 2, Leaders: matchIndex",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=AssumesAllMatched),
)
