"""Every node removes instances by its own clock, if it has had no beat of them itself."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.node import Node
from node_impl.core.registry.commands import encode_command
from node_impl.core.requests import Expire


@breaks
class ExpiresByOwnClock(Node):
    """Expires instances on followers, too, which receive no beats."""

    def may_watch_beats(self) -> bool:
        """Every node watches beats, leader or not."""
        return True

    def _decide(self, expiry: Expire) -> None:
        if self.raft.role == "leader":
            super()._decide(expiry)
        else:
            here = (self.raft.last_applied, self.raft.current_term)
            self.registry.apply(Entry(*here, "command", encode_command(expiry)))


MUTANT = Mutant(
    name="expire-by-own-clock",
    about="every node removes instances by its own clock, if it has had no beat of them itself",
    caught_by="expiry",
    seed=1,
    source="the registry's own meaning: the leader decides on expiry",
    also=("expiry", "linearizability", "index-honesty", "snapshot-safety"),
    workload="ephemeral",
    parts=Parts(node=ExpiresByOwnClock),
)
