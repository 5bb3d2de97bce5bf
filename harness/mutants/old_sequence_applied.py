"""A write that is older than its client's last one is applied after it."""

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.registry.sessions import Sessions


@breaks
class AppliesOldSequences(Sessions):
    """Remembers the last sequence, and asks only whether this is it."""

    def is_passed(self, last_sequence: int, sequence: int) -> bool:  # noqa: ARG002 - it never looks
        """Never."""
        return False


PARTS = Parts(sessions=AppliesOldSequences)
