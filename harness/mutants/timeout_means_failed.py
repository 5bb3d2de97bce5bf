"""A write that timed out is said to have failed."""

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Refused, Reply
from node_impl.core.node import Node


@breaks
class TimeoutMeansFailed(Node):
    """Takes not knowing for knowing."""

    def _close(self, request_id: int, reply: Reply) -> None:
        if isinstance(reply, Refused):
            reply = msgspec.structs.replace(reply, proposed=False)
        super()._close(request_id, reply)


PARTS = Parts(node=TimeoutMeansFailed)
