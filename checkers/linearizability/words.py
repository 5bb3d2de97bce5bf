"""Operations, and what each would need in order to come next, in words."""

from __future__ import annotations

from typing import Any

from checkers.linearizability.answer import NEVER
from checkers.linearizability.part import Part
from checkers.models.model import ANYTHING, IMPOSSIBLE, MAYBE, Call, Model, is_scalar
from history.values import in_words


def value_in_words(value: Any) -> str:
    """A value as a file writes it; None is `nothing`, and a long text is shortened."""
    match value:
        case None:
            return "nothing"
        case str() if len(value) > 60:
            return f"{in_words(value[:28])}...{in_words(value[-28:])} ({len(value)} characters)"
        case _:
            return in_words(value)


def call_in_words(call: Call) -> str:
    """A call with its argument and its reply: `cas [0 1]`, `read -> 3`."""
    asked = call.f if call.argument is None else f"{call.f} {value_in_words(call.argument)}"
    if call.result is MAYBE or call.result == call.argument:
        return asked
    return f"{asked} -> {value_in_words(call.result)}"


def operation_in_words(part: Part, operation: int) -> str:
    """An operation with its call, by the index of its invocation: `operation 12 (read -> 3)`."""
    named = f"operation {int(part.invoked[operation])} ({call_in_words(part.call(operation))})"
    has_reply = int(part.completed[operation]) != NEVER
    return named if has_reply else f"{named}, which has no reply and may have happened at any later time"


def need_in_words(model: Model, state: Any, call: Call) -> str:
    """What a call would need that the state does not have; or that it could come next."""
    if model.step(state, call) is not IMPOSSIBLE:
        return "could come next"
    if is_scalar(model):
        effect = model.effect(call)
        if effect.expected is not ANYTHING:
            return f"needs {value_in_words(effect.expected)}"
        return f"needs anything but {value_in_words(effect.unless)}"
    return "is impossible there"
