"""A snapshot lacks the table of sessions, so that a node which restores it applies repeated writes again."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.sessions import Sessions
from node_impl.core.serving.state_machine import StateMachine


@breaks
class LeavesSessionsOut(StateMachine):
    """Leaves the sessions out of its snapshots."""

    def sessions_in_snapshot(self) -> bytes:
        """The table of sessions is written as an empty one."""
        return Sessions(self._raft.state.config.max_clients).snapshot()


MUTANT = Mutant(
    name="sessions-not-in-snapshot",
    about="a snapshot lacks the table of sessions, so that a repeated write is applied again",
    caught_by="snapshot-safety",
    seed=6,
    source="thesis, section 6.3: sessions are a part of the state",
    also=("snapshot-safety", *CLIENT_CHECKERS),
    workload="sessions",
    parts=Parts(state_machine=LeavesSessionsOut),
)
