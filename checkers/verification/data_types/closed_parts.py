"""Rechecks closed parts: all operations on a key up to one reply, of which no order explains every reply."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from checkers.models.model import IMPOSSIBLE, MAYBE, Model
from checkers.models.queue import Queue
from checkers.models.set import Set
from checkers.verification.certificate import CertificateError, ClosedPart
from checkers.verification.data_types.operations import Keys, Operated, of_key
from history.values import decoded, frozen

ELEMENTS_OF: Mapping[str, frozenset[str]] = {
    "set": frozenset({"add", "remove", "contains"}),
    "queue": frozenset({"enqueue"}),
}
"""Data types of elements, and which of their operations name the element in their argument."""


class TooLarge(Exception):
    """The search that a closed part needs exceeds its budget."""


def recheck_closed_part(keys: Keys, model: Model, part: ClosedPart, most_configurations: int) -> None:
    """Recheck, by trying every order, that the operations of a key up to one reply have none.

    Raises:
        CertificateError: there is an order, or the part is not what it says.
        TooLarge: more than `most_configurations` configurations would have to be visited.
    """
    answered, unknown = [], []
    model = _of_elements(model, part.values)
    for operation in _projected(of_key(keys, part.key).values(), model, part.values):
        if operation.begun > part.until:
            continue
        if operation.ended is not None and operation.ended <= part.until:
            answered.append(operation)
        elif operation.call.f not in model.reads:
            unknown.append(Operated(operation.begun, None, operation.call._replace(result=MAYBE)))
    if _Search(model, answered, unknown, most_configurations).finds_an_order():
        raise CertificateError(f"the operations of key {part.key!r} up to {part.until} do have an order")


def _projected(
    operations: Iterable[Operated], model: Model, values: tuple[str, ...] | None
) -> Iterator[Operated]:
    """Only what concerns some elements. Removals of unknown outcome may concern any, so they stay."""
    if values is None:
        yield from operations
        return
    naming = ELEMENTS_OF.get(model.name)
    if naming is None:
        raise CertificateError(f"a {model.name} has no elements that could be left out")
    kept = {frozen(decoded(value)) for value in values}
    for operation in operations:
        call = operation.call
        if call.f in naming:
            if call.argument in kept:
                yield operation
        elif call.result is MAYBE:
            yield operation
        elif model.name == "set":
            some = tuple(element for element in call.result if element in kept)
            yield Operated(operation.begun, operation.ended, call._replace(result=some))
        elif call.result is None or call.result in kept:
            yield operation  # a queue with fewer elements is empty at least as often


def _of_elements(model: Model, values: tuple[str, ...] | None) -> Model:
    """The data type as it is at first, with only these elements of what it holds."""
    if values is None or not isinstance(model, Queue | Set):
        return model
    kept = {frozen(decoded(value)) for value in values}
    held = (element for element in model.initial if element in kept)
    return Queue(tuple(held)) if isinstance(model, Queue) else Set(frozenset(held))


@dataclass
class _Search:
    """Every order in real time, depth first; a set of placed operations with a state is visited once."""

    model: Model
    answered: list[Operated]
    """By beginning."""
    unknown: list[Operated]
    budget: int
    visited: set[tuple[int, Hashable]] = field(default_factory=set)

    def finds_an_order(self) -> bool:
        everything = (1 << len(self.answered)) - 1
        to_visit: list[tuple[int, Hashable]] = [(0, self.model.initial)]
        while to_visit:
            placed, state = to_visit.pop()
            if placed & everything == everything:
                return True
            if (placed, state) in self.visited:
                continue
            self.visited.add((placed, state))
            if len(self.visited) > self.budget:
                raise TooLarge(f"the search of this part exceeds {self.budget:,} configurations")
            to_visit += self._following(placed, state)
        return False

    def _following(self, placed: int, state: Hashable) -> list[tuple[int, Hashable]]:
        """What can come next: operations that began before any that is not placed was answered."""
        first = (~placed & (placed + 1)).bit_length() - 1
        nearest_end, candidates = self._end(first), []
        for place in range(first, len(self.answered)):
            if self.answered[place].begun > nearest_end:
                break
            if not placed >> place & 1:
                candidates.append(place)
                nearest_end = min(nearest_end, self._end(place))
        found = []
        for place in candidates:
            operation = self.answered[place]
            if operation.begun > nearest_end:
                continue
            after = self.model.step(state, operation.call)
            if after is IMPOSSIBLE:
                continue
            if operation.call.f in self.model.reads:
                return [(placed | 1 << place, state)]  # a read that fits may always be placed at once
            found.append((placed | 1 << place, after))
        for place, operation in enumerate(self.unknown, start=len(self.answered)):
            if placed >> place & 1 or operation.begun > nearest_end:
                continue
            after = self.model.step(state, operation.call)
            if after is not IMPOSSIBLE and after != state:
                found.append((placed | 1 << place, after))
        return found

    def _end(self, place: int) -> int:
        ended = self.answered[place].ended
        assert ended is not None
        return ended
