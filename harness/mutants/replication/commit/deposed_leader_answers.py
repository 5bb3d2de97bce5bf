"""A deposed leader reports forwarded writes as done, though they are not committed."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.raft.messages import Written
from node_impl.core.registry.sessions import Outcome
from node_impl.core.serving.client_writes import ClientWrites, Origin


@breaks
class AnswersDeposed(ClientWrites):
    """Takes an appended write for a committed one if a follower forwarded it."""

    def outcome_of_orphan(self, origin: Origin, index: int | None) -> Outcome:
        """A write of another node's client counts as done."""
        if index is not None and not isinstance(origin, int):
            return Written(index, None)
        return super().outcome_of_orphan(origin, index)


MUTANT = Mutant(
    name="deposed-leader-answers",
    about="a deposed leader reports forwarded writes as done, though they are not committed",
    caught_by="durable-before-acknowledge",
    seed=1,
    source="Raft, section 8: a leader answers once the entry is committed",
    also=("durable-before-acknowledge", *CLIENT_CHECKERS),
    parts=Parts(client_writes=AnswersDeposed),
)
