"""A restarted node begins at term 0, as the article that Ackproof began from says nodes do."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import HardState, Recovered
from node_impl.core.raft.core import Raft


@breaks
class Forgetful(Raft):
    """Does not take over term and vote from its disk."""

    def recover(self, recovered: Recovered) -> HardState:  # noqa: ARG002 - it never looks
        """Nothing."""
        return HardState(0, None)


PARTS = Parts(core=Forgetful)
