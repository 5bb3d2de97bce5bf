"""A list is read in two halves: the second once all that was in the log at the first is applied.

Both halves are right by themselves: each key is shown as it was at some moment while the list was pending.
Only the list as a whole may be one that never was.
"""

from typing import Any

import msgspec

from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Read
from node_impl.core.node import Node
from node_impl.core.requests import Listing, ListInstances


@breaks
class ReadsListsInHalves(Node):
    """Holds the first halves of lists until it reads the second ones."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._begun: dict[int, tuple[ListInstances, Listing]] = {}
        """By the identity of the query, which is kept, so that no other gets it: what it was at first."""

    def _serve_reads(self, read_index: int, request_ids: list[int]) -> None:
        """A list that may be answered is kept once more, until what the log holds by now is applied."""
        now = request_ids
        if self.may_serve_read(read_index):
            bodies = {p.request_id: p.request.body for p in self._still_open(request_ids)}
            first = {
                number: body
                for number, body in bodies.items()
                if isinstance(body, ListInstances) and id(body) not in self._begun
            }
            self._begun.update((id(body), (body, self.registry.read(body))) for body in first.values())
            now = [number for number in request_ids if number not in first]
            if first:
                self._unapplied_reads.append((self.raft.log.last_index, list(first)))
        super()._serve_reads(read_index, now)

    def read_state(self, body: Read) -> Any:
        """The first half as it was at first."""
        value = super().read_state(body)
        if id(body) not in self._begun:
            return value
        _, begun = self._begun.pop(id(body))
        keys = sorted({instance.key for instance in (*begun.instances, *value.instances)})
        middle = keys[len(keys) // 2] if keys else None
        first = tuple(one for one in begun.instances if middle is not None and one.key < middle)
        rest = tuple(one for one in value.instances if middle is not None and one.key >= middle)
        return msgspec.structs.replace(value, instances=(*first, *rest))


PARTS = Parts(node=ReadsListsInHalves)
