"""An instance that fell silent becomes unhealthy and is never removed."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.requests import Expire
from node_impl.core.serving.beats import Beats


@breaks
class RemovesNothing(Beats):
    """Leaders remove no instance."""

    def decide(self, expiry: Expire) -> None:
        """A removal is not proposed."""
        if expiry.to != "removed":
            super().decide(expiry)


MUTANT = Mutant(
    name="silence-forgiven",
    about="an instance that fell silent becomes unhealthy, and is never removed",
    caught_by="beats",
    seed=0,
    source="the registry's own meaning: an instance is removed once its time to be deleted is over",
    workload="ephemeral",
    parts=Parts(beats=RemovesNothing),
)
