"""An unhealthy instance that beats again stays unhealthy."""

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.requests import Expire
from node_impl.core.serving.beats import Beats


@breaks
class RevivesNothing(Beats):
    """Leaders call no instance healthy again."""

    def decide(self, expiry: Expire) -> None:
        """That an instance is back is not proposed."""
        if expiry.to != "healthy":
            super().decide(expiry)


MUTANT = Mutant(
    name="revival-forgotten",
    about="an unhealthy instance that beats again stays unhealthy for all clients",
    caught_by="beats",
    seed=0,
    source="the registry's own meaning: an instance that beats is healthy",
    workload="ephemeral",
    parts=Parts(beats=RevivesNothing),
)
