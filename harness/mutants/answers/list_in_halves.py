"""A list is read in two halves, with time for writes between them.

The second half is read once all entries that were in the log at the first half are applied. Each half is
correct by itself: each key is shown as it was at some moment while the list was pending. Only the list as a
whole may be a state that never existed.
"""

from typing import Any

import msgspec

from harness.mutants.mutant import Mutant
from harness.mutants.rules import breaks
from node_impl.core.build import Parts
from node_impl.core.events import Read
from node_impl.core.requests import Listing, ListInstances
from node_impl.core.serving.client_reads import ClientReads


@breaks
class ReadsListsInHalves(ClientReads):
    """Keeps the first half of a list until it reads the second one."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._begun: dict[int, tuple[ListInstances, Listing]] = {}
        """The query and its first half, by the identity of the query. The query is kept, so that no other
        query gets the same identity."""

    def serve(self, read_index: int, request_ids: list[int]) -> None:
        """A list that may be answered waits once more, until all that the log holds now is applied."""
        now = request_ids
        if self.may_serve_read(read_index):
            bodies = {p.request_id: p.request.body for p in self._requests.still_open(request_ids)}
            first = {
                number: body
                for number, body in bodies.items()
                if isinstance(body, ListInstances) and id(body) not in self._begun
            }
            self._begun.update(
                (id(body), (body, self._machine.registry.read(body))) for body in first.values()
            )
            now = [number for number in request_ids if number not in first]
            if first:
                self._unapplied.append((self._raft.state.log.last_index, list(first)))
        super().serve(read_index, now)

    def read_state(self, body: Read) -> Any:
        """A list is joined of its first half, read earlier, and its second half, read now."""
        value = super().read_state(body)
        if id(body) not in self._begun:
            return value
        _, begun = self._begun.pop(id(body))
        keys = sorted({instance.key for instance in (*begun.instances, *value.instances)})
        middle = keys[len(keys) // 2] if keys else None
        first = tuple(one for one in begun.instances if middle is not None and one.key < middle)
        rest = tuple(one for one in value.instances if middle is not None and one.key >= middle)
        return msgspec.structs.replace(value, instances=(*first, *rest))


MUTANT = Mutant(
    name="list-in-halves",
    about="a list is read in two halves, with time for writes between them",
    caught_by="linearizability",
    seed=17,
    source="Herlihy & Wing 1990: an operation takes effect at one moment; each key by itself is correct",
    also=("index-honesty", "bounded-staleness", "liveness"),
    parts=Parts(client_reads=ReadsListsInHalves),
)
