"""A first-in first-out queue: `enqueue` an element, `dequeue` -> the oldest, or None if there is none."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Flow, unknown


@dataclass(frozen=True)
class Queue:
    """The operations `enqueue` and `dequeue` of a queue."""

    initial: tuple[Any, ...] = ()
    name = "queue"
    functions = frozenset({"enqueue", "dequeue"})
    reads: frozenset[str] = frozenset()

    @property
    def there(self) -> tuple[Any, ...]:
        return self.initial

    def flow(self, call: Call) -> Flow:
        if call.f == "enqueue":
            return Flow(makes=(call.argument,))
        return Flow() if call.result is MAYBE or call.result is None else Flow(takes=(call.result,))

    def step(self, state: tuple[Any, ...], call: Call) -> Hashable:
        match call.f:
            case "enqueue":
                return (*state, call.argument)
            case "dequeue" if call.result is MAYBE:
                return state[1:]
            case "dequeue":
                if not state:
                    return state if call.result is None else IMPOSSIBLE
                return state[1:] if state[0] == call.result else IMPOSSIBLE
        raise unknown(call)
