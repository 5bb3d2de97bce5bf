"""Watches linearizability key by key, whenever no operation on a key is in flight.

What is kept of a key between two such moments is the set of states in which it can be: each with the
operations of unknown outcome that took effect on the way there. The others of these may still take effect
at any later time. The next operations are added when the key is quiet again: each order of them that real
time allows is tried from each of those states. If no state is left, the key has no order (linearizability
is local: Herlihy and Wing 1990, theorem 1).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Model
from checkers.watching.forgotten import Forgotten
from checkers.watching.suspicion import Suspicion
from history import Operation
from history.values import frozen

MOST_WAITING = 2_000
"""A key that has this many operations without a quiet moment is given up."""
MOST_STATES = 500
"""A key that can be in more states than this is given up."""
MOST_STEPS = 20_000
"""What adding the operations between two quiet moments may cost, in steps of the model."""


KEPT_KEYS = 2_000
"""With more keys than this, that which was used longest ago is forgotten: the keys in use move on."""


@dataclass(frozen=True)
class _Done:
    """An operation that was answered."""

    begun: int
    ended: int
    call: Call


_Where = tuple[Hashable, frozenset[int]]
"""A state, and the operations of unknown outcome that took effect before it."""


@dataclass
class _Key:
    """What is known of one key."""

    possible: set[_Where]
    in_flight: dict[int, Operation] = field(default_factory=dict)
    """By process."""
    waiting: list[_Done] = field(default_factory=list)
    unknown: dict[int, Call] = field(default_factory=dict)
    """By invocation, the operations of unknown outcome."""
    is_given_up: bool = False


class KeyWatch:
    """A watch of the keys of one data type; operations that the data type lacks are passed over."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._keys: dict[str | None, _Key] = {}
        """Those that were used longest ago first."""
        self._forgotten = Forgotten()
        self.judged = 0
        """How many answered operations were added to the states of their keys."""

    @property
    def given_up(self) -> int:
        """How many keys take too long to watch; the checkers judge them at the end."""
        return sum(key.is_given_up for key in self._keys.values())

    def see(self, operation: Operation) -> Suspicion | None:
        """Take the next operation."""
        if not operation.is_client or operation.f not in self._model.functions:
            return None
        key = self._keys.pop(operation.key, None)
        if key is None:
            if operation.key in self._forgotten:
                return None
            key = _Key({(self._model.initial, frozenset())})
            if len(self._keys) >= KEPT_KEYS:
                oldest = next(iter(self._keys))
                del self._keys[oldest]
                self._forgotten.add(oldest)
        self._keys[operation.key] = key
        if key.is_given_up:
            return None
        if operation.type == "invoke":
            key.in_flight[operation.process] = operation
            return None
        invocation = key.in_flight.pop(operation.process, None)
        if invocation is None:
            return None
        if operation.type == "ok":
            call = Call(operation.f, frozen(invocation.value), frozen(operation.value))
            key.waiting.append(_Done(invocation.index, operation.index, call))
        elif operation.type == "info" and operation.f not in self._model.reads:
            key.unknown[invocation.index] = Call(operation.f, frozen(invocation.value), MAYBE)
        if len(key.waiting) > MOST_WAITING:
            self._give_up(key)
        elif not key.in_flight and key.waiting:
            return self._settle(operation.key, key)
        return None

    def _settle(self, name: str | None, key: _Key) -> Suspicion | None:
        """Add what waits to the states of a quiet key."""
        waiting, key.waiting = sorted(key.waiting, key=lambda done: done.begun), []
        possible = _after(self._model, key, waiting)
        if possible is None:
            self._give_up(key)
            return None
        self.judged += len(waiting)
        if not possible:
            named = ", ".join(str(done.begun) for done in waiting[:8])
            where = "" if name is None else f" of key {name!r}"
            self._give_up(key)
            return Suspicion("linearizability", f"no order explains the operations{where} up to {named}")
        key.possible = possible
        return None

    @staticmethod
    def _give_up(key: _Key) -> None:
        key.is_given_up = True
        key.possible, key.waiting, key.unknown, key.in_flight = set(), [], {}, {}


def _after(model: Model, key: _Key, waiting: list[_Done]) -> set[_Where] | None:
    """Where a key can be after all that waits, by beginning; None if that takes too long to find."""
    everything = (1 << len(waiting)) - 1
    to_visit = [(0, state, used) for state, used in key.possible]
    visited: set[tuple[int, Hashable, frozenset[int]]] = set(to_visit)
    found: set[_Where] = set()
    steps = 0
    while to_visit:
        placed, state, used = to_visit.pop()
        if placed == everything:
            found.add((state, used))
            if len(found) > MOST_STATES:
                return None
            continue
        following, cost = _following(model, key, waiting, placed, state, used)
        steps += cost
        if steps > MOST_STEPS:
            return None
        for one in following:
            if one not in visited:
                visited.add(one)
                to_visit.append(one)
    return found


def _following(
    model: Model, key: _Key, waiting: list[_Done], placed: int, state: Hashable, used: frozenset[int]
) -> tuple[list[tuple[int, Hashable, frozenset[int]]], int]:
    """What can come next, and how many steps of the model that took."""
    rest = [place for place in range(len(waiting)) if not placed >> place & 1]
    first_end = min(waiting[place].ended for place in rest)
    found, steps = [], 0
    for place in rest:
        done = waiting[place]
        if done.begun > first_end:
            break
        after = model.step(state, done.call)
        steps += 1
        if after is not IMPOSSIBLE:
            if done.call.f in model.reads:
                return [(placed | 1 << place, state, used)], steps  # a read that fits may come at once
            found.append((placed | 1 << place, after, used))
    for begun, call in key.unknown.items():
        if begun in used or begun > first_end:
            continue
        after = model.step(state, call)
        steps += 1
        if after is not IMPOSSIBLE and after != state:
            found.append((placed, after, used | {begun}))
    return found, steps
