"""A write that was sent again is applied again."""

from collections.abc import Callable

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Entry
from node_impl.core.registry.sessions import Outcome, Sessions


@breaks
class AppliesTwice(Sessions):
    """Compares no sequence numbers."""

    def apply(self, entry: Entry, carry_out: Callable[[Entry], Outcome]) -> Outcome:
        """Always."""
        return carry_out(entry)


PARTS = Parts(sessions=AppliesTwice)
