"""A node sends a plain write to the next leader, though its first copy may be committed."""

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Request
from node_impl.core.serving.open_requests import OpenRequests


@breaks
class RepeatsPlainWrites(OpenRequests):
    """Repeats every write whose leader is lost, also one whose copies look alike."""

    def may_repeat(self, request: Request) -> bool:  # noqa: ARG002 - this is the bug
        """Any write may be sent again."""
        return True


MUTANT = Mutant(
    name="plain-write-repeated",
    about="a write without client id and sequence is sent again when its leader is lost",
    caught_by="applied-once",
    seed=2,
    source="thesis, section 6.3: only a client's serial number tells copies apart",
    also=CLIENT_CHECKERS,
    parts=Parts(open_requests=RepeatsPlainWrites),
)
