"""A counter: `add` n (n may be negative), `read`. Initially 0. The reply to an add is ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkers.models.model import KEEP, MAYBE, Call, Effect, IllegalCall, ScalarAction, ScalarModel, unknown


@dataclass(frozen=True)
class Counter(ScalarModel):
    """The operations `add` and `read` of a number."""

    initial: int = 0
    name = "counter"
    functions = frozenset({"add", "read"})
    reads = frozenset({"read"})
    adds = frozenset({"add"})

    def effect(self, call: Call) -> Effect:
        match call.f:
            case "add":
                return Effect(ScalarAction.ADD, _number(call, call.argument))
            case "read" if call.result is MAYBE:
                return KEEP
            case "read":
                return Effect(ScalarAction.KEEP, expected=_number(call, call.result))
        raise unknown(call)


def _number(call: Call, value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 40:
        raise IllegalCall(f"{call.f} takes and gives whole numbers below 2^40, not {value!r}")
    return value
