"""Every node removes instances by its own clock, if it has had no beat of them itself."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.registry.commands import encode_command
from node_impl.core.requests import Expire
from node_impl.core.serving.beats import Beats


@breaks
class ExpiresByOwnClock(Beats):
    """Expires instances on followers, too, which receive no beats."""

    def may_watch(self) -> bool:
        """Every node watches beats, leader or not."""
        return True

    def decide(self, expiry: Expire) -> None:
        """A follower changes its own registry where a leader would propose."""
        if self._raft.state.role == "leader":
            super().decide(expiry)
        else:
            here = (self._raft.state.last_applied, self._raft.state.current_term)
            self._registry.apply(Entry(*here, "command", encode_command(expiry)))


MUTANT = Mutant(
    name="expire-by-own-clock",
    about="every node removes instances by its own clock, if it has had no beat of them itself",
    caught_by="expiry",
    seed=0,
    source="the registry's own meaning: the leader decides on expiry",
    also=("expiry", "linearizability", "index-honesty", "beats", "snapshot-safety"),
    workload="ephemeral",
    parts=Parts(beats=ExpiresByOwnClock),
)
