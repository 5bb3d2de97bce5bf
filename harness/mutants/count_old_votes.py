"""A candidate counts votes that were given to it in an earlier term."""

from harness.mutants.rules import breaks
from node_impl.build import Parts
from node_impl.raft.core import Raft
from node_impl.raft.messages import RaftMessage, RequestVoteReply


@breaks
class CountsOldVotes(Raft):
    """Does not look at the vote's term."""

    def receive(self, sender: str, message: RaftMessage) -> None:
        """Whatever the term of a vote, it counts now."""
        if isinstance(message, RequestVoteReply) and message.granted and message.term < self.current_term:
            message = RequestVoteReply(self.current_term, granted=True)
        super().receive(sender, message)


PARTS = Parts(core=CountsOldVotes)
