"""A snapshot is labelled with the commit index, and holds only what is applied."""

from harness.mutants.mutant import CLIENT_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.serving.state_machine import StateMachine


@breaks
class ClaimsUnapplied(StateMachine):
    """Labels its snapshots with the wrong index."""

    def snapshot_index(self) -> int:
        """The index includes entries that are not applied yet."""
        return self._raft.state.commit_index


MUTANT = Mutant(
    name="snapshot-claims-unapplied",
    about="a snapshot is labelled with the commit index, and holds only what is applied",
    caught_by="snapshot-safety",
    seed=13,
    source="Raft, section 7: last included index",
    also=(*LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(state_machine=ClaimsUnapplied),
)
