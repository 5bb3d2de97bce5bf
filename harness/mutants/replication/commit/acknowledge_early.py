"""The leader answers a write before a majority holds it."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.serving.client_writes import ClientWrites


@breaks
class AcknowledgesEarly(ClientWrites):
    """Acknowledges a write as soon as it is in the leader's own log."""

    def may_acknowledge(self, index: int) -> bool:  # noqa: ARG002 - this is the bug
        """Every write may be acknowledged at once."""
        return True


MUTANT = Mutant(
    name="acknowledge-early",
    about="the leader answers ok before a majority holds the write",
    caught_by="durability",
    options=("--nemesis", "partition:isolate-leader"),
    source="Raft, section 5.3: the leader applies and answers once the entry is committed",
    also=(
        *CLIENT_CHECKERS,
        "durable-before-acknowledge",
        "leader-completeness",
        "committed-never-truncated",
    ),
    parts=Parts(client_writes=AcknowledgesEarly),
)
