"""A restarted node has forgotten its vote and begins at term 0.

The article that Ackproof began from describes nodes so."""

from harness.mutants.mutant import CLIENT_CHECKERS, ELECTION_CHECKERS, LOG_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import HardState, Recovered
from node_impl.core.raft.member.state import RaftState


@breaks
class Forgetful(RaftState):
    """Does not read term and vote back from its disk."""

    def recover(self, recovered: Recovered) -> HardState:  # noqa: ARG002 - this is the bug
        """The node recovers neither a term nor a vote."""
        return HardState(0, None)


MUTANT = Mutant(
    name="forgetful",
    about="a node that restarts has forgotten its vote, and its term is 0 again",
    caught_by="term-monotonic",
    options=("--nemesis", "kill"),
    seed=3,
    source="Raft, Figure 2: currentTerm and votedFor are persistent",
    also=(*ELECTION_CHECKERS, *LOG_CHECKERS, *CLIENT_CHECKERS),
    parts=Parts(state=Forgetful),
)
