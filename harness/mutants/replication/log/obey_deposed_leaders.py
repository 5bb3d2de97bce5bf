"""A follower accepts entries from the leader of an earlier term."""

import msgspec

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import AppendEntries
from node_impl.core.raft.replication import Replication


@breaks
class ObeysDeposedLeaders(Replication):
    """Treats each AppendEntries as one of its own term."""

    def on_append_entries(self, leader: str, request: AppendEntries) -> None:
        """A follower takes any term for its own."""
        if self._state.role == "follower":
            request = msgspec.structs.replace(request, term=self._state.current_term)
        super().on_append_entries(leader, request)

    def may_truncate(self, point: int) -> bool:  # noqa: ARG002 - it does not look
        """It does not look whether it cuts what is committed, either."""
        return True


MUTANT = Mutant(
    name="obey-deposed-leaders",
    about="a follower accepts entries from the leader of an earlier term",
    caught_by="committed-never-truncated",
    seed=26,
    source="Raft, Figure 2, AppendEntries rule 1",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(replication=ObeysDeposedLeaders),
)
