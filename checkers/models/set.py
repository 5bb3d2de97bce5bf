"""A set: `add` and `remove` an element, `contains` one, `read` all of them. Initially empty.

add and remove may reply true or false: whether that changed the set. Other replies claim nothing.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from checkers.models.model import IMPOSSIBLE, MAYBE, Call, Flow, IllegalCall, unknown
from history import values


@dataclass(frozen=True)
class Set:
    """The operations `add`, `remove`, `contains` and `read` of a set."""

    initial: frozenset[Hashable] = frozenset()
    name = "set"
    functions = frozenset({"add", "remove", "contains", "read"})
    reads = frozenset({"contains", "read"})

    @property
    def there(self) -> frozenset[Hashable]:
        return self.initial

    def flow(self, call: Call) -> Flow:
        element = (call.argument,)
        match call.f, call.result:
            case "add", values.FALSE:
                return Flow(needs=element)
            case "add", _:
                return Flow(makes=element)
            case "remove", values.TRUE:
                return Flow(takes=element)
            case "contains", values.TRUE:
                return Flow(needs=element)
            case "read", tuple() | frozenset():
                return Flow(needs=tuple(call.result))
        return Flow()

    def step(self, state: frozenset[Hashable], call: Call) -> Hashable:
        if call.f in ("read", "contains") and call.result is MAYBE:
            return state
        there = call.argument in state
        match call.f:
            case "add" | "remove":
                after = state | {call.argument} if call.f == "add" else state - {call.argument}
                changed = there == (call.f == "remove")
                claims = call.result in (values.TRUE, values.FALSE)
                return IMPOSSIBLE if claims and call.result != changed else after
            case "contains":
                return state if call.result == there else IMPOSSIBLE
            case "read":
                if not isinstance(call.result, tuple | frozenset):
                    raise IllegalCall(f"read gives a list of elements, not {call.result!r}")
                return state if frozenset(call.result) == state else IMPOSSIBLE
        raise unknown(call)
