"""A write that timed out is reported as failed."""

import msgspec

from harness.mutants.mutant import CLIENT_CHECKERS, Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Refused, Reply
from node_impl.core.serving.open_requests import OpenRequests


@breaks
class TimeoutMeansFailed(OpenRequests):
    """Reports an unknown outcome as a failure."""

    def close(self, request_id: int, reply: Reply) -> None:
        """Every refusal says that the write has no effect."""
        if isinstance(reply, Refused):
            reply = msgspec.structs.replace(reply, proposed=False)
        super().close(request_id, reply)


MUTANT = Mutant(
    name="timeout-means-failed",
    about="a write that timed out is reported as failed, though it may still take effect",
    caught_by="linearizability",
    source="Jepsen's analyses: an indeterminate result reported as a failure",
    also=CLIENT_CHECKERS,
    parts=Parts(open_requests=TimeoutMeansFailed),
)
