"""A write that was sent again is applied again."""

from collections.abc import Callable

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.registry.sessions import Outcome, Sessions


@breaks
class AppliesTwice(Sessions):
    """Applies each write without comparing sequence numbers."""

    def apply(self, entry: Entry, carry_out: Callable[[Entry], Outcome]) -> Outcome:
        """Every entry is carried out, also one that was carried out before."""
        return carry_out(entry)


MUTANT = Mutant(
    name="retry-applied-twice",
    about="a write that was sent again is applied again",
    caught_by="linearizability",
    seed=2,
    source="thesis, section 6.3",
    also=CLIENT_CHECKERS,
    parts=Parts(sessions=AppliesTwice),
)
